// Whether a value of an `enum` or a `const` satisfies the other keywords that apply to it.

import { NotSupportedError } from '../common/errors.js';
import { isObject, type Json, type JsonObject, type Subschema } from './schema.js';
import type { Shape } from './shape.js';
import type { Shapes } from './shapes.js';
import { canonical, hasType } from './values.js';

/** Maximum nesting depth of a value. */
const maxDepth = 100;

export function fitsShape(value: Json, shape: Shape, shapes: Shapes, depth = 0): boolean {
  if (depth > maxDepth) {
    throw new NotSupportedError(
      `Cannot convert values with more than ${maxDepth} levels to a grammar`,
    );
  }
  const { types, values } = shape;
  shapes.references.work.spend(1 + (values?.length ?? 0));
  if (!hasType(value, types)) return false;
  if (values !== undefined) {
    const own = canonical(value);
    if (!values.some((each) => canonical(each) === own)) return false;
  }
  const all = (each: Json, subschemas: readonly Subschema[] | undefined): boolean =>
    subschemas === undefined || fits(each, subschemas, shapes, depth + 1);
  if (typeof value === 'number') return fitsNumber(value, shape);
  if (typeof value === 'string') return fitsString(value, shape);
  if (Array.isArray(value)) {
    const { prefix, items, minItems, maxItems } = shape;
    const isFitting = value.every((each, index) => all(each, prefix[index] ?? items));
    return isFitting && value.length >= minItems && value.length <= maxItems;
  }
  return !isObject(value) || fitsObject(value, shape, all);
}

function fits(
  value: Json,
  subschemas: readonly Subschema[],
  shapes: Shapes,
  depth: number,
): boolean {
  return shapes.of(subschemas).some((shape) => fitsShape(value, shape, shapes, depth));
}

function fitsNumber(value: number, { range: { min, max }, isIntegral }: Shape): boolean {
  if (isIntegral && !Number.isInteger(value)) return false;
  if (min !== undefined && (value < min.value || (min.isExclusive && value === min.value)))
    return false;
  return max === undefined || !(value > max.value || (max.isExclusive && value === max.value));
}

function fitsString(value: string, { minLength, maxLength, patterns, formats }: Shape): boolean {
  if (patterns.length > 0 || formats.length > 0) {
    throw new NotSupportedError(
      "Cannot convert 'enum' or 'const' together with 'pattern' or 'format' to a grammar",
    );
  }
  const length = Array.from(value).length;
  return length >= minLength && length <= maxLength;
}

function fitsObject(
  value: JsonObject,
  { properties, required, additional, minProperties, maxProperties }: Shape,
  all: (each: Json, subschemas: readonly Subschema[] | undefined) => boolean,
): boolean {
  const keys = Object.keys(value);
  if (keys.length < minProperties || keys.length > maxProperties) return false;
  if ([...required].some((key) => !Object.hasOwn(value, key))) return false;
  return keys.every((key) => all(value[key] as Json, properties.get(key) ?? additional));
}
