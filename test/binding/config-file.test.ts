// Configuration files: YAML with comments, replaced whole, and read while others write.

import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { BaseConfig, ConfigTemplate, TypedConfig } from 'autocog-lm/binding';
import fc from 'fast-check';
import t from 'tap';

const folder = t.testdir();
let count = 0;
const newPath = (text?: string): string => {
  const path = join(folder, `${++count}.yaml`);
  if (text !== undefined) writeFileSync(path, text);
  return path;
};
const template = new ConfigTemplate([
  { name: 'apiKey', type: 'str', value: '', help: 'The key.\nKeep it secret' },
  { name: 'temperature', type: 'float', value: 0.7, min: 0, max: 1 },
  { name: 'layers', type: 'int', value: 3 },
  { name: 'stops', type: 'list', value: [] },
  { name: 'headers', type: 'dict', value: {} },
]);
const make = () => new TypedConfig(template);

t.test('a new file has all values, with their help as comments', async (t) => {
  const path = newPath();
  await make().save(path);
  t.equal(
    readFileSync(path, 'utf8'),
    '# The key.\n# Keep it secret\napiKey: ""\ntemperature: 0.7\nlayers: 3\nstops: []\nheaders: {}\n',
  );
  const config = make();
  t.same(await config.load(path), { unknown: [] });
  t.same(config.toJSON(), make().toJSON());
});

t.test('saving keeps comments, order, unknown names and the changes of others', async (t) => {
  const path = newPath(
    '# My settings\nlayers: 5 # five\n\nmine: [1, two] # unknown\ntemperature: 0.50\n',
  );
  const config = make();
  t.same(await config.load(path), { unknown: ['mine'] });
  t.equal(config.values.layers, 5);
  // Another program changes what this one does not.
  writeFileSync(path, readFileSync(path, 'utf8').replace('0.50', '0.25').replace('five', 'V'));
  config.values.layers = 6;
  await config.save(path);
  t.equal(
    readFileSync(path, 'utf8'),
    [
      ...['# My settings', 'layers: 6 # V', '', 'mine: [1, two] # unknown', 'temperature: 0.25'],
      ...['# The key.', '# Keep it secret', 'apiKey: ""', 'stops: []', 'headers: {}', ''],
    ].join('\n'),
  );
});

t.test('a value with an anchor changes alone', async (t) => {
  const path = newPath('# top\nlayers: &n 4\nother: *n # the same\nmore: &m {a: 1}\nagain: *m\n');
  const config = make();
  await config.load(path);
  config.values.layers = 7;
  await config.save(path);
  const { other, again, layers } = (await BaseConfig.load(path)).toJSON();
  t.same([layers, other, again], [7, 4, { a: 1 }]);
  t.match(readFileSync(path, 'utf8'), /# top\n/);
});

t.test('saving what is there already does not touch the file', async (t) => {
  const path = newPath();
  const config = make();
  await config.save(path);
  const { ino } = statSync(path);
  await config.save(path);
  t.equal(statSync(path).ino, ino);
});

t.test('a symbolic link and permissions stay, and folders are created', async (t) => {
  const path = newPath('layers: 1\n');
  chmodSync(path, 0o600);
  const link = newPath();
  symlinkSync(path, link);
  const config = make();
  await config.load(link);
  config.values.layers = 2;
  await config.save(link);
  t.ok(lstatSync(link).isSymbolicLink());
  t.match(readFileSync(path, 'utf8'), /layers: 2/);
  t.equal(statSync(path).mode & 0o777, 0o600);
  const deep = join(folder, 'a', 'b', 'c.yaml');
  await config.save(deep);
  t.ok(existsSync(deep));
});

const unreadable: Record<string, readonly [string | Buffer, RegExp]> = {
  'a syntax error': ['layers: [1', /Flow sequence/],
  'a key twice': ['layers: 1\nlayers: 2', /unique/],
  'two documents': ['layers: 1\n---\nlayers: 2', /multiple documents/],
  'a list': ['- 1\n- 2', /Expected a map from names to values/],
  'a text': ['hello', /Expected a map from names to values/],
  'invalid UTF-8': [Buffer.from([0x61, 0x3a, 0x20, 0xff]), /not valid/],
  'a bomb of aliases': [
    `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi']
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`)}]`)
      .join('\n')}`,
    /alias/,
  ],
  'an undefined alias': ['layers: *nothing', /alias/],
  'a value of another type': ['layers: many', /Expected an integer for layers, got "many"/],
  'a value out of range': ['temperature: 7', /for temperature, got 7/],
  'no number': ['temperature: .nan', /Expected a finite number/],
  nothing: ['layers:', /Expected an integer for layers, got null/],
};

for (const [what, [content, message]] of Object.entries(unreadable)) {
  t.test(`${what} is CONFIG_INVALID, and changes nothing`, async (t) => {
    const path = newPath();
    writeFileSync(path, content);
    const config = make();
    config.values.layers = 8;
    await t.rejects(config.load(path), { name: 'LMError', code: 'CONFIG_INVALID', message });
    t.equal(config.values.layers, 8);
    t.equal(config.values.temperature, 0.7);
  });
}

