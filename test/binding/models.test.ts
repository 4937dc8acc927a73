// The models in a folder: which are listed, what is known of them, and which one a name means.

import {
  copyFileSync,
  linkSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath, readGgufHeader } from 'autocog-lm';
import {
  type BindingEvent,
  LLMBinding,
  type LLMBindingSetup,
  LlamaBinding,
} from 'autocog-lm/binding';
import t from 'tap';
import { f32, ggufBytes, keyString, keyUint32 } from '../support/gguf.js';

/** A binding for files with these endings. */
class FileBinding extends LLMBinding {
  async generate(prompt: string): Promise<string> {
    return prompt;
  }
  async tokenize(text: string): Promise<Int32Array> {
    return Int32Array.from(Buffer.from(text));
  }
  async detokenize(tokens: Int32Array | readonly number[]): Promise<string> {
    return Buffer.from(tokens as Int32Array).toString();
  }
}

const folder = t.testdir({
  models: { sub: { deeper: {} }, empty: {}, 'readme.txt': 'hello' },
});
const modelsDir = join(folder, 'models');
const at = (...names: string[]): string => join(modelsDir, ...names);
const put = (...names: string[]): void => copyFileSync(defaultModelPath, at(...names));
put('Alpha-7B.Q4_K_M.gguf');
put('sub', 'beta.GGUF');
put('sub', 'deeper', 'alpha-13b.gguf');
copyFileSync(defaultModelPath, join(folder, 'elsewhere.gguf'));
put('sub', 'mmproj-beta.gguf');
writeFileSync(at('far.gguf.reference'), `${join(folder, 'elsewhere.gguf')}\n`);
writeFileSync(at('relative.reference'), '"sub/beta.GGUF"');
writeFileSync(at('nowhere.reference'), '/no/such/file.gguf');
writeFileSync(at('loop.reference'), 'loop.reference');
writeFileSync(at('blank.reference'), '  \n');
writeFileSync(at('binary.reference'), Buffer.from([255, 254, 0, 1]));
writeFileSync(at('broken.gguf'), 'not a model');
put('cut.gguf');
truncateSync(at('cut.gguf'), 1_000_000);
symlinkSync('sub/beta.GGUF', at('link.gguf'));
symlinkSync('missing.gguf', at('dangling.gguf'));
symlinkSync('..', at('sub', 'up'));
writeFileSync(at('lost-00002-of-00002.gguf'), '');

const make = (options?: LLMBindingSetup) => {
  const binding = new FileBinding({ modelsDir, ...options });
  const warnings: string[] = [];
  binding.on('warning' satisfies BindingEvent, (message) => warnings.push(message));
  return { binding, warnings };
};

const names = [
  'Alpha-7B.Q4_K_M.gguf',
  'binary.reference',
  'blank.reference',
  'broken.gguf',
  'cut.gguf',
  'dangling.gguf',
  'far.gguf.reference',
  'link.gguf',
  'loop.reference',
  'nowhere.reference',
  'relative.reference',
  'sub/beta.GGUF',
  'sub/deeper/alpha-13b.gguf',
];

t.test('models of all subfolders are listed, without projectors and loops', async (t) => {
  const { binding, warnings } = make();
  t.same(await binding.listModels(), names);
  t.match(warnings, [/lost-00001-of-00002\.gguf is missing/]);
});

t.test('what is known comes from the headers, and unreadable ones are reported', async (t) => {
  const { binding, warnings } = make();
  const models = await binding.getAvailableModels();
  t.same(
    models.map(({ name }) => name),
    [...names, 'lost-00002-of-00002.gguf'],
  );
  const byName = new Map(models.map((model) => [model.name, model]));
  for (const name of [
    'Alpha-7B.Q4_K_M.gguf',
    'link.gguf',
    'far.gguf.reference',
    'relative.reference',
  ]) {
    t.match(byName.get(name), {
      sizeBytes: 1_411_200,
      architecture: 'llama',
      title: 'autocog-lm default',
      parameters: 689_280,
      quantization: 'F16',
      contextSize: 512,
      license: 'MIT',
      hasChatTemplate: true,
      error: undefined,
    });
  }
  t.equal(byName.get('far.gguf.reference')?.path, join(folder, 'elsewhere.gguf'));
  const errors: Record<string, RegExp> = {
    'broken.gguf': /not a GGUF file/,
    'cut.gguf': /ends before its tensor/,
    'dangling.gguf': /no such file/,
    'nowhere.reference': /there is no file \/no\/such\/file\.gguf/,
    'loop.reference': /too many references/,
    'blank.reference': /does not hold one path/,
    'binary.reference': /Cannot read the reference/,
    'lost-00002-of-00002.gguf': /lost-00001-of-00002\.gguf is missing/,
  };
  for (const [name, message] of Object.entries(errors)) {
    const { error } = byName.get(name) ?? {};
    t.match(error, { name: 'ModelLoadError', code: 'MODEL_LOAD', message });
    t.ok(
      warnings.some((warning) => message.test(warning)),
      name,
    );
  }
  t.equal(warnings.length, Object.keys(errors).length);
});

