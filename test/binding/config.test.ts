// Configurations: which entries and values are valid.

import { BaseConfig, ConfigTemplate, type ConfigValue, TypedConfig } from 'autocog-lm/binding';
import fc from 'fast-check';
import t from 'tap';

const template = new ConfigTemplate([
  { name: 'apiKey', type: 'str', value: '', help: 'API key' },
  { name: 'temperature', type: 'float', value: 0.7, min: 0, max: 1 },
  { name: 'layers', type: 'int', value: 3, min: 0 },
  { name: 'fast', type: 'bool', value: true },
  { name: 'device', type: 'str', value: 'cpu', options: ['cpu', 'gpu'] },
  { name: 'stops', type: 'list', value: ['\n'] },
  { name: 'headers', type: 'dict', value: {} },
]);
const make = () => new TypedConfig(template);

t.test('values start as the defaults, or as a BaseConfig has them', async (t) => {
  t.same(make().toJSON(), {
    apiKey: '',
    temperature: 0.7,
    layers: 3,
    fast: true,
    device: 'cpu',
    stops: ['\n'],
    headers: {},
  });
  const config = new TypedConfig(template, new BaseConfig({ temperature: 0.2, device: 'gpu' }));
  t.equal(config.values.temperature, 0.2);
  t.equal(config.get('device'), 'gpu');
  t.throws(() => new TypedConfig(template, new BaseConfig({ temperature: 2 })), RangeError);
  t.throws(() => new TypedConfig(template, new BaseConfig({ temprature: 0 })), TypeError);
});

const invalid: readonly (readonly [string, unknown, string])[] = [
  ['apiKey', 1, 'Expected a string for apiKey, got 1'],
  ['apiKey', null, 'Expected a string for apiKey, got null'],
  ['temperature', '0.5', 'Expected a finite number for temperature, got "0.5"'],
  ['temperature', 1.01, 'Expected a finite number of at least 0 and at most 1 for temperature'],
  ['temperature', Number.NaN, 'Expected a finite number of at least 0'],
  ['layers', 1.5, 'Expected an integer of at least 0 for layers, got 1.5'],
  ['layers', 2 ** 60, 'Expected an integer of at least 0 for layers'],
  ['layers', -1, 'Expected an integer of at least 0 for layers, got -1'],
  ['fast', 'yes', 'Expected true or false for fast, got "yes"'],
  ['device', 'tpu', 'Expected one of "cpu", "gpu" for device, got "tpu"'],
  ['stops', {}, 'Expected a list for stops, got an object'],
  ['stops', [undefined], 'Expected a value that JSON can represent for stops[0], got undefined'],
  ['headers', [], 'Expected a map from names to values for headers, got an array of 0'],
  ['headers', { a: new Date() }, 'Expected a value that JSON can represent for headers.a'],
  ['headers', { a: Infinity }, 'Expected a finite number for headers.a, got Infinity'],
  ['missing', 1, 'Expected one of apiKey, temperature, layers'],
];

for (const [name, value, message] of invalid) {
  t.test(`${name} cannot be ${String(value)}`, async (t) => {
    const config = make();
    const values = config.values as Record<string, unknown>;
    const failure = (work: () => unknown): Error => {
      try {
        work();
      } catch (error) {
        return error as Error;
      }
      throw new Error('It did not throw');
    };
    const { message: text } = failure(() => {
      values[name] = value;
    });
    t.equal(text.slice(0, message.length), message);
    t.equal(failure(() => config.set(name as never, value as never)).message, text);
    t.equal(failure(() => config.update({ fast: false, [name]: value } as never)).message, text);
    t.same(config.toJSON(), make().toJSON(), 'nothing has changed');
  });
}

t.test('a value that contains itself is refused', async (t) => {
  const loop: unknown[] = [];
  loop.push(loop);
  t.throws(() => make().set('stops', loop as never), RangeError);
});

t.test('values are copies that do not change', async (t) => {
  const config = make();
  const headers: Record<string, ConfigValue> = { a: ['x'] };
  config.values.headers = headers;
  headers.b = 1;
  t.same(config.values.headers, { a: ['x'] });
  t.throws(() => (config.values.headers as { a: string[] }).a.push('y'), TypeError);
  const before = config.toJSON();
  config.values.layers = 9;
  t.equal(before.layers, 3);
});

