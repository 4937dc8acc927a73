// Whether a value that an `enum` or a `const` names fits what else is said of it.

import { NotSupportedError } from '../common/errors.js';
import { isObject, type Json, type JsonObject, type Place, type References } from './schema.js';
import { canonical, hasType, type Shape, shapesOf } from './shapes.js';

/** Values within values. */
const mostDepth = 100;

export function fitsShape(value: Json, shape: Shape, references: References, depth = 0): boolean {
  if (depth > mostDepth)
    throw new NotSupportedError(`No grammar is made of values of more than ${mostDepth} levels`);
  const { types, values } = shape;
  if (!hasType(value, types)) return false;
  if (values !== undefined && !values.some((each) => canonical(each) === canonical(value)))
    return false;
  const all = (each: Json, places: readonly Place[] | undefined): boolean =>
    places === undefined || fits(each, places, references, depth + 1);
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
  places: readonly Place[],
  references: References,
  depth: number,
): boolean {
  return shapesOf(places, references).some((shape) => fitsShape(value, shape, references, depth));
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
      "No grammar is made of 'enum' or 'const' together with 'pattern' or 'format'",
    );
  }
  const length = Array.from(value).length;
  return length >= minLength && length <= maxLength;
}

function fitsObject(
  value: JsonObject,
  { properties, required, additional, minProperties, maxProperties }: Shape,
  all: (each: Json, places: readonly Place[] | undefined) => boolean,
): boolean {
  const keys = Object.keys(value);
  if (keys.length < minProperties || keys.length > maxProperties) return false;
  if ([...required].some((key) => !Object.hasOwn(value, key))) return false;
  return keys.every((key) => all(value[key] as Json, properties.get(key) ?? additional));
}
