// Loading a TfLM, and every way in which that fails: with a clear error, and without output.

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { TfLM, type TfLMLoadOptions } from 'autocog-lm/transformers';
import t from 'tap';
import { writeOnnx } from '../../models/write-onnx.mjs';

const folder = t.testdir();
const path = join(folder, 'model');
writeOnnx(path);
const options = { threads: 1 } as const;
const prompt = 'The capital of France is';

/** A modified copy of the model's folder. */
let copies = 0;
function modifiedCopy(modify: (copy: string) => void): string {
  const copy = join(folder, `copy-${copies++}`);
  cpSync(path, copy, { recursive: true });
  modify(copy);
  return copy;
}

/** A copy with some values of a JSON file replaced. */
const withJson = (file: string, values: Readonly<Record<string, unknown>>): string =>
  modifiedCopy((copy) => {
    const before = JSON.parse(readFileSync(join(copy, file), 'utf8')) as object;
    writeFileSync(join(copy, file), JSON.stringify({ ...before, ...values }));
  });

t.test("the package's log level is restored", async (t) => {
  const { requirePeer } = await import('../../lib/common/peers.js');
  type Env = { env: { logLevel: number } };
  const { env } = requirePeer<Env>('@huggingface/transformers', 'a test');
  const before = env.logLevel;
  const lms = await Promise.all([TfLM.load(path, options), TfLM.load(path, options)]);
  await Promise.all(lms.map((lm) => lm.greedy(prompt)));
  await Promise.all(lms.map((lm) => lm.close()));
  await t.rejects(TfLM.load('./nothing'), { name: 'ModelLoadError' });
  t.equal(env.logLevel, before);
});

t.test('a folder can be given by its absolute or its relative path', async (t) => {
  const reference = await TfLM.load(path, options);
  const logprobs = await reference.greedy(prompt);
  for (const name of [relative('.', path), `./${relative('.', path)}/`]) {
    await using lm = await TfLM.load(name, options);
    t.equal(lm.model, name);
    t.same(await lm.greedy(prompt), logprobs);
  }
  await reference.close();
});

t.test('a missing or damaged file is a ModelLoadError with its cause', async (t) => {
  const without = (file: string) => modifiedCopy((copy) => rmSync(join(copy, file)));
  const withContent = (file: string, bytes: string | Buffer) =>
    modifiedCopy((copy) => writeFileSync(join(copy, file), bytes));
  const model = readFileSync(join(path, 'onnx/model.onnx'));
  for (const [name, message] of [
    [without('config.json'), /Cannot load the config of /],
    [without('tokenizer.json'), /Cannot load the tokenizer of /],
    [without('tokenizer_config.json'), /Cannot load the tokenizer of /],
    [without('onnx/model.onnx'), /Cannot load the model of /],
    [withContent('config.json', '{'), /Cannot load the config of /],
    [withContent('tokenizer.json', '[]'), /Cannot load the tokenizer of /],
    [withContent('tokenizer.json', '{"added_tokens": 3}'), /Cannot load the tokenizer of /],
    [withContent('onnx/model.onnx', ''), /Cannot load the model of /],
    [withContent('onnx/model.onnx', model.subarray(0, 10_000)), /Cannot load the model of /],
  ] as const) {
    const error = await TfLM.load(name, options).catch((error: unknown) => error);
    t.match(error, { name: 'ModelLoadError', code: 'MODEL_LOAD', message });
    t.ok((error as Error).cause instanceof Error, 'the cause is included');
  }
  for (const [name, message] of [
    ['./no/such/folder', /No such folder: \.\/no\/such\/folder/],
    [join(folder, 'nothing'), /No such folder: /],
    ['package.json', /package\.json is not a folder/],
  ] as const) {
    await t.rejects(TfLM.load(name, options), { name: 'ModelLoadError', message });
  }
  const offline = { ...options, localFilesOnly: true, cacheDir: join(folder, 'cache') };
  await t.rejects(TfLM.load('nobody/no-such-model', offline), { name: 'ModelLoadError' });
  await t.rejects(TfLM.load(path, { ...options, dtype: 'q4' }), { name: 'ModelLoadError' });
});

