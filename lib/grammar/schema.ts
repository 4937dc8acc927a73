// Access to a JSON Schema: keyword validation, typed access to keywords, and the resolution of
// references. The converter uses it.

import { describe, wrongRange, wrongType } from '../common/arguments.js';
import { invalidArgument, NotSupportedError } from '../common/errors.js';
import { Work } from './work.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** A schema within the root schema, identified by its JSON pointer. */
export interface Subschema {
  schema: JsonObject | boolean;
  pointer: string;
}

/** Maximum nesting depth of schemas. */
const maxDepth = 200;

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

const nameOf = (pointer: string): string => `jsonSchema${pointer}`;

/** `Expected <what> for jsonSchema/…, got <value>`. */
export function wrongSchema(what: string, pointer: string, value: unknown): TypeError {
  return wrongType(what, nameOf(pointer), value);
}

export function wrongSize(what: string, pointer: string, value: unknown): RangeError {
  return wrongRange(what, nameOf(pointer), value);
}

export function notSupported(what: string, pointer: string): NotSupportedError {
  return new NotSupportedError(`Cannot convert ${what} to a grammar, at ${nameOf(pointer)}`);
}

/** The JSON pointer segment of a key. */
export const step = (key: string | number): string =>
  `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A plain JSON copy, which the caller cannot change. */
export function copySchema(value: unknown): JsonObject | boolean {
  if (typeof value !== 'boolean' && !isObject(value)) {
    throw wrongType('an object or a boolean', 'jsonSchema', value);
  }
  try {
    const copy: unknown = JSON.parse(JSON.stringify(value));
    if (typeof copy === 'boolean' || isObject(copy)) return copy;
  } catch (cause) {
    throw invalidArgument(
      'Expected plain JSON for jsonSchema, got a value that JSON.stringify rejects',
      {
        cause,
      },
    );
  }
  throw wrongType('plain JSON', 'jsonSchema', value);
}

/** Checks that a keyword's value is a schema. */
export function schemaAt(value: Json | undefined, pointer: string): Subschema {
  if (typeof value === 'boolean' || isObject(value)) return { schema: value, pointer };
  throw wrongSchema('a schema (an object or a boolean)', pointer, value);
}

/** Checks that a keyword's value is an array of schemas. */
export function schemasAt(value: Json | undefined, pointer: string): Subschema[] {
  if (!Array.isArray(value)) throw wrongSchema('an array of schemas', pointer, value);
  return value.map((each, index) => schemaAt(each, pointer + step(index)));
}

/** Rejects keywords that are unknown or cannot be converted. */
export function checkKeywords({ schema, pointer }: Subschema): void {
  if (typeof schema === 'boolean') return;
  if (pointer.split('/').length > maxDepth) {
    throw wrongSize(`at most ${maxDepth} levels`, '', pointer.split('/').length);
  }
  for (const key of Object.keys(schema)) {
    if (assertions.has(key) || annotations.has(key) || key.startsWith('x-')) continue;
    if (unsupported.has(key)) throw notSupported(`the keyword ${describe(key)}`, pointer);
    throw wrongSchema('known keywords', pointer, key);
  }
}

/** Resolves references within the root schema. */
export class References {
  /** What the conversion has cost so far. */
  readonly work = new Work();
  readonly #root: JsonObject | boolean;
  readonly #anchors = new Map<string, Subschema>();

  constructor(root: JsonObject | boolean) {
    this.#root = root;
    this.#findAnchors(root, '', 0);
  }

  resolve(reference: Json, from: string): Subschema {
    const pointer = `${from}/$ref`;
    if (typeof reference !== 'string') throw wrongSchema('a string', pointer, reference);
    if (!reference.startsWith('#')) throw notSupported('a reference to another document', pointer);
    const fragment = decode(reference.slice(1), pointer);
    if (fragment !== '' && !fragment.startsWith('/')) {
      const target = this.#anchors.get(fragment);
      if (target === undefined) throw wrongSchema('a reference to an $anchor', pointer, reference);
      return target;
    }
    let value: Json | undefined = this.#root;
    let path = '';
    for (const part of fragment.split('/').slice(1)) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const exists: boolean =
        typeof value === 'object' && value !== null && Object.hasOwn(value, key);
      if (!exists) throw wrongSchema('a reference to an existing schema', pointer, reference);
      value = (value as JsonObject)[key];
      path += step(key);
    }
    return schemaAt(value, path);
  }

  /** Follows references while a schema consists of nothing else; returns the final schema. */
  follow(subschema: Subschema): Subschema {
    let current = subschema;
    for (let count = 0; count < maxDepth; count++) {
      const { schema, pointer } = current;
      if (typeof schema === 'boolean' || schema.$ref === undefined) return current;
      if (Object.keys(schema).some((key) => assertions.has(key) && key !== '$ref')) return current;
      checkKeywords(current);
      current = this.resolve(schema.$ref, pointer);
    }
    return current;
  }

  #findAnchors(value: Json, pointer: string, depth: number): void {
    if (typeof value !== 'object' || value === null || depth > 2 * maxDepth) return;
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
