// Grammars of JSON Schemas: which texts they take, held to an independent reading of the schemas,
// and what is refused.

import { defaultModelPath, jsonSchemaToGrammar, LLaMa, Model } from 'autocog-lm';
import t from 'tap';
import { fitsSchema } from './support/fits-schema.js';
import { oneThread } from './support/forms.js';

type Schema = Record<string, unknown> | boolean;

const model = await Model.load(defaultModelPath);
t.teardown(() => model.close());

const point = { type: 'object', properties: { x: { type: 'integer' }, y: { type: 'integer' } } };
const tree = {
  $defs: {
    node: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        children: { type: 'array', items: { $ref: '#/$defs/node' } },
      },
      required: ['name'],
    },
  },
  $ref: '#/$defs/node',
};

/** Schemas, texts that they take, and texts that they do not. */
const cases: [Schema, string[], string[]][] = [
  [
    true,
    ['1', '"a"', '{"a": [1, {"b": null}], "": {}}', '[]', '[ ]', 'true', '-1.5e+10'],
    ['', 'a', '[1,]', '{1: 2}', '01', '.5', '1.', 'nul', '{"a":1,}', "'a'"],
  ],
  [{}, ['1', '[{}]'], ['[']],
  [{ type: 'null' }, ['null'], ['0', '"null"']],
  [{ type: 'boolean' }, ['true', 'false'], ['True', '1']],
  [{ type: ['integer', 'null'] }, ['0', '-7', 'null'], ['1.0', '-', '"1"', '007']],
  [{ type: 'integer', minimum: 0 }, ['0', '1', '123456789012345'], ['-1', '-0', '00']],
  [
    { type: 'integer', minimum: 17, maximum: 2345 },
    ['17', '99', '100', '2345', '1999', '20'],
    ['16', '2346', '3000', '1', '10000', '-20'],
  ],
  [
    { type: 'integer', minimum: -12, maximum: -3 },
    ['-12', '-3', '-9', '-10'],
    ['-13', '-2', '3', '0', '-100'],
  ],
  [{ type: 'integer', minimum: -5, maximum: 5 }, ['-5', '5', '0', '-1'], ['6', '-6', '-0']],
  [{ type: 'integer', exclusiveMinimum: 3, exclusiveMaximum: 5 }, ['4'], ['3', '5']],
  [{ type: 'integer', minimum: 1.5, maximum: 3.5 }, ['2', '3'], ['1', '4']],
  [
    { type: 'integer', maximum: 1e21 },
    ['1000000000000000000000', '-5'],
    ['1000000000000000000001'],
  ],
  [{ type: 'integer', minimum: 4, exclusiveMinimum: true }, ['5'], ['4']],
  [{ type: 'number' }, ['0', '-1', '0.5', '1e5', '1E-12'], ['.5', '+1', '1.', 'NaN', '1e400']],
  [
    { type: 'number', minimum: 0, maximum: 1 },
    ['0', '1', '0.5', '1.0', '0.000', '0.123456'],
    ['1.1', '1.01', '-0.1', '2', '-0'],
  ],
  [
    { type: 'number', exclusiveMinimum: 0, maximum: 0.05 },
    ['0.01', '0.05', '0.050', '0.0000001'],
    ['0', '0.0', '0.06', '0.051', '1'],
  ],
  [
    { type: 'number', minimum: -1.25, exclusiveMaximum: 10 },
    ['-1.25', '-1.249', '0', '9.999', '-0.5', '3.14'],
    ['-1.251', '-1.3', '-2', '10', '10.0', '11'],
  ],
  [
    { type: 'number', minimum: 99.5 },
    ['99.5', '99.51', '100', '123456.75'],
    ['99.4', '99', '9.95', '-100'],
  ],
  [{ type: 'number', multipleOf: 1, maximum: 3 }, ['3', '-20'], ['4', '2.5']],
  [
    { type: 'string' },
    ['""', '"a"', '"\\n\\u00e9é😀\\""', '"\\ud83d"'.replace('\\ud83d', '\\u0041')],
    ['"', '"\n"', '"\\x"', 'a', '"a""'],
  ],
  [
    { type: 'string', minLength: 2, maxLength: 3 },
    ['"ab"', '"abc"', '"é😀"', '"\\n\\n"'],
    ['"a"', '"abcd"', '""'],
  ],
  [
    { type: 'string', maxLength: 5000 },
    [`"${'x'.repeat(5000)}"`, '""', `"${'x'.repeat(2000)}"`, `"${'x'.repeat(2001)}"`],
    [`"${'x'.repeat(5001)}"`],
  ],
  [
    { type: 'string', minLength: 4001 },
    [`"${'x'.repeat(4001)}"`, `"${'x'.repeat(9000)}"`],
    [`"${'x'.repeat(4000)}"`],
  ],
  [
    { enum: ['red', 1, null, { a: [1] }, 'a"b\n'] },
    ['"red"', '1', 'null', '{"a":[1]}', '"a\\"b\\n"'],
    ['"green"', '{"a": [2]}', '2'],
  ],
  [{ type: 'string', enum: ['a', 1] }, ['"a"'], ['1']],
  [{ enum: [1, 5, 9], minimum: 4, maximum: 8 }, ['5'], ['1', '9']],
  [{ const: 'x', enum: ['x', 'y'] }, ['"x"'], ['"y"']],
  [{ type: 'array' }, ['[]', '[1, "a", [[]]]'], ['{}', '[,]']],
  [
    { type: 'array', items: { type: 'boolean' } },
    ['[]', '[true]', '[true, false,true]'],
    ['[1]', '[true false]'],
  ],
  [
    { type: 'array', items: { type: 'boolean' }, minItems: 2, maxItems: 3 },
    ['[true,true]', '[true,true,true]'],
    ['[]', '[true]', '[true,true,true,true]'],
  ],
  [{ type: 'array', maxItems: 0 }, ['[]'], ['[1]']],
  [{ type: 'array', maxItems: 1, uniqueItems: true }, ['[]', '[1]'], ['[1,2]']],
  [
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }] },
    ['[]', '["a"]', '["a", 1]'],
    ['[1]', '["a",1,2]'],
  ],
  [
    {
      type: 'array',
      prefixItems: [{ type: 'string' }, { type: 'integer' }],
      items: { type: 'null' },
      minItems: 2,
    },
    ['["a",1]', '["a",1,null,null]'],
    ['["a"]', '[]', '["a",1,2]'],
  ],
  [
    { type: 'array', items: [{ const: 1 }], additionalItems: false, minItems: 1 },
    ['[1]'],
    ['[]', '[1,1]'],
  ],
  [
    point,
    ['{}', '{"x": 1}', '{"y":2}', '{"x":1,"y":2}', '{ "x":1,\n  "y":2 }'],
    ['{"y":1,"x":2}', '{"z":1}', '{"x":1,}', '{"x":1,"x":1}'],
  ],
  [{ ...point, required: ['y'] }, ['{"y":1}', '{"x":1,"y":2}'], ['{}', '{"x":1}']],
  [{ ...point, required: ['z'] }, ['{"z":[]}', '{"x":1,"z":1}'], ['{"x":1}']],
  [
    { ...point, additionalProperties: { type: 'null' } },
    ['{}', '{"a":null}', '{"x":1,"y":1,"xx":null,"":null,"é":null}'],
    ['{"a":1}', '{"a":null,"x":1}', '{"x":null}', '{"y":null}'],
  ],
  [
    { type: 'object', properties: { aé: {}, a: {} }, additionalProperties: false },
    ['{"aé":1,"a":2}'],
    ['{"b":1}'],
  ],
  [{ type: 'object' }, ['{}', '{"a":{"b":1},"c":[]}'], ['[]', '{"a"}']],
  [{ type: 'object', additionalProperties: false }, ['{}'], ['{"a":1}']],
  [
    { type: 'object', additionalProperties: { type: 'integer' }, maxProperties: 2 },
    ['{}', '{"a":1}', '{"a":1,"b":2}'],
    ['{"a":1,"b":2,"c":3}', '{"a":"b"}'],
  ],
  [{ properties: { 'a"b\n/~': { const: 1 } }, type: 'object' }, ['{"a\\"b\\n/~":1}'], ['{"a":1}']],
  [
    tree,
    ['{"name":"a"}', '{"name":"a","children":[{"name":"b","children":[]},{"name":"c"}]}'],
    ['{"children":[]}', '{"name":"a","children":[{}]}'],
  ],
  [{ type: 'array', items: { $ref: '#' } }, ['[]', '[[],[[]]]'], ['[1]']],
  [{ $defs: { p: { $anchor: 'P', type: 'null' } }, $ref: '#P' }, ['null'], ['1']],
  [
    {
      definitions: { 'a/b~c': { const: 1 }, 'a-b~c': { const: 2 } },
      anyOf: [{ $ref: '#/definitions/a~1b~0c' }, { $ref: '#/definitions/a-b%7E0c' }],
    },
    ['1', '2'],
    ['3'],
  ],
  [
    {
      anyOf: [{ type: 'integer', maximum: 3 }, { type: 'string', maxLength: 1 }, { type: 'null' }],
    },
    ['3', '"a"', 'null'],
    ['4', '"ab"'],
  ],
  [
    { oneOf: [{ type: 'integer', maximum: 3 }, { type: 'integer', minimum: 4 }, { type: 'null' }] },
    ['3', '4', 'null'],
    ['"a"'],
  ],
  [
    {
      oneOf: [
        {
          type: 'object',
          properties: { kind: { const: 'a' }, v: { type: 'null' } },
          required: ['kind'],
        },
        { type: 'object', properties: { kind: { enum: ['b', 'c'] } }, required: ['kind'] },
      ],
    },
    ['{"kind":"a","v":null}', '{"kind":"c"}'],
    ['{"kind":"b","v":null}', '{"kind":"d"}', '{}'],
  ],
  [
    {
      allOf: [
        { ...point, required: ['x'] },
        { properties: { y: { maximum: 9 }, z: {} }, required: ['z'] },
      ],
    },
    ['{"x":1,"y":9,"z":[]}', '{"x":1,"z":0}'],
    ['{"x":1,"y":10,"z":1}', '{"x":1}'],
  ],
  [
    { allOf: [point, { additionalProperties: false, properties: { x: {} } }] },
    ['{"x":1}', '{}'],
    ['{"y":1}'],
  ],
  [
    {
      type: 'object',
      properties: { a: {}, b: {} },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    ['{"a":1}', '{"b":1}', '{"a":1,"b":1}'],
    ['{}'],
  ],
  [
    { allOf: [{ type: ['number', 'string'] }, { type: ['integer', 'null'] }] },
    ['4'],
    ['4.5', '"a"', 'null'],
  ],
  [
    {
      allOf: [{ $ref: '#/$defs/p' }],
      unevaluatedProperties: { type: 'null' },
      $defs: { p: point },
    },
    ['{"x":1,"q":null}'],
    ['{"q":1}'],
  ],
  [{ type: 'string', nullable: true }, ['null', '"a"'], ['1']],
  [
    { type: 'string', format: 'date' },
    ['"2024-02-28"', '"1999-12-31"', '"2023-04-30"'],
    ['"2023-02-30"', '"2023-13-01"', '"2023-04-31"', '"23-01-01"', '"2023-00-10"'],
  ],
  [
    { type: 'string', format: 'date-time' },
    ['"2024-01-31T23:59:59Z"', '"2024-01-31T00:00:00.123+02:00"'],
    ['"2024-01-31"', '"2024-01-31T24:00:00Z"', '"2024-01-31T10:00:00"'],
  ],
  [
    { type: 'string', format: 'uuid' },
    ['"123e4567-e89b-12d3-a456-426614174000"'],
    ['"123e4567-e89b-12d3-a456-42661417400"'],
  ],
  [
    { type: 'string', format: 'ipv4' },
    ['"0.0.0.0"', '"255.255.255.255"', '"192.168.1.10"'],
    ['"256.1.1.1"', '"1.2.3"', '"01.2.3.4"'],
  ],
  [{ type: 'string', format: 'email' }, ['"a.b@c.de"'], ['"a.b"', '"@c.de"']],
  [{ type: 'string', format: 'who-knows' }, ['"anything"'], ['1']],
  [{ type: 'string', pattern: '^a+$' }, ['"a"', '"aaa"'], ['""', '"ab"']],
  [
    { type: 'string', pattern: 'ab|^c|d$' },
    ['"xxabyy"', '"cz"', '"zd"', '"ab"'],
    ['"zc"', '"dz"', '"ba"'],
  ],
  [{ type: 'string', pattern: '' }, ['""', '"x"'], ['x']],
  [
    { type: 'string', pattern: '^(?:[A-Z]{2}-)?\\d{3,4}$' },
    ['"123"', '"AB-1234"'],
    ['"12"', '"A-123"', '"AB-12345"', '"AB-"'],
  ],
  [
    { type: 'string', pattern: '^(a*)*(b|)+(?<name>c?){2}$' },
    ['""', '"aab"', '"aabbcc"'],
    ['"ccc"', '"d"'],
  ],
  [
    { type: 'string', pattern: '^[^"\\\\a-c\\n]"\\\\\\t\\u00e9\\u{1F600}\\x41[\\w-]$' },
    ['"d\\"\\\\\\té😀A-"', '"x\\"\\\\\\té😀A_"'],
    ['"a\\"\\\\\\té😀A-"', '"d\\"\\\\té😀A-"'],
  ],
  [
    { type: 'string', pattern: '^.\\s\\S\\W\\D$' },
    ['"a b!c"', '"\\"\\tb x"'],
    ['"a b!1"', '"\\n b!c"'],
  ],
  [{ type: 'string', pattern: '^\\-x*?$' }, ['"-"', '"-xx"'], ['"x"']],
  [
    {
      type: 'object',
      properties: {
        root: { const: 1 },
        char: { type: 'string' },
        space: { type: 'null' },
        any: {},
      },
    },
    ['{"root":1,"char":"x","space":null,"any":{}}'],
    ['{"root":2}'],
  ],
];

