// JSON schemas: all keywords with fitting and unfitting values, references in every direction, huge
// lists and patterns. Each becomes a grammar that the engine accepts, or is refused with an error of the
// package; with pauses as well as at once.
import { defaultModelPath, jsonSchemaToGrammar, Model } from 'autocog-lm';
import fc from 'fast-check';
import { jsonSchemaToGrammarInSteps } from '../../dist/esm/grammar/grammar.js';
import { check, expectError, Tally } from './support/property.mjs';

const names = ['n0', 'n1', 'n2', 'n3'];
const reference = fc.constantFrom(...names).map((name) => ({ $ref: `#/$defs/${name}` }));
const count = fc.constantFrom(0, 1, 2, 3, 40, 2000, 99_999, 2 ** 40, -1, 1.5);
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, 1e-40, 1.7e308, -5e-324, 1e21),
);
const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('a', 1, null, true));
const pattern = fc.oneof(
  fc.constantFrom(
    '^a+$',
    '[a-z]{2,5}',
    '(a|b)*c',
    '(?:x?y?)*',
    '\\d{3}-\\d{4}',
    '^\\w+@\\w+$',
    '.*',
  ),
  fc.string({ unit: fc.constantFrom(...'ab()[]{}|*+?^$.\\d1,-'.split('')), maxLength: 20 }),
  fc
    .tuple(fc.constantFrom('a', '(', 'a?', '[b]', '(a|', 'a|', '\\d{2}'), fc.nat(30_000))
    .map(([p, n]) => p.repeat(n)),
);
const types = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string'];
const { schema } = fc.letrec((tie) => {
  const some = fc.array(tie('schema'), { maxLength: 4, depthIdentifier: 'schema' });
  const keyed = fc.dictionary(fc.constantFrom('a', 'b', 'kind', 'é"'), tie('schema'), {
    maxKeys: 3,
    depthIdentifier: 'schema',
  });
  return {
    schema: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'schema' },
      fc.constantFrom({}, true, false),
      reference,
      fc
        .record(
          {
            type: fc.oneof(
              fc.constantFrom(...types),
              fc.uniqueArray(fc.constantFrom(...types), { maxLength: 3 }),
            ),
            enum: fc.array(value, { maxLength: 5 }),
            const: value,
            allOf: some,
            anyOf: some,
            oneOf: some,
            $ref: fc.constantFrom(
              '#/$defs/n0',
              '#',
              '#/$defs/none',
              '#/properties/a',
              'other',
              '#n1',
            ),
            nullable: fc.boolean(),
            minimum: number,
            maximum: number,
            exclusiveMinimum: number,
            minLength: count,
            maxLength: count,
            pattern,
            format: fc.constantFrom('date', 'date-time', 'uuid', 'email', 'ipv6', 'uri', 'other'),
            properties: keyed,
            required: fc.array(fc.constantFrom('a', 'b', 'kind'), { maxLength: 3 }),
            additionalProperties: tie('schema'),
            unevaluatedProperties: tie('schema'),
            items: tie('schema'),
            prefixItems: some,
            minItems: count,
            maxItems: count,
            maxProperties: count,
            not: tie('schema'),
          },
          { requiredKeys: [] },
        )
        .map((record) => Object.fromEntries(Object.entries(record).slice(0, 4))),
    ),
  };
});

/** Lists of many alternatives, and chains of references, of any length. */
const large = fc
  .tuple(fc.constantFrom('oneOf', 'anyOf', 'allOf'), fc.nat(300), reference)
  .map(([key, length, end]) => ({
    [key]: Array.from({ length }, (_, index) => ({
      type: 'object',
      properties: { kind: { const: `k${index % 250}` }, rest: end },
      required: ['kind'],
    })),
  }));
const ladder = fc
  .tuple(fc.constantFrom('allOf', 'anyOf', 'oneOf'), fc.nat(60))
  .map(([key, length]) => {
    const steps = Array.from({ length }, (_, index) => [
      `s${index}`,
      { [key]: [{ $ref: `#/$defs/s${index + 1}` }, { $ref: `#/$defs/s${index + 1}` }] },
    ]);
    return {
      $defs: { ...Object.fromEntries(steps), [`s${length}`]: { type: 'string' } },
      $ref: '#/$defs/s0',
    };
  });

const codes = ['INVALID_ARGUMENT', 'OUT_OF_RANGE', 'NOT_SUPPORTED'];

/** @returns {Promise<string>} what was found */
export async function fuzz(options) {
  const tally = new Tally();
  const model = await Model.load(defaultModelPath);
  const defs = fc.record(Object.fromEntries(names.map((name) => [name, schema])));
  const withDefs = fc
    .tuple(schema, defs)
    .map(([own, $defs]) => (typeof own === 'boolean' ? own : { ...own, $defs }));
  const input = fc.oneof(
    { weight: 10, arbitrary: withDefs },
    { weight: 1, arbitrary: large },
    { weight: 1, arbitrary: ladder },
  );
  const test = async (given) => {
    const outcome = async (convert) => {
      try {
        return await convert();
      } catch (error) {
        return { refused: expectError(error, codes), message: error.message };
      }
    };
    const atOnce = await outcome(() => jsonSchemaToGrammar(given));
    const inSteps = await outcome(() => jsonSchemaToGrammarInSteps(given, undefined));
    if (JSON.stringify(atOnce) !== JSON.stringify(inSteps))
      throw new Error('pauses change the result');
    if (typeof atOnce !== 'string') return tally.add(`refused as ${atOnce.refused}`);
    try {
      model.checkGrammar(atOnce);
      tally.add('converted');
    } catch (error) {
      // A grammar within the limits of the conversion may be beyond those of the engine.
      if (!/at most 4194304 elements|at most 2000/.test(error.message)) throw error;
      tally.add('too large for the engine');
    }
  };
  const runs = await check('schemas', input, test, options);
  await model.close();
  return `${runs} schemas: ${tally}`;
}
