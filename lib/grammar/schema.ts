// A JSON Schema as it was given: checked to be one that is understood, and its parts found again
// by their pointers.

import { describe, wrongRange, wrongType } from '../common/arguments.js';
import { invalidArgument, NotSupportedError } from '../common/errors.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** A schema within the whole, by its JSON pointer. */
export interface Place {
  schema: JsonObject | boolean;
  pointer: string;
}

/** Schemas within schemas. */
const mostDepth = 200;

const annotations = new Set([
  '$schema',
  '$id',
  'id',
  '$comment',
  '$anchor',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'deprecated',
  'readOnly',
  'writeOnly',
  'example',
  'examples',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
  '$vocabulary',
  'discriminator',
]);

const assertions = new Set([
  '$ref',
  'allOf',
  'anyOf',
  'oneOf',
  'type',
  'enum',
  'const',
  'nullable',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'properties',
  'required',
  'additionalProperties',
  'unevaluatedProperties',
  'minProperties',
  'maxProperties',
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'minItems',
  'maxItems',
  'uniqueItems',
]);

const unsupported = new Set([
  'not',
  'if',
  'then',
  'else',
  'dependencies',
  'dependentRequired',
  'dependentSchemas',
  'patternProperties',
  'propertyNames',
  'contains',
  'minContains',
  'maxContains',
  '$dynamicRef',
  '$dynamicAnchor',
  '$recursiveRef',
  '$recursiveAnchor',
]);

const namesOf = (pointer: string): string => `jsonSchema${pointer}`;

/** `Expected <what> for jsonSchema/…, got <value>`. */
export function wrongSchema(what: string, pointer: string, value: unknown): TypeError {
  return wrongType(what, namesOf(pointer), value);
}

export function wrongSize(what: string, pointer: string, value: unknown): RangeError {
  return wrongRange(what, namesOf(pointer), value);
}

export function notSupported(what: string, pointer: string): NotSupportedError {
  return new NotSupportedError(`No grammar is made of ${what}, at ${namesOf(pointer)}`);
}

/** The part of a pointer for a key. */
export const step = (key: string | number): string =>
  `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy as plain JSON, so that nobody changes it meanwhile. */
export function copySchema(value: unknown): JsonObject | boolean {
  if (typeof value !== 'boolean' && !isObject(value)) {
    throw wrongType('an object or a boolean', 'jsonSchema', value);
  }
  try {
    const copy: unknown = JSON.parse(JSON.stringify(value));
    if (typeof copy === 'boolean' || isObject(copy)) return copy;
  } catch (cause) {
    throw invalidArgument('Expected plain JSON for jsonSchema, got what JSON.stringify refuses', {
      cause,
    });
  }
  throw wrongType('plain JSON', 'jsonSchema', value);
}

/** What is at a key, which has to be a schema. */
export function schemaAt(value: Json | undefined, pointer: string): Place {
  if (typeof value === 'boolean' || isObject(value)) return { schema: value, pointer };
  throw wrongSchema('a schema, which is an object or a boolean,', pointer, value);
}

/** What is at a key, which has to be a list of schemas. */
export function schemasAt(value: Json | undefined, pointer: string): Place[] {
  if (!Array.isArray(value)) throw wrongSchema('an array of schemas', pointer, value);
  return value.map((each, index) => schemaAt(each, pointer + step(index)));
}

/** Refuses keywords that are unknown, or say what a grammar cannot. */
export function checkKeywords({ schema, pointer }: Place): void {
  if (typeof schema === 'boolean') return;
  if (pointer.split('/').length > mostDepth) {
    throw wrongSize(`at most ${mostDepth} levels`, '', pointer.split('/').length);
  }
  for (const key of Object.keys(schema)) {
    if (assertions.has(key) || annotations.has(key) || key.startsWith('x-')) continue;
    if (unsupported.has(key)) throw notSupported(`the keyword ${describe(key)}`, pointer);
    throw wrongSchema('known keywords', pointer, key);
  }
}

/** Finds schemas by the references to them. */
export class References {
  readonly #root: JsonObject | boolean;
  readonly #anchors = new Map<string, Place>();

  constructor(root: JsonObject | boolean) {
    this.#root = root;
    this.#findAnchors(root, '', 0);
  }

  resolve(reference: Json, from: string): Place {
    const pointer = `${from}/$ref`;
    if (typeof reference !== 'string') throw wrongSchema('a string', pointer, reference);
    if (!reference.startsWith('#')) throw notSupported('a reference to another document', pointer);
    const fragment = decode(reference.slice(1), pointer);
    if (fragment !== '' && !fragment.startsWith('/')) {
      const place = this.#anchors.get(fragment);
      if (place === undefined) throw wrongSchema('a reference to an $anchor', pointer, reference);
      return place;
    }
    let value: Json | undefined = this.#root;
    let at = '';
    for (const part of fragment.split('/').slice(1)) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const isThere: boolean =
        typeof value === 'object' && value !== null && Object.hasOwn(value, key);
      if (!isThere) throw wrongSchema('a reference to what is there', pointer, reference);
      value = (value as JsonObject)[key];
      at += step(key);
    }
    return schemaAt(value, at);
  }

  /** Where a schema leads that is nothing but a reference; itself where it says more. */
  follow(place: Place): Place {
    let at = place;
    for (let count = 0; count < mostDepth; count++) {
      const { schema, pointer } = at;
      if (typeof schema === 'boolean' || schema.$ref === undefined) return at;
      if (Object.keys(schema).some((key) => assertions.has(key) && key !== '$ref')) return at;
      checkKeywords(at);
      at = this.resolve(schema.$ref, pointer);
    }
    return at;
  }

  #findAnchors(value: Json, pointer: string, depth: number): void {
    if (typeof value !== 'object' || value === null || depth > 2 * mostDepth) return;
    const { $anchor: anchor } = value as JsonObject;
    if (typeof anchor === 'string' && isObject(value)) {
      this.#anchors.set(anchor, { schema: value, pointer });
    }
    for (const [key, each] of Object.entries(value)) {
      this.#findAnchors(each as Json, pointer + step(key), depth + 1);
    }
  }
}

function decode(fragment: string, pointer: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    throw wrongSchema('a reference', pointer, fragment);
  }
}

/** An integer of at least 0. */
export function countAt(schema: JsonObject, key: string, pointer: string): number | undefined {
  const value = schema[key];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrongSchema('an integer of at least 0', pointer + step(key), value);
}

export function numberAt(schema: JsonObject, key: string, pointer: string): number | undefined {
  const value = schema[key];
  if (value === undefined) return undefined;
  if (typeof value === 'number') return value;
  throw wrongSchema('a number', pointer + step(key), value);
}

export function stringAt(schema: JsonObject, key: string, pointer: string): string | undefined {
  const value = schema[key];
  if (value === undefined || typeof value === 'string') return value;
  throw wrongSchema('a string', pointer + step(key), value);
}

export function stringsAt(schema: JsonObject, key: string, pointer: string): string[] | undefined {
  const value = schema[key];
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw wrongSchema('an array of strings', pointer + step(key), value);
}
