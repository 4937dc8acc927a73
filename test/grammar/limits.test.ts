// Schemas and grammars that would take without end: converted in polynomial time, or refused with the
// limit; and a match ends with its signal.

import { defaultModelPath, jsonSchemaToGrammar, Model } from 'autocog-lm';
import t from 'tap';

/** A schema that refers twice to the next one, as many times. */
function ladder(key: string, length: number, more: object = {}) {
  const $defs: Record<string, object> = {};
  for (let index = 0; index < length; index++) {
    const next = { $ref: `#/$defs/n${index + 1}` };
    $defs[`n${index}`] = { ...more, [key]: [next, next] };
  }
  return { $defs: { ...$defs, [`n${length}`]: { type: 'string' } }, $ref: '#/$defs/n0' };
}

t.test('references in every direction are expanded once', async (t) => {
  const string = jsonSchemaToGrammar({ type: 'string' });
  for (const key of ['allOf', 'anyOf']) {
    t.equal(jsonSchemaToGrammar(ladder(key, 60)), string, key);
    t.equal(jsonSchemaToGrammar(ladder(key, 60, { minLength: 0, type: 'string' })), string, key);
  }
  t.throws(() => jsonSchemaToGrammar(ladder('oneOf', 2)), { code: 'NOT_SUPPORTED' });
  t.throws(() => jsonSchemaToGrammar(ladder('allOf', 500)), { message: /at most 200 references/ });
});

t.test('a thousand alternatives are told apart by constants or a property', async (t) => {
  await using model = await Model.load(defaultModelPath);
  const kinds = Array.from({ length: 999 }, (_, index) => ({
    type: 'object',
    properties: { kind: { const: `k${index}` }, a: { type: 'integer' } },
    required: ['kind'],
  }));
  const grammar = jsonSchemaToGrammar({ oneOf: [...kinds, { type: 'null' }] });
  t.ok(await model.matchesGrammar(grammar, '{"kind":"k998","a":5}'));
  t.notOk(await model.matchesGrammar(grammar, '{"kind":"k999","a":5}'));
  t.ok(await model.matchesGrammar(grammar, 'null'));
  const constants = { oneOf: Array.from({ length: 1000 }, (_, index) => ({ const: index })) };
  t.ok(await model.matchesGrammar(jsonSchemaToGrammar(constants), '999'));
  const twice = { oneOf: [...kinds, kinds[3] as object] };
  t.throws(() => jsonSchemaToGrammar(twice), { code: 'NOT_SUPPORTED', message: /oneOf/ });
  const overlapping = { oneOf: [{ type: 'integer' }, { type: 'number' }] };
  t.throws(() => jsonSchemaToGrammar(overlapping), { code: 'NOT_SUPPORTED' });
});

t.test('schemas beyond a limit are refused with it', async (t) => {
  const choice = { anyOf: [{ minLength: 1 }, { maxLength: 9 }] };
  const limits: [object, RegExp][] = [
    [{ type: 'string', pattern: 'a'.repeat(1e6) }, /a pattern of more than 16384 characters/],
    [{ type: 'string', pattern: '('.repeat(200) + ')'.repeat(200) }, /more than 100 nested/],
    [{ allOf: Array.from({ length: 20 }, () => choice) }, /more than 1000 combinations/],
    [
      { type: 'object', properties: { ['k'.repeat(200_000)]: {} }, additionalProperties: true },
      /more than 2000000 steps/,
    ],
    [
      {
        prefixItems: Array.from({ length: 100 }, () => ({ minimum: 1e-40, maximum: 1.7e308 })),
      },
      /more than 2000000 steps/,
    ],
  ];
  for (const [schema, message] of limits) {
    t.throws(() => jsonSchemaToGrammar(schema), { code: 'NOT_SUPPORTED', message });
  }
});

t.test('long patterns and keys are converted without recursion', async (t) => {
  await using model = await Model.load(defaultModelPath);
  const matches = async (schema: object, value: unknown): Promise<boolean> =>
    model.matchesGrammar(jsonSchemaToGrammar(schema), JSON.stringify(value));
  const long = 'ab'.repeat(8000);
  t.ok(await matches({ type: 'string', pattern: `^${long}$` }, long));
  t.notOk(await matches({ type: 'string', pattern: `^${long}$` }, `${long}a`));
  const optional = { type: 'string', pattern: `^(${'a?b?'.repeat(100)}c?)*$` };
  for (const text of ['', 'a', 'b', 'c', 'ab'.repeat(150), 'cc', 'ca']) {
    t.ok(await matches(optional, text), text.slice(0, 20));
  }
  t.notOk(await matches(optional, 'd'));
  const key = 'k'.repeat(5000);
  const open = {
    type: 'object',
    properties: { [key]: { type: 'null' } },
    additionalProperties: {},
  };
  t.ok(await matches(open, { [key]: null, [`${key}k`]: 1 }));
  t.notOk(await matches(open, { [key]: 1 }));
});

t.test('a match that takes long ends with its signal, and holds up nothing', async (t) => {
  await using model = await Model.load(defaultModelPath);
  const ambiguous = 'root ::= x\nx ::= "a" x x | "a" x | "a"';
  const controller = new AbortController();
  const { signal } = controller;
  const matching = model.matchesGrammar(ambiguous, 'a'.repeat(20_000), { signal });
  t.equal((await model.tokenize('Others are not held up')).length > 0, true);
  controller.abort();
  await t.rejects(matching, { name: 'AbortError' });
  t.ok(await model.matchesGrammar(ambiguous, 'aaa'), 'and the next one runs');
  await t.rejects(model.matchesGrammar(ambiguous, 'a', { signal }), { name: 'AbortError' });
  await t.rejects(model.matchesGrammar(ambiguous, 'a', { signal: 5 as never }), {
    code: 'INVALID_ARGUMENT',
  });
  const open = model.matchesGrammar(ambiguous, 'a'.repeat(50));
  await model.close();
  t.ok(await open, 'a running match is finished when its model closes');
});