t.test('values behave as an object of the entries', async (t) => {
  const { values } = make();
  t.same(Object.keys(values), template.names);
  t.same(JSON.parse(JSON.stringify(values)), make().toJSON());
  t.same({ ...values }, make().toJSON());
  t.ok('fast' in values);
  t.notOk('missing' in values);
  t.throws(() => delete (values as { fast?: boolean }).fast, TypeError);
  t.throws(() => Object.defineProperty(values, 'fast', { value: 1 }), TypeError);
});

const entries: readonly (readonly [unknown, string])[] = [
  [undefined, 'Expected an object for entries[0], got undefined'],
  [{ type: 'int', value: 1 }, 'Expected a string for entries[0].name, got undefined'],
  [{ name: '', type: 'int', value: 1 }, 'Expected a non-empty string for entries[0].name'],
  [{ name: 'a', type: 'number', value: 1 }, 'Expected one of int, float, str'],
  [{ name: 'a', type: 'int' }, 'Expected an integer for entries[0].value, got undefined'],
  [{ name: 'a', type: 'int', value: 5, max: 4 }, 'Expected an integer of at most 4'],
  [{ name: 'a', type: 'int', value: 5, min: 6, max: 4 }, 'Expected a number of at least min, 6,'],
  [{ name: 'a', type: 'str', value: 'x', min: 1 }, 'Expected no value with the type str'],
  [{ name: 'a', type: 'str', value: 'x', options: [] }, 'Expected at least one value'],
  [{ name: 'a', type: 'str', value: 'x', options: [1] }, 'Expected a string for entries[0].opt'],
  [{ name: 'a', type: 'str', value: 'x', options: ['y'] }, 'Expected one of "y"'],
  [{ name: 'a', type: 'str', value: 'x', help: 1 }, 'Expected a string for entries[0].help'],
  [{ name: 'a', type: 'int', value: 1, minimum: 0 }, 'Expected only name, type, value'],
];

for (const [entry, message] of entries) {
  t.test(`the entry ${JSON.stringify(entry)} is refused`, async (t) => {
    const make = () => new ConfigTemplate([entry] as never);
    t.throws(make, { message: new RegExp(`^${message.replace(/[[\]]/g, '\\$&')}`) });
  });
}

t.test('names of entries are distinct, and may be any', async (t) => {
  const entry = (name: string) => ({ name, type: 'int', value: 1 }) as const;
  t.throws(() => new ConfigTemplate([entry('a'), entry('a')]), {
    message: 'Expected a distinct name for entries[1].name, got "a"',
  });
  t.throws(() => new ConfigTemplate({} as never), TypeError);
  const names = ['__proto__', 'constructor', 'toString', 'get', 'größe', '1'];
  const config = new TypedConfig(new ConfigTemplate(names.map(entry)));
  for (const [index, name] of names.entries()) config.set(name, index + 10);
  t.same(Object.entries(config.toJSON()).sort(), names.map((name, i) => [name, i + 10]).sort());
});

t.test('every valid value is kept as it is', async () => {
  const value = fc.record({
    apiKey: fc.string({ unit: 'grapheme' }),
    temperature: fc.double({ min: 0, max: 1, noNaN: true }),
    layers: fc.nat(),
    fast: fc.boolean(),
    device: fc.constantFrom('cpu' as const, 'gpu' as const),
    stops: fc.array(fc.string()),
    headers: fc.dictionary(fc.string(), fc.string()),
  });
  fc.assert(
    fc.property(value, (values) => {
      const config = make();
      config.update(values);
      return (
        JSON.stringify(Object.values(config.toJSON())) === JSON.stringify(Object.values(values))
      );
    }),
    { numRuns: 50, seed: 7 },
  );
});

t.test('wrong arguments are a TypeError', async (t) => {
  t.throws(() => new TypedConfig({} as never), /Expected a ConfigTemplate for template/);
  t.throws(() => new TypedConfig(template, {} as never), /Expected a BaseConfig for config/);
  t.throws(() => new BaseConfig([] as never), /Expected an object for config/);
  t.throws(() => new BaseConfig({ a: (() => 1) as never }), /JSON can represent for a/);
  t.throws(() => make().get('missing' as never), TypeError);
  t.throws(() => make().update(null as never), TypeError);
  const base = new BaseConfig({ a: 1 });
  base.set('b', [2]);
  t.same([base.get('a'), base.get('b'), base.get('c'), base.has('b')], [1, [2], undefined, true]);
  t.same(base.names, ['a', 'b']);
});