t.test('texts are taken and refused as the schema says', async (t) => {
  for (const [schema, good, bad] of cases) {
    const grammar = jsonSchemaToGrammar(schema as object);
    const name = JSON.stringify(schema).slice(0, 100);
    for (const text of good)
      t.ok(model.matchesGrammar(grammar, text), `${name} takes ${text.slice(0, 60)}`);
    for (const text of bad)
      t.notOk(model.matchesGrammar(grammar, text), `${name} refuses ${text.slice(0, 60)}`);
  }
});

t.test('what is written fits the schema, with any weights of the dice', async (t) => {
  await using lm = new LLaMa(model, { ...oneThread, contextSize: 512 });
  let complete = 0;
  for (const [index, [schema]] of cases.entries()) {
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
  t.ok(complete > cases.length, `${complete} texts came to their end`);
});

/** The only keyword of draft 4 among the cases. */
const withoutDraft4 = (schema: Schema): Schema =>
  typeof schema === 'object' && schema.exclusiveMinimum === true
    ? { ...schema, exclusiveMinimum: schema.minimum }
    : schema;

t.test('random bounds hold for random numbers', async (t) => {
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
      t.match(error, { message: /that some value fits/ });
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
      const wanted = fitsSchema(JSON.parse(text), schema);
      if (model.matchesGrammar(grammar, text) !== wanted)
        t.equal(!wanted, wanted, `${text} of ${JSON.stringify(schema)}`);
    }
  }
});

