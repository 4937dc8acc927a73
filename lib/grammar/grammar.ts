// The public entry to the conversion of JSON Schemas to grammars for `complete`.

import { Pace } from '../common/yield-to-event-loop.js';
import { convert } from './converter.js';
import { copySchema } from './schema.js';

/**
 * Converts a JSON Schema to a GBNF grammar with the start symbol `root`, as for the options
 * `grammar` and `jsonSchema` of `complete`. Every text that the grammar derives conforms to the
 * schema; docs/generation-grammars.md lists the conforming texts that it excludes.
 *
 * Throws a TypeError for an invalid schema and for one that no value satisfies; a NotSupportedError
 * for a keyword that the conversion does not support, and for a schema beyond one of its limits.
 *
 * ```ts
 * const grammar = jsonSchemaToGrammar({ type: 'array', items: { type: 'integer', minimum: 0 } });
 * ```
 */
export function jsonSchemaToGrammar(schema: object | boolean): string {
  const work = convert(copySchema(schema));
  let next = work.next();
  while (!next.done) next = work.next();
  return next.value;
}

/** {@link jsonSchemaToGrammar} with pauses that let others run. */
export async function jsonSchemaToGrammarInSteps(
  schema: object | boolean,
  signal: AbortSignal | undefined,
): Promise<string> {
  const work = convert(copySchema(schema));
  const pace = new Pace(signal);
  for (;;) {
    const next = work.next();
    if (next.done) return next.value;
    if (pace.isDue) await pace.pause();
  }
}
