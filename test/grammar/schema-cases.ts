// JSON Schemas with every supported keyword, and texts that do and do not conform to them.

export type Schema = Record<string, unknown> | boolean;

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

/** Schemas with conforming and non-conforming texts. */
export const schemaCases: [Schema, string[], string[]][] = [
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