t.test('what no grammar can hold to is refused, and where it stands is told', async (t) => {
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
    message: 'No grammar is made of the keyword "not", at jsonSchema/properties/a~1b',
  });
});

t.test('what is no schema is refused', async (t) => {
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
  });
});

t.test('many values are told apart, whatever they begin with', async (t) => {
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
    t.ok(model.matchesGrammar(grammar, JSON.stringify(value)), JSON.stringify(value));
  for (const text of ['"abcd"', '"😂"', '2', '1234', '[2]', '"a😁"', '"'])
    t.notOk(model.matchesGrammar(grammar, text));
});

t.test('large schemas are converted and followed in reasonable time', async (t) => {
  const properties = Object.fromEntries(
    Array.from({ length: 400 }, (_, i) => [`property${i}`, { type: ['string', 'null'] }]),
  );
  const wide = jsonSchemaToGrammar({ type: 'object', properties, additionalProperties: true });
  t.ok(model.matchesGrammar(wide, '{"property0":"a","property399":null,"property400":1}'));
  t.notOk(model.matchesGrammar(wide, '{"property1":"a","property0":null}'));
  const words = Array.from({ length: 5000 }, (_, i) => `word number ${i}`);
  const list = jsonSchemaToGrammar({ type: 'array', items: { enum: words }, maxItems: 1000 });
  t.ok(model.matchesGrammar(list, JSON.stringify(words.slice(0, 1000))));
  t.notOk(model.matchesGrammar(list, JSON.stringify(words.slice(0, 1001))));
  const chain: Record<string, object> = { n150: { type: 'null' } };
  for (let i = 0; i < 150; i++)
    chain[`n${i}`] = { type: 'array', items: { $ref: `#/$defs/n${i + 1}` }, minItems: 1 };
  const nested = jsonSchemaToGrammar({ $defs: chain, $ref: '#/$defs/n0' });
  t.ok(model.matchesGrammar(nested, `${'['.repeat(150)}null${']'.repeat(150)}`));
});
