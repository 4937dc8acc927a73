// Conversion of JSON Schemas to grammars: which texts the grammars accept, compared with an
// independent validator, and which schemas are rejected.

import { defaultModelPath, jsonSchemaToGrammar, LLaMa, Model } from 'autocog-lm';
import t from 'tap';
import { oneThread } from '../support/forms.js';
import { fitsSchema } from './fits-schema.js';
import { type Schema, schemaCases } from './schema-cases.js';

const model = await Model.load(defaultModelPath);
t.teardown(() => model.close());

t.test('a grammar accepts and rejects texts as its schema does', async (t) => {
  for (const [schema, good, bad] of schemaCases) {
    const grammar = jsonSchemaToGrammar(schema as object);
    const name = JSON.stringify(schema).slice(0, 100);
    for (const text of good)
      t.ok(await model.matchesGrammar(grammar, text), `${name} accepts ${text.slice(0, 60)}`);
    for (const text of bad)
      t.notOk(await model.matchesGrammar(grammar, text), `${name} rejects ${text.slice(0, 60)}`);
  }
});

t.test('generated text conforms to the schema at any temperature', async (t) => {
  await using lm = new LLaMa(model, { ...oneThread, contextSize: 512 });
  let complete = 0;
  for (const [index, [schema]] of schemaCases.entries()) {
    for (const [temperature, topK] of [
      [0.8, 40],
      [3, 0],
    ] as const) {
      const { text, stopReason } = await lm.complete('The answer is', {
        jsonSchema: schema,
        maxTokens: 120,
        sampler: { temperature, topK, topP: 1, minP: 0, seed: index },
      });
      if (stopReason !== 'eog') continue;
      complete++;
      const isFitting = fitsSchema(JSON.parse(text), withoutDraft4(schema));
      t.ok(isFitting, `${JSON.stringify(schema).slice(0, 80)} fits ${text.slice(0, 80)}`);
    }
  }
  t.ok(complete > schemaCases.length, `${complete} complete texts`);
});

/** Converts the only draft-4 keyword among the cases. */
const withoutDraft4 = (schema: Schema): Schema =>
  typeof schema === 'object' && schema.exclusiveMinimum === true
    ? { ...schema, exclusiveMinimum: schema.minimum }
    : schema;

t.test('random bounds apply to random numbers', async (t) => {
  let state = 7;
  const random = (): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
  const number = (): number =>
    Number(((random() - 0.5) * 10 ** Math.floor(random() * 5)).toFixed(Math.floor(random() * 4)));
  for (let round = 0; round < 60; round++) {
    const [a, b] = [number(), number()].sort((x, y) => x - y) as [number, number];
    const schema: Record<string, unknown> = { type: round % 3 === 0 ? 'integer' : 'number' };
    if (round % 5 !== 0) schema[round % 2 === 0 ? 'minimum' : 'exclusiveMinimum'] = a;
    if (round % 7 !== 0) schema[round % 4 < 2 ? 'maximum' : 'exclusiveMaximum'] = b;
    let grammar: string;
    try {
      grammar = jsonSchemaToGrammar(schema);
    } catch (error) {
      t.match(error, { message: /Expected a satisfiable schema/ });
      t.ok(
        a === b || (schema.type === 'integer' && Math.ceil(a) >= Math.floor(b)),
        JSON.stringify(schema),
      );
      continue;
    }
    const near = [a, b].flatMap((bound) => [
      bound,
      bound + 1,
      bound - 1,
      bound + 0.01,
      bound - 0.01,
      bound * 10,
      Math.round(bound),
    ]);
    for (const value of [...near, 0, ...Array.from({ length: 20 }, number)]) {
      const text = String(Number(value.toFixed(6)));
      if (text === '-0' || text.includes('e')) continue;
      const expected = fitsSchema(JSON.parse(text), schema);
      if ((await model.matchesGrammar(grammar, text)) !== expected)
        t.equal(!expected, expected, `${text} of ${JSON.stringify(schema)}`);
    }
  }
});

t.test('unsupported keywords are rejected with their position', async (t) => {
  const unsupported: object[] = [
    { not: {} },
    { if: {} },
    { patternProperties: { a: {} } },
    { type: 'array', contains: {} },
    { type: 'array', uniqueItems: true },
    { type: 'integer', multipleOf: 5 },
    { type: 'object', minProperties: 1 },
    { type: 'object', properties: { a: {}, b: {} }, maxProperties: 1 },
    { oneOf: [{ type: 'integer' }, { type: 'number' }] },
    { type: 'string', pattern: 'a', minLength: 3 },
    { type: 'string', pattern: '(?=a)b' },
    { type: 'string', pattern: '(?<!a)b' },
    { type: 'string', pattern: '(a)\\1' },
    { type: 'string', pattern: '\\bword' },
    { type: 'string', pattern: 'a$b' },
    { type: 'string', pattern: '(^a)' },
    { type: 'string', pattern: '\\p{L}' },
    { type: 'string', pattern: 'a{3000}' },
    { type: 'string', pattern: `${'('.repeat(150)}a${')'.repeat(150)}` },
    { $ref: 'https://example.com/schema.json' },
    { $ref: 'other.json#/a' },
    { type: 'number', minimum: 1e-50 },
    { enum: ['a'], pattern: 'a' },
    { allOf: Array.from({ length: 20 }, () => ({ anyOf: [{ minimum: 1 }, { minimum: 2 }] })) },
  ];
  for (const schema of unsupported) {
    const name = JSON.stringify(schema).slice(0, 100);
    t.throws(
      () => jsonSchemaToGrammar(schema),
      { name: 'NotSupportedError', code: 'NOT_SUPPORTED' },
      name,
    );
  }
  t.throws(() => jsonSchemaToGrammar({ type: 'object', properties: { 'a/b': { not: {} } } }), {
    message: 'Cannot convert the keyword "not" to a grammar, at jsonSchema/properties/a~1b',
  });
});