t.test('a file that is not YAML is not overwritten', async (t) => {
  const path = newPath('layers: [1');
  await t.rejects(make().save(path), { code: 'CONFIG_NOT_SAVED' });
  t.equal(readFileSync(path, 'utf8'), 'layers: [1');
});

t.test('missing files, folders and pipes are errors', async (t) => {
  await t.rejects(make().load(join(folder, 'missing.yaml')), {
    code: 'CONFIG_INVALID',
    message: /no such file/,
    cause: { code: 'ENOENT' },
  });
  await t.rejects(make().load(folder), { code: 'CONFIG_INVALID', message: /not a file/ });
  await t.rejects(make().save(folder), { code: 'CONFIG_NOT_SAVED' });
  const pipe = newPath();
  execFileSync('mkfifo', [pipe]);
  await t.rejects(make().load(pipe), { code: 'CONFIG_INVALID', message: /not a file/ });
  const file = newPath('layers: 1');
  await t.rejects(make().save(join(file, 'x.yaml')), { code: 'CONFIG_NOT_SAVED' });
  await t.rejects(make().load(1 as never), TypeError);
  await t.rejects(make().save('' as never), TypeError);
  await t.rejects(BaseConfig.load('x\0'), TypeError);
  t.equal(readdirSync(folder).filter((name) => name.endsWith('.tmp')).length, 0);
});

t.test('an empty file and one of comments have no values', async (t) => {
  for (const text of ['', '# nothing\n', '---\n', '\uFEFF']) {
    const config = make();
    t.same(await config.load(newPath(text)), { unknown: [] });
    t.same(config.toJSON(), make().toJSON());
  }
});

t.test('saves of one path run one after the other, and none is lost', async (t) => {
  const path = newPath();
  const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
  await Promise.all(names.map((name, index) => new BaseConfig({ [name]: index }).save(path)));
  const saved = (await BaseConfig.load(path)).toJSON();
  t.same(Object.keys(saved).sort(), [...names].sort());
});

t.test('a file that another process rewrites is read whole', async (t) => {
  const path = newPath('layers: 0\nstops: [end]\n');
  // Empties the file before it writes it again, piece by piece.
  const program = `
    const { openSync, writeSync, closeSync } = require('node:fs');
    const until = Date.now() + 800;
    for (let n = 1; Date.now() < until; n++) {
      const file = openSync(${JSON.stringify(path)}, 'w');
      writeSync(file, 'layers: ' + n + '\\nsto');
      writeSync(file, 'ps: [end]\\n');
      closeSync(file);
      const pause = Date.now() + 3;
      while (Date.now() < pause);
    }
  `;
  const writer = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  const ended = new Promise((resolve) => writer.once('exit', resolve));
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  let reads = 0;
  const seen = new Set<number>();
  while (!isOver) {
    const config = make();
    await config.load(path).then(
      () => {
        reads++;
        seen.add(config.values.layers);
        t.same(config.values.stops, ['end']);
      },
      (error: Error) => t.match(error.message, /changing all the time/),
    );
  }
  t.ok(reads > 5, `${reads} reads`);
  t.ok(seen.size > 2, `${seen.size} versions`);
});

t.test('a reader never sees a half of what is saved', async (t) => {
  const path = newPath();
  const long = Array.from({ length: 500 }, (_, index) => `stop ${index}`);
  await new BaseConfig({ stops: long, end: true }).save(path);
  let isOver = false;
  const saving = (async () => {
    for (let n = 0; n < 10; n++)
      await new BaseConfig({ stops: [...long, n], end: true }).save(path);
    isOver = true;
  })();
  while (!isOver) {
    t.match(readFileSync(path, 'utf8'), /\nend: true\n$/);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await saving;
});

t.test('every value survives a file', async () => {
  const path = newPath();
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string({ unit: 'grapheme' }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom(
        'yes',
        '1',
        '1e3',
        '0x1',
        '~',
        'null',
        '- a',
        '#',
        'a: b',
        ' x ',
        '\r\n',
        '…',
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }),
    ),
  }));
  const property = fc.asyncProperty(fc.dictionary(fc.string(), value), async (values) => {
    const base = new BaseConfig(values as never);
    await base.save(path);
    const read = (await BaseConfig.load(path)).toJSON();
    for (const [name, item] of Object.entries(base.toJSON())) {
      // Zero has no sign in JSON.
      if (JSON.stringify(sorted(read[name])) !== JSON.stringify(sorted(item))) return false;
    }
    return true;
  });
  await fc.assert(property, { numRuns: 25, seed: 7 });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([name, item]) => [name, sorted(item)])
    .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
}

t.test('without the package yaml the error says what to install', async (t) => {
  const program = `
    const Module = require('node:module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = function (name, ...rest) {
      if (name === 'yaml') throw Object.assign(new Error('no yaml'), { code: 'MODULE_NOT_FOUND' });
      return resolve.call(this, name, ...rest);
    };
    const { BaseConfig } = require('autocog-lm/binding');
    new BaseConfig({}).save('/tmp/x.yaml').catch((e) => console.log(e.code, e.message));
  `;
  const { NODE_OPTIONS, ...env } = process.env;
  const stdout = execFileSync(process.execPath, ['-e', program], { encoding: 'utf8', env });
  t.match(stdout, /^PEER_MISSING .*npm install yaml@2\n$/);
});
