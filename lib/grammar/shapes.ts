// Normalizes all schemas that apply to one value to a disjunction of shapes. `allOf`, references
// and sibling keywords are merged, `anyOf` and `oneOf` multiplied out. The schemas of properties
// and items stay lists of subschemas that all apply.

import { NotSupportedError } from '../common/errors.js';
import type { Bound, NumberRange } from './json-numbers.js';
import {
  checkKeywords,
  countAt,
  isObject,
  type Json,
  type JsonObject,
  notSupported,
  numberAt,
  type References,
  type Subschema,
  schemaAt,
  schemasAt,
  step,
  stringAt,
  stringsAt,
  wrongSchema,
  wrongSize,
} from './schema.js';

export const typeNames = [
  'null',
  'boolean',
  'object',
  'array',
  'number',
  'integer',
  'string',
] as const;
export type TypeName = (typeof typeNames)[number];

/** One conjunction of constraints, merged over all schemas; undefined if there is no constraint. */
export interface Shape {
  types: ReadonlySet<TypeName>;
  values: Json[] | undefined;
  range: NumberRange;
  isIntegral: boolean;
  minLength: number;
  maxLength: number;
  patterns: readonly string[];
  formats: readonly string[];
  properties: ReadonlyMap<string, readonly Subschema[]>;
  required: ReadonlySet<string>;
  /** The schemas of keys that are not among the properties. */
  additional: readonly Subschema[] | undefined;
  minProperties: number;
  maxProperties: number;
  prefix: readonly (readonly Subschema[])[];
  /** The schemas of items after the prefix. */
  items: readonly Subschema[] | undefined;
  minItems: number;
  maxItems: number;
}

const maxShapes = 1000;
const maxChain = 200;

const anything: Shape = {
  types: new Set(typeNames.filter((name) => name !== 'integer')),
  values: undefined,
  range: {},
  isIntegral: false,
  minLength: 0,
  maxLength: Infinity,
  patterns: [],
  formats: [],
  properties: new Map(),
  required: new Set(),
  additional: undefined,
  minProperties: 0,
  maxProperties: Infinity,
  prefix: [],
  items: undefined,
  minItems: 0,
  maxItems: Infinity,
};

/** The shapes of the values that conform to all of these subschemas. */
export function shapesOf(subschemas: readonly Subschema[], references: References): Shape[] {
  return subschemas.reduce<Shape[]>(
    (shapes, subschema) => multiply(shapes, expand(subschema, references, []), subschema.pointer),
    [anything],
  );
}

function expand(subschema: Subschema, references: References, chain: readonly string[]): Shape[] {
  const { schema, pointer } = subschema;
  if (typeof schema === 'boolean') return schema ? [anything] : [];
  if (chain.includes(pointer))
    throw wrongSchema('a reference that is not circular', pointer, chain[0]);
  if (chain.length > maxChain)
    throw wrongSize(`at most ${maxChain} references in a row`, '', chain.length);
  checkKeywords(subschema);
  const inner = [...chain, pointer];
  const all = (each: Subschema): Shape[] => expand(each, references, inner);
  let shapes = [ownShape(schema, pointer)];
  const and = (others: Shape[]): void => {
    shapes = multiply(shapes, others, pointer);
  };
  if (schema.nullable === true) shapes = [...shapes, { ...anything, types: new Set(['null']) }];
  if (schema.$ref !== undefined) and(all(references.resolve(schema.$ref, pointer)));
  if (schema.allOf !== undefined) schemasAt(schema.allOf, `${pointer}/allOf`).map(all).forEach(and);
  if (schema.anyOf !== undefined) and(schemasAt(schema.anyOf, `${pointer}/anyOf`).flatMap(all));
  if (schema.oneOf !== undefined) {
    const alternatives = schemasAt(schema.oneOf, `${pointer}/oneOf`).map(all);
    checkDisjoint(alternatives, references, `${pointer}/oneOf`);
    and(alternatives.flat());
  }
  return shapes.map((shape) => withUnevaluated(shape, schema, pointer));
}