t.test('a split model is one model with the size of all parts', async (t) => {
  const dir = t.testdir();
  const weights = (name: string) => {
    return { name, shape: [2, 3], type: f32, data: Buffer.alloc(24) };
  };
  const keys = [keyString('general.architecture', 'llama'), keyUint32('split.count', 2)];
  const parts = [1, 2].map((part) => ggufBytes(keys, [weights(`w${part}`)]));
  for (const [index, bytes] of parts.entries()) {
    writeFileSync(join(dir, `big-0000${index + 1}-of-00002.gguf`), bytes);
  }
  const { binding } = make({ modelsDir: dir });
  t.match(await binding.getAvailableModels(), [
    { name: 'big-00001-of-00002.gguf', parameters: 12, sizeBytes: 2 * (parts[0]?.length ?? 0) },
  ]);
  truncateSync(join(dir, 'big-00002-of-00002.gguf'), 40);
  t.match((await binding.getAvailableModels())[0]?.error, { message: /big-00002-of-00002/ });
});

t.test('a thousand files are all described', async (t) => {
  const dir = t.testdir();
  for (let index = 0; index < 1000; index++) {
    linkSync(join(folder, 'elsewhere.gguf'), join(dir, `model${index}.gguf`));
  }
  const models = await make({ modelsDir: dir }).binding.getAvailableModels();
  t.equal(models.length, 1000);
  t.ok(models.every(({ parameters }) => parameters === 689_280));
});

const found: readonly (readonly [string, string | undefined])[] = [
  ['Alpha-7B.Q4_K_M.gguf', at('Alpha-7B.Q4_K_M.gguf')],
  ['alpha-7b.q4_k_m', at('Alpha-7B.Q4_K_M.gguf')],
  ['7b', at('Alpha-7B.Q4_K_M.gguf')],
  ['sub/beta.GGUF', at('sub', 'beta.GGUF')],
  ['sub\\beta.gguf', at('sub', 'beta.GGUF')],
  ['BETA', at('sub', 'beta.GGUF')],
  ['deeper', at('sub', 'deeper', 'alpha-13b.gguf')],
  ['far', join(folder, 'elsewhere.gguf')],
  ['far.gguf.reference', join(folder, 'elsewhere.gguf')],
  ['relative', at('sub', 'beta.GGUF')],
  ['mmproj', undefined],
  ['gamma', undefined],
  ['../elsewhere.gguf', undefined],
  ['', undefined],
];

for (const [name, path] of found) {
  t.test(`the name "${name}" means ${path ?? 'no model'}`, async (t) => {
    t.equal(await make().binding.getModelPath(name), path);
  });
}

t.test('a name that fits several models is refused with their names', async (t) => {
  await t.rejects(make().binding.getModelPath('alpha'), {
    name: 'RangeError',
    message:
      'Expected the name of one model (it fits Alpha-7B.Q4_K_M.gguf, sub/deeper/alpha-13b.gguf) ' +
      'for name, got "alpha"',
  });
});

t.test('without a name, that of the configuration counts', async (t) => {
  const { binding } = make({ config: { modelName: 'beta' } });
  t.equal(await binding.getModelPath(), at('sub', 'beta.GGUF'));
  t.equal(await make().binding.getModelPath(), undefined);
  await t.rejects(binding.getModelPath(1 as never), TypeError);
});

t.test('references that lead nowhere are errors', async (t) => {
  await t.rejects(make().binding.getModelPath('nowhere'), { code: 'MODEL_LOAD' });
  await t.rejects(make().binding.getModelPath('loop'), { code: 'MODEL_LOAD' });
});

t.test('other endings, or any', async (t) => {
  const list = (endings: readonly string[]) =>
    make({ supportedFileExtensions: endings }).binding.listModels();
  const references = names.filter((name) => name.endsWith('.reference'));
  t.same(await list(['*.txt']), [...references, 'readme.txt'].sort());
  t.same(await list(['TXT']), await list(['.txt']));
  t.ok((await list([''])).includes('readme.txt'));
  const models = await make({ supportedFileExtensions: ['txt'] }).binding.getAvailableModels();
  const readme = models.find(({ name }) => name === 'readme.txt');
  t.match(readme, { sizeBytes: 5, parameters: undefined, error: undefined });
});

t.test('a missing folder is an error, and none has no models', async (t) => {
  for (const modelsDir of [at('missing'), at('broken.gguf')]) {
    const { binding } = make({ modelsDir });
    const calls: (() => Promise<unknown>)[] = [
      () => binding.listModels(),
      () => binding.getAvailableModels(),
      () => binding.getModelPath('x'),
    ];
    for (const call of calls) {
      await t.rejects(call(), { code: 'MODEL_LOAD', message: /^Cannot list the models in / });
    }
  }
  const bare = new FileBinding();
  t.same(await bare.listModels(), []);
  t.same(await bare.getAvailableModels(), []);
  t.equal(await bare.getModelPath('x'), undefined);
});

t.test('listing loads nothing', async (t) => {
  await using binding = new LlamaBinding({ modelsDir });
  await binding.getAvailableModels();
  t.equal(binding.hasModel, false);
  t.equal((await readGgufHeader(at('link.gguf'))).sizeBytes, readFileSync(defaultModelPath).length);
});
