// Grammars for `complete`: those that JSON Schemas stand for.

import { convert } from './converter.js';
import { copySchema } from './schema.js';

/**
 * The GBNF grammar of the JSON texts that fit a JSON Schema, with the start symbol `root`: what
 * `complete` takes as `grammar`, and makes of its `jsonSchema`. Every text that it derives fits
 * the schema; docs/generation-grammars.md tells which of those that fit it leaves out.
 *
 * Throws a TypeError for what is no schema, and for one that no value fits; a NotSupportedError
 * for a keyword that no grammar can hold to.
 *
 * ```ts
 * const grammar = jsonSchemaToGrammar({ type: 'array', items: { type: 'integer', minimum: 0 } });
 * ```
 */
export function jsonSchemaToGrammar(schema: object | boolean): string {
  return convert(copySchema(schema));
}