t.test('an invalid schema is rejected', async (t) => {
  const cyclic: Record<string, unknown> = {};
  cyclic.items = cyclic;
  let deep: object = {};
  for (let i = 0; i < 5000; i++) deep = { items: deep };
  const loop = { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' };
  const endless = { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] };
  const bad: unknown[] = [
    'string',
    5,
    null,
    [],
    () => {},
    cyclic,
    loop,
    endless,
    false,
    { enum: [] },
    { allOf: [{ type: 'null' }, { type: 'string' }] },
    { type: 'text' },
    { type: 5 },
    { minimum: '1' },
    { minLength: -1 },
    { minLength: 1.5 },
    { properties: [] },
    { required: 'a' },
    { items: 5 },
    { anyOf: {} },
    { $ref: 5 },
    { $ref: '#/nowhere' },
    { $ref: '#nowhere' },
    { $ref: '#/%' },
    { maxLenght: 5 },
    { pattern: '[' },
    { pattern: '(' },
    { pattern: 'a{2,1}' },
    { type: 'string', minLength: 3, maxLength: 2 },
    { type: 'array', minItems: 3, maxItems: 2 },
    { type: 'integer', minimum: 3, maximum: 2 },
    { toJSON: () => 'x' },
  ];
  for (const schema of bad) {
    t.throws(() => jsonSchemaToGrammar(schema as object), {
      name: 'TypeError',
      code: 'INVALID_ARGUMENT',
    });
  }
  for (const schema of [
    deep,
    { type: 'string', maxLength: 200_000 },
    { type: 'array', minItems: 1e9 },
  ]) {
    t.throws(() => jsonSchemaToGrammar(schema), { code: /OUT_OF_RANGE|INVALID_ARGUMENT/ });
  }
  t.throws(() => jsonSchemaToGrammar({ items: { minItems: 'x' } }), {
    message: 'Expected an integer of at least 0 for jsonSchema/items/minItems, got "x"',
  });
  await using lm = new LLaMa(model, oneThread);
  await t.rejects(lm.complete('a', { jsonSchema: { maxLenght: 5 } as object }), {
    code: 'INVALID_ARGUMENT',
  });
  await t.rejects(lm.complete('a', { jsonSchema: {}, grammar: 'root ::= "a"' }), {
    code: 'INVALID_ARGUMENT',
    message: 'Expected either grammar or jsonSchema for options, got both',
  });
});

t.test('many values are distinguished, whatever prefixes they share', async (t) => {
  const values = [
    '',
    'a',
    'ab',
    'abc',
    '😀',
    '😁',
    '😀a',
    '€',
    'é',
    'a😀',
    'a😁b',
    1,
    12,
    123,
    [1],
    [12],
  ];
  const grammar = jsonSchemaToGrammar({ enum: values });
  for (const value of values)
    t.ok(await model.matchesGrammar(grammar, JSON.stringify(value)), JSON.stringify(value));
  for (const text of ['"abcd"', '"😂"', '2', '1234', '[2]', '"a😁"', '"'])
    t.notOk(await model.matchesGrammar(grammar, text));
});

t.test('large schemas are converted and matched in reasonable time', async (t) => {
  const properties = Object.fromEntries(
    Array.from({ length: 400 }, (_, i) => [`property${i}`, { type: ['string', 'null'] }]),
  );
  const wide = jsonSchemaToGrammar({ type: 'object', properties, additionalProperties: true });
  t.ok(await model.matchesGrammar(wide, '{"property0":"a","property399":null,"property400":1}'));
  t.notOk(await model.matchesGrammar(wide, '{"property1":"a","property0":null}'));
  const words = Array.from({ length: 5000 }, (_, i) => `word number ${i}`);
  const list = jsonSchemaToGrammar({ type: 'array', items: { enum: words }, maxItems: 1000 });
  t.ok(await model.matchesGrammar(list, JSON.stringify(words.slice(0, 1000))));
  t.notOk(await model.matchesGrammar(list, JSON.stringify(words.slice(0, 1001))));
  const chain: Record<string, object> = { n150: { type: 'null' } };
  for (let i = 0; i < 150; i++)
    chain[`n${i}`] = { type: 'array', items: { $ref: `#/$defs/n${i + 1}` }, minItems: 1 };
  const nested = jsonSchemaToGrammar({ $defs: chain, $ref: '#/$defs/n0' });
  t.ok(await model.matchesGrammar(nested, `${'['.repeat(150)}null${']'.repeat(150)}`));
});