t.test('a model whose first forward pass fails is rejected by load', async (t) => {
  const small = withJson('tokenizer_config.json', { bos_token: undefined });
  rmSync(join(small, 'generation_config.json'));
  const config = { bos_token_id: 5000, eos_token_id: 5000 };
  const before = JSON.parse(readFileSync(join(small, 'config.json'), 'utf8')) as object;
  writeFileSync(join(small, 'config.json'), JSON.stringify({ ...before, ...config }));
  const message = /fails its first forward pass/;
  await t.rejects(TfLM.load(small, options), { name: 'ModelLoadError', message });
});

t.test('other models than causal language models are not supported', async (t) => {
  for (const type of ['bert', 't5', 'no-such-type', undefined]) {
    const name = withJson('config.json', { model_type: type, architectures: undefined });
    const message = `has the model type ${type ?? null}, which is not a causal language model`;
    const error = {
      name: 'NotSupportedError',
      code: 'NOT_SUPPORTED',
      message: new RegExp(message),
    };
    await t.rejects(TfLM.load(name, options), error);
  }
});

t.test('invalid options are rejected before anything is loaded', async (t) => {
  for (const [bad, name, message] of [
    [{ device: 'tpu' }, 'TypeError', /for device, got "tpu"/],
    [{ dtype: 'fp64' }, 'TypeError', /for dtype, got "fp64"/],
    [{ cacheDir: 3 }, 'TypeError', /for cacheDir, got 3/],
    [{ cacheDir: '' }, 'TypeError', /for cacheDir/],
    [{ revision: 'a\0' }, 'TypeError', /for revision/],
    [{ revision: 'main' }, 'RangeError', /undefined \(the model is a local folder\) for revision/],
    [{ localFilesOnly: 1 }, 'TypeError', /for localFilesOnly/],
    [{ threads: 0 }, 'RangeError', /for threads/],
    [{ contextSize: 1.5 }, 'RangeError', /for contextSize/],
    [{ contextSize: 513 }, 'RangeError', /at most the model's 512 tokens for contextSize, got 513/],
    [{ batchSize: 0 }, 'RangeError', /for batchSize/],
    [{ batchRows: -1 }, 'RangeError', /for batchRows/],
    [{ cacheTokens: 0 }, 'RangeError', /for cacheTokens/],
    [{ onProgress: true }, 'TypeError', /for onProgress/],
    [{ signal: {} }, 'TypeError', /for signal/],
    [{ retries: 0 }, 'RangeError', /for retries/],
    [{ delta: -1 }, 'RangeError', /for delta/],
    [{ growth: '4' }, 'TypeError', /for growth/],
    [{ completion: { maxTokens: -1 } }, 'RangeError', /maxTokens/],
    [{ temperature: 1 }, 'TypeError', /the keys of options, got "temperature"/],
    [null, 'TypeError', /for options/],
  ] as const) {
    const error = await TfLM.load(path, bad as never).catch((error: unknown) => error);
    t.match(error, { name, message }, JSON.stringify(bad));
  }
  for (const name of [undefined, 3, '', 'a\0b']) {
    await t.rejects(TfLM.load(name as never), { name: 'TypeError', message: /for nameOrPath/ });
  }
});

t.test('an unavailable device is an error, without a fallback to another one', async (t) => {
  const error = { name: 'ModelLoadError', code: 'MODEL_LOAD' };
  const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
  await t.rejects(TfLM.load(path, { ...options, device: absent }), error);
  await using lm = await TfLM.load(path, { ...options, device: 'cpu' });
  t.equal((await lm.greedy(prompt)).length, 1024);
});

t.test('EOS tokens may be one id or a list, in either config', async (t) => {
  const load = async (generation: unknown, own: unknown): Promise<TfLM> => {
    const name = withJson('config.json', { eos_token_id: own });
    const file = join(name, 'generation_config.json');
    if (generation === undefined) rmSync(file);
    else writeFileSync(file, JSON.stringify({ eos_token_id: generation }));
    return TfLM.load(name, options);
  };
  for (const [generation, own, expected] of [
    [1021, 5, [1021]],
    [[1021, 1023], 5, [1021, 1023]],
    [[1021, 1021], 5, [1021]],
    [undefined, 5, [5]],
    [undefined, [5, 6], [5, 6]],
    [null, [5, 6], [5, 6]],
    [null, null, []],
  ] as const) {
    const lm = await load(generation, own);
    t.same([...lm.endOfGeneration], expected);
    const choosing = lm.choose(prompt, [' Paris'], { terminator: 'eog' });
    if (expected.length === 0) await t.rejects(choosing, { name: 'NotSupportedError' });
    else t.ok(((await choosing).choices[0]?.endLogprob ?? 0) < 0);
    await lm.close();
  }
});

t.test("contextSize may be smaller than the model's", async (t) => {
  await using lm = await TfLM.load(path, { ...options, contextSize: 10 });
  t.equal(lm.contextSize, 10);
  const error = { name: 'ContextOverflowError', code: 'CONTEXT_OVERFLOW' };
  await t.rejects(lm.greedy('The capital of France is not known to me'), error);
  await t.rejects(lm.choose(prompt, [' Paris and London']), error);
  t.equal(
    (await lm.complete(prompt, { stop: '\u0000' })).tokens.length,
    3,
    'the last token is not decoded',
  );
  await using whole = await TfLM.load(withJson('config.json', { max_position_embeddings: null }), {
    ...options,
  });
  t.equal(whole.contextSize, undefined);
});

t.test(
  'loading reports progress, and rejects on an abort or an exception of onProgress',
  async (t) => {
    const seen: number[] = [];
    const onProgress = (fraction: number): void => void seen.push(fraction);
    await (await TfLM.load(path, { ...options, onProgress })).close();
    t.ok(seen.length > 1);
    t.equal(seen.at(-1), 1);
    t.same(
      seen,
      seen.slice().sort((a, b) => a - b),
    );
    const reason = { any: 'reason' };
    const caught = (more: TfLMLoadOptions) =>
      TfLM.load(path, { ...options, ...more }).then(
        () => 'loaded',
        (error: unknown) => error,
      );
    for (const last of [0, 1]) {
      const throwing = (fraction: number): void => {
        if (fraction >= last) throw reason;
      };
      t.equal(await caught({ onProgress: throwing }), reason);
    }
    t.equal(await caught({ signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const loading = caught({ signal: controller.signal });
    controller.abort(reason);
    t.equal(await loading, reason);
  },
);

/** Runs a module in its own process, with this working directory. */
function runIn(cwd: string, code: string) {
  const env = { ...process.env };
  delete env.NODE_OPTIONS;
  const arguments_ = ['--input-type=module', '--preserve-symlinks', '-e', code];
  return spawnSync(process.execPath, arguments_, { cwd, encoding: 'utf8', env });
}

t.test('without its peer dependency, the error names what to install', async (t) => {
  // Outside of this repository, whose node_modules has the peer dependency.
  const project = mkdtempSync(join(tmpdir(), 'autocog-lm-'));
  t.teardown(() => rmSync(project, { recursive: true }));
  const own = join(project, 'node_modules/autocog-lm');
  mkdirSync(join(own, 'native'), { recursive: true });
  cpSync('package.json', join(own, 'package.json'));
  cpSync('dist', join(own, 'dist'), { recursive: true });
  for (const file of ['load.cjs', 'root.cjs']) cpSync(`native/${file}`, join(own, 'native', file));
  const { status, stdout, stderr } = runIn(
    project,
    `import { TfLM } from 'autocog-lm/transformers';
     await TfLM.load('any').catch(({ name, code, message }) => console.log(name, code, message));`,
  );
  t.equal(stderr, '');
  t.equal(
    stdout,
    'LMError PEER_MISSING TfLM needs the package @huggingface/transformers, which could not be ' +
      'loaded: npm install @huggingface/transformers@4\n',
  );
  t.equal(status, 0);
});

t.test('nothing is printed, even on failures', async (t) => {
  const project = join(folder, 'silent');
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  symlinkSync(process.cwd(), join(project, 'node_modules/autocog-lm'));
  const odd = withJson('tokenizer_config.json', { tokenizer_class: 'NoSuchTokenizer' });
  const bare = modifiedCopy((copy) => rmSync(join(copy, 'generation_config.json')));
  const broken = modifiedCopy((copy) => writeFileSync(join(copy, 'onnx/model.onnx'), 'x'));
  const { status, stdout, stderr } = runIn(
    project,
    `import { TfLM } from 'autocog-lm/transformers';
     for (const name of ${JSON.stringify([path, odd, bare])}) {
       const lm = await TfLM.load(name, { threads: 1 });
       await lm.choose('The sky is', [' blue', ' green', ' blue and green']);
       await lm.complete('The sky is');
       await lm.close();
     }
     await TfLM.load(${JSON.stringify(broken)}).catch(() => {});
     await TfLM.load('./nothing').catch(() => {});`,
  );
  t.equal(stdout, '');
  t.equal(stderr, '');
  t.equal(status, 0);
});