/** The shape of a schema's own keywords. */
function ownShape(schema: JsonObject, pointer: string): Shape {
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

function optionalAt(value: Json | undefined, pointer: string): Subschema[] | undefined {
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
  return list === undefined ? [one] : list.filter((each) => canonical(each) === canonical(one));
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

/** Applies the `unevaluated…` keywords to what no other keyword covers. */
function withUnevaluated(shape: Shape, schema: JsonObject, pointer: string): Shape {
  const { unevaluatedProperties, unevaluatedItems } = schema;
  const additional = optionalAt(unevaluatedProperties, `${pointer}/unevaluatedProperties`);
  const items = optionalAt(unevaluatedItems, `${pointer}/unevaluatedItems`);
  return { ...shape, additional: shape.additional ?? additional, items: shape.items ?? items };
}

function multiply(a: Shape[], b: Shape[], pointer: string): Shape[] {
  if (a.length * b.length > maxShapes) {
    throw new NotSupportedError(
      `Cannot convert more than ${maxShapes} combinations of alternatives to a grammar, at jsonSchema${pointer}`,
    );
  }
  return a.flatMap((first) => b.map((second) => merge(first, second)).filter(isPossible));
}

function isPossible({ types, values, minLength, maxLength }: Shape): boolean {
  if (types.size === 0 || values?.length === 0) return false;
  return types.size > 1 || !types.has('string') || minLength <= maxLength;
}

function merge(a: Shape, b: Shape): Shape {
  const keys = new Set([...a.properties.keys(), ...b.properties.keys()]);
  const property = (shape: Shape, key: string): readonly Subschema[] =>
    shape.properties.get(key) ?? shape.additional ?? [];
  const lengths = Math.max(a.prefix.length, b.prefix.length);
  const item = (shape: Shape, index: number): readonly Subschema[] =>
    shape.prefix[index] ?? shape.items ?? [];
  return {
    types: mergeTypes(a.types, b.types),
    values: mergeValues(a.values, b.values),
    range: {
      min: tighter(a.range.min, b.range.min, true),
      max: tighter(a.range.max, b.range.max, false),
    },
    isIntegral: a.isIntegral || b.isIntegral,
    minLength: Math.max(a.minLength, b.minLength),
    maxLength: Math.min(a.maxLength, b.maxLength),
    patterns: [...new Set([...a.patterns, ...b.patterns])],
    formats: [...new Set([...a.formats, ...b.formats])],
    properties: new Map([...keys].map((key) => [key, unite(property(a, key), property(b, key))])),
    required: new Set([...a.required, ...b.required]),
    additional: uniteKnown(a.additional, b.additional),
    minProperties: Math.max(a.minProperties, b.minProperties),
    maxProperties: Math.min(a.maxProperties, b.maxProperties),
    prefix: Array.from({ length: lengths }, (_, index) => unite(item(a, index), item(b, index))),
    items: uniteKnown(a.items, b.items),
    minItems: Math.max(a.minItems, b.minItems),
    maxItems: Math.min(a.maxItems, b.maxItems),
  };
}

function unite(a: readonly Subschema[], b: readonly Subschema[]): readonly Subschema[] {
  return [...new Map([...a, ...b].map((each) => [each.pointer, each])).values()];
}

function uniteKnown(
  a: readonly Subschema[] | undefined,
  b: readonly Subschema[] | undefined,
): readonly Subschema[] | undefined {
  return a === undefined && b === undefined ? undefined : unite(a ?? [], b ?? []);
}

function mergeTypes(a: ReadonlySet<TypeName>, b: ReadonlySet<TypeName>): ReadonlySet<TypeName> {
  const has = (types: ReadonlySet<TypeName>, name: TypeName): boolean =>
    types.has(name) || (name === 'integer' && types.has('number'));
  const both = typeNames.filter((name) => has(a, name) && has(b, name));
  return new Set(both.filter((name) => name !== 'integer' || !both.includes('number')));
}

function mergeValues(a: Json[] | undefined, b: Json[] | undefined): Json[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const known = new Set(b.map(canonical));
  return a.filter((value) => known.has(canonical(value)));
}

function tighter(a: NumberRange['min'], b: NumberRange['min'], isMin: boolean): NumberRange['min'] {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.value === b.value) return a.isExclusive ? a : b;
  return a.value > b.value === isMin ? a : b;
}

/** A canonical serialization: equal for equal values, whatever the order of their keys. */
export function canonical(value: Json): string {
  return JSON.stringify(value, (_, each: Json) =>
    isObject(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/** Throws unless the alternatives of a `oneOf` are provably disjoint. */
function checkDisjoint(alternatives: Shape[][], references: References, pointer: string): void {
  alternatives.forEach((first, index) => {
    for (const second of alternatives.slice(index + 1)) {
      if (first.every((a) => second.every((b) => areDisjoint(a, b, references)))) continue;
      throw notSupported(
        "a 'oneOf' with schemas that one value may satisfy together ('anyOf' allows that)",
        pointer,
      );
    }
  });
}

function areDisjoint(a: Shape, b: Shape, references: References): boolean {
  const both = merge(a, b);
  const { types, values, range, minLength, maxLength } = both;
  if (!isPossible(both)) return true;
  // No common value has a common type.
  if (values !== undefined && !values.some((value) => hasType(value, types))) return true;
  if (types.size > 1) return false;
  const { min, max } = range;
  if ((types.has('number') || types.has('integer')) && min !== undefined && max !== undefined) {
    return (
      min.value > max.value || (min.value === max.value && (min.isExclusive || max.isExclusive))
    );
  }
  if (types.has('string')) return minLength > maxLength;
  if (types.has('array')) return both.minItems > both.maxItems;
  if (!types.has('object')) return false;
  // A required key whose value cannot satisfy both.
  return [...both.required].some((key) => {
    const subschemas = both.properties.get(key) ?? both.additional;
    return subschemas !== undefined && isImpossible(subschemas, references);
  });
}

function isImpossible(subschemas: readonly Subschema[], references: References): boolean {
  return shapesOf(subschemas, references).every(
    ({ types, values }) => values !== undefined && !values.some((value) => hasType(value, types)),
  );
}

export function hasType(value: Json, types: ReadonlySet<TypeName>): boolean {
  if (value === null) return types.has('null');
  if (Array.isArray(value)) return types.has('array');
  if (typeof value === 'number') {
    return types.has('number') || (types.has('integer') && Number.isInteger(value));
  }
  return types.has(typeof value as 'boolean' | 'object' | 'string');
}
