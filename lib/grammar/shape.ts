// A shape: all constraints on one value, merged. `shapes.ts` computes the shapes of schemas.

import type { NumberRange } from './json-numbers.js';
import type { Json, Subschema } from './schema.js';
import { canonical, hasType, type TypeName, typeNames } from './values.js';

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

/** No constraint. */
export const anything: Shape = {
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

/** Whether a value may conform, as far as one look tells. */
export function isPossible({ types, values, minLength, maxLength }: Shape): boolean {
  if (types.size === 0 || values?.length === 0) return false;
  return types.size > 1 || !types.has('string') || minLength <= maxLength;
}

/** The conjunction of shapes, in time that is about linear in their size. */
export function merge(shapes: readonly Shape[]): Shape {
  const distinct = [...new Set(shapes)].filter((shape) => shape !== anything);
  const [first, second] = distinct;
  if (first === undefined) return anything;
  if (second === undefined) return first;
  const max = (read: (shape: Shape) => number): number =>
    distinct.reduce((most, shape) => Math.max(most, read(shape)), 0);
  const min = (read: (shape: Shape) => number): number =>
    distinct.reduce((least, shape) => Math.min(least, read(shape)), Infinity);
  return {
    types: distinct.map(({ types }) => types).reduce(mergeTypes),
    values: mergeValues(distinct.flatMap(({ values }) => (values === undefined ? [] : [values]))),
    range: {
      min: distinct.map(({ range }) => range.min).reduce((a, b) => tighter(a, b, true)),
      max: distinct.map(({ range }) => range.max).reduce((a, b) => tighter(a, b, false)),
    },
    isIntegral: distinct.some(({ isIntegral }) => isIntegral),
    minLength: max(({ minLength }) => minLength),
    maxLength: min(({ maxLength }) => maxLength),
    patterns: [...new Set(distinct.flatMap(({ patterns }) => patterns))],
    formats: [...new Set(distinct.flatMap(({ formats }) => formats))],
    properties: mergeProperties(distinct),
    required: new Set(distinct.flatMap(({ required }) => [...required])),
    additional: uniteKnown(distinct.map(({ additional }) => additional)),
    minProperties: max(({ minProperties }) => minProperties),
    maxProperties: min(({ maxProperties }) => maxProperties),
    prefix: Array.from({ length: max(({ prefix }) => prefix.length) }, (_, index) =>
      unite(distinct.map(({ prefix, items }) => prefix[index] ?? items ?? [])),
    ),
    items: uniteKnown(distinct.map(({ items }) => items)),
    minItems: max(({ minItems }) => minItems),
    maxItems: min(({ maxItems }) => maxItems),
  };
}

/** The subschemas of each property: those of its name, or else those for additional ones. */
function mergeProperties(shapes: readonly Shape[]): Map<string, readonly Subschema[]> {
  const others = shapes.filter(({ additional }) => additional !== undefined);
  const lists = new Map<string, (readonly Subschema[])[]>();
  for (const { properties } of shapes) {
    for (const [key, subschemas] of properties) {
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [subschemas]);
      else list.push(subschemas);
    }
  }
  const merged = new Map<string, readonly Subschema[]>();
  for (const [key, list] of lists) {
    const rest = others.filter(({ properties }) => !properties.has(key));
    merged.set(key, unite([...list, ...rest.map(({ additional }) => additional ?? [])]));
  }
  return merged;
}

/** All subschemas, each once. */
function unite(lists: readonly (readonly Subschema[])[]): readonly Subschema[] {
  const [first] = lists;
  if (first !== undefined && lists.length === 1) return first;
  return [...new Map(lists.flat().map((each) => [each.pointer, each])).values()];
}

function uniteKnown(
  lists: readonly (readonly Subschema[] | undefined)[],
): readonly Subschema[] | undefined {
  const known = lists.filter((list) => list !== undefined);
  return known.length === 0 ? undefined : unite(known);
}

function mergeTypes(a: ReadonlySet<TypeName>, b: ReadonlySet<TypeName>): ReadonlySet<TypeName> {
  const has = (types: ReadonlySet<TypeName>, name: TypeName): boolean =>
    types.has(name) || (name === 'integer' && types.has('number'));
  const both = typeNames.filter((name) => has(a, name) && has(b, name));
  return new Set(both.filter((name) => name !== 'integer' || !both.includes('number')));
}

/** The values in all lists, in the order of the first. */
function mergeValues(lists: readonly Json[][]): Json[] | undefined {
  const [first, ...others] = lists;
  if (first === undefined || others.length === 0) return first;
  const sets = others.map((list) => new Set(list.map(canonical)));
  return first.filter((value) => {
    const key = canonical(value);
    return sets.every((set) => set.has(key));
  });
}

/** The tighter of two bounds. */
export function tighter(
  a: NumberRange['min'],
  b: NumberRange['min'],
  isMin: boolean,
): NumberRange['min'] {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.value === b.value) return a.isExclusive ? a : b;
  return a.value > b.value === isMin ? a : b;
}

/**
 * Whether provably no value conforms to both shapes.
 *
 * @param isImpossible whether no value of a property conforms to the merged shape
 */
export function isDisjoint(
  a: Shape,
  b: Shape,
  isImpossible: (shape: Shape, key: string) => boolean,
): boolean {
  const both = merge([a, b]);
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
  return [...both.required].some((key) => isImpossible(both, key));
}
