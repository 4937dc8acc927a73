// How a TfLM is loaded, and every way in which that fails: with a clear error, and in silence.

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

/** A copy of the folder, changed. */
let copies = 0;
function changed(change: (copy: string) => void): string {
  const copy = join(folder, `copy-${copies++}`);
  cpSync(path, copy, { recursive: true });
  change(copy);
  return copy;
}

/** A copy with other values in one of its JSON files. */
const withJson = (file: string, values: Readonly<Record<string, unknown>>): string =>
  changed((copy) => {
    const before = JSON.parse(readFileSync(join(copy, file), 'utf8')) as object;
    writeFileSync(join(copy, file), JSON.stringify({ ...before, ...values }));
  });

t.test("the peer's own log is as loud as before", async (t) => {
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

t.test('a folder is found by its absolute and by its relative path', async (t) => {
  const wanted = await TfLM.load(path, options);
  const logprobs = await wanted.greedy(prompt);
  for (const name of [relative('.', path), `./${relative('.', path)}/`]) {
    await using lm = await TfLM.load(name, options);
    t.same(await lm.greedy(prompt), logprobs);
  }
  await wanted.close();
});

t.test('what is missing or damaged is a ModelLoadError with its cause', async (t) => {
  const without = (file: string) => changed((copy) => rmSync(join(copy, file)));
  const filled = (file: string, bytes: string | Buffer) =>
    changed((copy) => writeFileSync(join(copy, file), bytes));
  const model = readFileSync(join(path, 'onnx/model.onnx'));
  for (const [name, message] of [
    [without('config.json'), /Cannot load the config of /],
    [without('tokenizer.json'), /Cannot load the tokenizer of /],
    [without('tokenizer_config.json'), /Cannot load the tokenizer of /],
    [without('onnx/model.onnx'), /Cannot load the model of /],
    [filled('config.json', '{'), /Cannot load the config of /],
    [filled('tokenizer.json', '[]'), /Cannot load the tokenizer of /],
    [filled('tokenizer.json', '{"added_tokens": 3}'), /Cannot load the tokenizer of /],
    [filled('onnx/model.onnx', ''), /Cannot load the model of /],
    [filled('onnx/model.onnx', model.subarray(0, 10_000)), /Cannot load the model of /],
  ] as const) {
    const error = await TfLM.load(name, options).catch((error: unknown) => error);
    t.match(error, { name: 'ModelLoadError', code: 'MODEL_LOAD', message });
    t.ok((error as Error).cause instanceof Error, 'with the reason');
  }
  for (const [name, message] of [
    ['./no/such/folder', /There is no folder \.\/no\/such\/folder/],
    [join(folder, 'nothing'), /There is no folder/],
    ['package.json', /package\.json is no folder/],
  ] as const) {
    await t.rejects(TfLM.load(name, options), { name: 'ModelLoadError', message });
  }
  const offline = { ...options, localFilesOnly: true, cacheDir: join(folder, 'cache') };
  await t.rejects(TfLM.load('nobody/no-such-model', offline), { name: 'ModelLoadError' });
  await t.rejects(TfLM.load(path, { ...options, dtype: 'q4' }), { name: 'ModelLoadError' });
});

t.test('a model that does not answer is refused before it is used', async (t) => {
  const small = withJson('tokenizer_config.json', { bos_token: undefined });
  rmSync(join(small, 'generation_config.json'));
  const config = { bos_token_id: 5000, eos_token_id: 5000 };
  const before = JSON.parse(readFileSync(join(small, 'config.json'), 'utf8')) as object;
  writeFileSync(join(small, 'config.json'), JSON.stringify({ ...before, ...config }));
  const message = /does not answer/;
  await t.rejects(TfLM.load(small, options), { name: 'ModelLoadError', message });
});

t.test('what is no causal language model is not supported', async (t) => {
  for (const type of ['bert', 't5', 'no-such-type', undefined]) {
    const name = withJson('config.json', { model_type: type, architectures: undefined });
    const message = `is of the type ${type ?? null}, which is no causal language model`;
    const error = {
      name: 'NotSupportedError',
      code: 'NOT_SUPPORTED',
      message: new RegExp(message),
    };
    await t.rejects(TfLM.load(name, options), error);
  }
});

t.test('options that are not what their comments say are refused at once', async (t) => {
  for (const [bad, name, message] of [
    [{ device: 'tpu' }, 'TypeError', /for device, got "tpu"/],
    [{ dtype: 'fp64' }, 'TypeError', /for dtype, got "fp64"/],
    [{ cacheDir: 3 }, 'TypeError', /for cacheDir, got 3/],
    [{ cacheDir: '' }, 'TypeError', /for cacheDir/],
    [{ revision: 'a\0' }, 'TypeError', /for revision/],
    [{ revision: 'main' }, 'RangeError', /none, with a local folder, for revision/],
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

t.test('a device that is not there is an error, and no other is taken instead', async (t) => {
  const error = { name: 'ModelLoadError', code: 'MODEL_LOAD' };
  const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
  await t.rejects(TfLM.load(path, { ...options, device: absent }), error);
  await using lm = await TfLM.load(path, { ...options, device: 'cpu' });
  t.equal((await lm.greedy(prompt)).length, 1024);
});

t.test('ends may be one token or a list, of either config', async (t) => {
  const load = async (generation: unknown, own: unknown): Promise<TfLM> => {
    const name = withJson('config.json', { eos_token_id: own });
    const file = join(name, 'generation_config.json');
    if (generation === undefined) rmSync(file);
    else writeFileSync(file, JSON.stringify({ eos_token_id: generation }));
    return TfLM.load(name, options);
  };
  for (const [generation, own, wanted] of [
    [1021, 5, [1021]],
    [[1021, 1023], 5, [1021, 1023]],
    [[1021, 1021], 5, [1021]],
    [undefined, 5, [5]],
    [undefined, [5, 6], [5, 6]],
    [null, [5, 6], [5, 6]],
    [null, null, []],
  ] as const) {
    const lm = await load(generation, own);
    t.same([...lm.endOfGeneration], wanted);
    const choosing = lm.choose(prompt, [' Paris'], { terminator: 'eog' });
    if (wanted.length === 0) await t.rejects(choosing, { name: 'NotSupportedError' });
    else t.ok(((await choosing).choices[0]?.endLogprob ?? 0) < 0);
    await lm.close();
  }
});

t.test('a context may be smaller than the model allows', async (t) => {
  await using lm = await TfLM.load(path, { ...options, contextSize: 10 });
  t.equal(lm.contextSize, 10);
  const error = { name: 'ContextOverflowError', code: 'CONTEXT_OVERFLOW' };
  await t.rejects(lm.greedy('The capital of France is not known to me'), error);
  await t.rejects(lm.choose(prompt, [' Paris and London']), error);
  t.equal(
    (await lm.complete(prompt, { stop: '\u0000' })).tokens.length,
    3,
    'the last is not decoded',
  );
  await using whole = await TfLM.load(withJson('config.json', { max_position_embeddings: null }), {
    ...options,
  });
  t.equal(whole.contextSize, undefined);
});

t.test('loading reports progress, and stops for an abort or what progress throws', async (t) => {
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
});

/** Runs a module in a process of its own, in a folder that has this package and what is named. */
function runIn(place: string, code: string) {
  const env = { ...process.env };
  delete env.NODE_OPTIONS;
  const arguments_ = ['--input-type=module', '--preserve-symlinks', '-e', code];
  return spawnSync(process.execPath, arguments_, { cwd: place, encoding: 'utf8', env });
}

t.test('without its peer it says what to install', async (t) => {
  // Beside this package it would be found.
  const place = mkdtempSync(join(tmpdir(), 'autocog-lm-'));
  t.teardown(() => rmSync(place, { recursive: true }));
  const own = join(place, 'node_modules/autocog-lm');
  mkdirSync(join(own, 'native'), { recursive: true });
  cpSync('package.json', join(own, 'package.json'));
  cpSync('dist', join(own, 'dist'), { recursive: true });
  for (const file of ['load.cjs', 'root.cjs']) cpSync(`native/${file}`, join(own, 'native', file));
  const { status, stdout, stderr } = runIn(
    place,
    `import { TfLM } from 'autocog-lm/transformers';
     await TfLM.load('any').catch(({ name, code, message }) => console.log(name, code, message));`,
  );
  t.equal(stderr, '');
  t.equal(
    stdout,
    'LMError PEER_MISSING TfLM needs the package @huggingface/transformers, which cannot be ' +
      'loaded here: npm install @huggingface/transformers@4\n',
  );
  t.equal(status, 0);
});

t.test('nothing is printed, whatever fails', async (t) => {
  const place = join(folder, 'silent');
  mkdirSync(join(place, 'node_modules'), { recursive: true });
  symlinkSync(process.cwd(), join(place, 'node_modules/autocog-lm'));
  const odd = withJson('tokenizer_config.json', { tokenizer_class: 'NoSuchTokenizer' });
  const bare = changed((copy) => rmSync(join(copy, 'generation_config.json')));
  const broken = changed((copy) => writeFileSync(join(copy, 'onnx/model.onnx'), 'x'));
  const { status, stdout, stderr } = runIn(
    place,
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
