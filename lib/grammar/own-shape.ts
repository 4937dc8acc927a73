// The constraints of a schema's own keywords, apart from those that combine schemas. `shapes.ts`
// merges them.

import type { Bound, NumberRange } from './json-numbers.js';
import {
  countAt,
  isObject,
  type Json,
  type JsonObject,
  notSupported,
  numberAt,
  type Subschema,
  schemaAt,
  schemasAt,
  step,
  stringAt,
  stringsAt,
  wrongSchema,
} from './schema.js';
import { anything, type Shape, tighter } from './shape.js';
import { canonical, type TypeName, typeNames } from './values.js';

/** The shape of a schema's own keywords. */
export function ownShape(schema: JsonObject, pointer: string): Shape {
  const shape = { ...anything, types: typesAt(schema, pointer) };
  const prefix = schema.prefixItems ?? (Array.isArray(schema.items) ? schema.items : undefined);
  const items = Array.isArray(schema.items) ? schema.additionalItems : schema.items;
  const at = pointer;
  if (schema.uniqueItems === true && (countAt(schema, 'maxItems', at) ?? Infinity) > 1) {
    throw notSupported("'uniqueItems'", pointer);
  }
  return {
    ...shape,
    values: valuesAt(schema, pointer),
    ...numbersAt(schema, pointer),
    minLength: countAt(schema, 'minLength', at) ?? 0,
    maxLength: countAt(schema, 'maxLength', at) ?? Infinity,
    patterns: [stringAt(schema, 'pattern', at) ?? []].flat(),
    formats: [stringAt(schema, 'format', at) ?? []].flat(),
    properties: propertiesAt(schema, pointer),
    required: new Set(stringsAt(schema, 'required', at)),
    additional: optionalAt(schema.additionalProperties, `${pointer}/additionalProperties`),
    minProperties: countAt(schema, 'minProperties', at) ?? 0,
    maxProperties: countAt(schema, 'maxProperties', at) ?? Infinity,
    prefix:
      prefix === undefined ? [] : schemasAt(prefix, `${pointer}/prefixItems`).map((each) => [each]),
    items: optionalAt(items, `${pointer}/items`),
    minItems: countAt(schema, 'minItems', at) ?? 0,
    maxItems: countAt(schema, 'maxItems', at) ?? Infinity,
  };
}

export function optionalAt(value: Json | undefined, pointer: string): Subschema[] | undefined {
  return value === undefined ? undefined : [schemaAt(value, pointer)];
}

function typesAt({ type }: JsonObject, pointer: string): ReadonlySet<TypeName> {
  if (type === undefined) return anything.types;
  const names: Json[] = Array.isArray(type) ? type : [type];
  for (const name of names) {
    if (!(typeNames as readonly Json[]).includes(name)) {
      throw wrongSchema(`one of ${typeNames.join(', ')}`, `${pointer}/type`, name);
    }
  }
  return new Set(names as TypeName[]);
}

function valuesAt(schema: JsonObject, pointer: string): Json[] | undefined {
  const { enum: list, const: one } = schema;
  if (list !== undefined && !Array.isArray(list))
    throw wrongSchema('an array', `${pointer}/enum`, list);
  if (one === undefined) return list;
  const only = canonical(one);
  return list === undefined ? [one] : list.filter((each) => canonical(each) === only);
}

function numbersAt(schema: JsonObject, pointer: string): Pick<Shape, 'range' | 'isIntegral'> {
  const bound = (key: string, isExclusive: boolean): NumberRange['min'] => {
    const value = numberAt(schema, key, pointer);
    return value === undefined ? undefined : { value, isExclusive };
  };
  // In draft 4 the exclusive keywords are booleans.
  const own = (inclusive: string, exclusive: string, isMin: boolean): Bound | undefined =>
    typeof schema[exclusive] === 'boolean'
      ? bound(inclusive, schema[exclusive])
      : tighter(bound(inclusive, false), bound(exclusive, true), isMin);
  const step = numberAt(schema, 'multipleOf', pointer);
  if (step !== undefined && step !== 1) throw notSupported("a 'multipleOf' other than 1", pointer);
  const min = own('minimum', 'exclusiveMinimum', true);
  const max = own('maximum', 'exclusiveMaximum', false);
  return { range: { min, max }, isIntegral: step === 1 };
}

function propertiesAt({ properties }: JsonObject, pointer: string): Map<string, Subschema[]> {
  if (properties === undefined) return new Map();
  if (!isObject(properties)) throw wrongSchema('an object', `${pointer}/properties`, properties);
  return new Map(
    Object.entries(properties).map(([key, value]) => [
      key,
      [schemaAt(value, `${pointer}/properties${step(key)}`)],
    ]),
  );
}
