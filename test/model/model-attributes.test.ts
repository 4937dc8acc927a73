// `model.info`, the token table and `lm.contextInfo`, checked against the file or the options; and
// `countTokens` and `printCandidates`.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import {
  type ChoiceLM,
  type ContextInfo,
  defaultModelPath,
  getBackends,
  LLaMa,
  type LLaMaOptions,
  Model,
} from 'autocog-lm';
import t, { type Test } from 'tap';
import { ToyLM } from '../suite/toy-lm.js';
import { failure } from '../support/failures.js';
import { oneThread } from '../support/forms.js';

const vocabularies = 'llama.cpp/models';
const model = await Model.load(defaultModelPath);
t.teardown(() => model.close());

async function open(t: Test, options: LLaMaOptions = {}): Promise<LLaMa> {
  const lm = new LLaMa(model, { ...oneThread, ...options });
  t.teardown(() => lm.close());
  await lm.ready;
  return lm;
}

t.test('model.info has the values of the file', async (t) => {
  t.match(model.info, {
    path: defaultModelPath,
    fileName: 'default.gguf',
    heads: 4,
    headsKV: 4,
    gqa: 1,
    layers: 4,
    trainContextSize: 512,
    ropeFrequencyBaseTrain: Number(model.metadata['llama.rope.freq_base']),
    ropeFrequencyScaleTrain: 1,
    ropeScalingTrain: 'linear',
  });
  t.ok(Object.isFrozen(model.info));
  const gpus = getBackends().devices.filter(({ type }) => type === 'gpu' || type === 'igpu');
  t.equal(model.info.gpuLayers, gpus.length > 0 ? 5 : 0);
  const none = await Model.load(defaultModelPath, { gpuLayers: 0 });
  t.equal(none.info.gpuLayers, 0);
  await none.close();
});

t.test('model.info honors overrides, and lacks RoPE facts for a model without RoPE', async (t) => {
  const shared = await Model.load(defaultModelPath, {
    vocabOnly: true,
    metadataOverrides: { 'llama.rope.freq_base': 5e5 },
  });
  t.match(shared.info, { gqa: 1, ropeFrequencyBaseTrain: 5e5, gpuLayers: 0 });
  await shared.close();
  const gpt2 = await Model.load(join(vocabularies, 'ggml-vocab-gpt-2.gguf'), { vocabOnly: true });
  t.match(gpt2.info, {
    architecture: 'gpt2',
    fileName: 'ggml-vocab-gpt-2.gguf',
    ropeFrequencyBaseTrain: undefined,
    ropeFrequencyScaleTrain: undefined,
    ropeScalingTrain: undefined,
  });
  await gpt2.close();
});

t.test('model.tokens has the texts of the file, and is built once', async (t) => {
  const { tokens } = model;
  t.equal(tokens.length, model.vocab.size);
  t.equal(model.tokens, tokens);
  t.ok(Object.isFrozen(tokens));
  // In the file, the list consists of texts, each preceded by its length.
  const file = readFileSync(defaultModelPath);
  let at = file.indexOf('tokenizer.ggml.tokens') + 'tokenizer.ggml.tokens'.length + 16;
  for (const [token, text] of tokens.entries()) {
    const length = Number(file.readBigUInt64LE(at));
    const expected = file.toString('utf8', at + 8, at + 8 + length);
    if (text !== expected) t.equal(text, expected, `token ${token}`);
    at += 8 + length;
  }
  t.equal(tokens[model.vocab.bos as number], '<|bos|>');
  t.match(model.tokenInfo(model.vocab.bos as number), { control: true, normal: false });
  t.match(model.tokenInfo(300), { text: tokens[300], control: false, normal: true, score: 0 });
  t.throws(() => model.tokenInfo(model.vocab.size), { name: 'RangeError' });
  t.throws(() => model.tokenInfo('a' as never), { name: 'TypeError' });
});

t.test('token attributes and scores are those of the vocabulary', async (t) => {
  const load = (name: string) =>
    Model.load(join(vocabularies, `ggml-vocab-${name}.gguf`), { vocabOnly: true });
  const spm = await load('llama-spm');
  t.match(spm.tokenInfo(0), { text: '<unk>', unknown: true, normal: false });
  t.match(spm.tokenInfo(1), { text: '<s>', control: true });
  t.match(spm.tokenInfo(3), { text: '<0x00>', byte: true, control: false });
  const info = spm.tokenInfo(spm.tokenizeSync('the')[0] as number);
  t.match(info, { text: '▁the', normal: true, byte: false });
  t.ok(info.score < 0, 'the score of a piece is its logprob, or its negative rank');
  const controls = spm.tokens.filter((_, token) => spm.tokenInfo(token).control);
  t.strictSame(controls, ['<s>', '</s>']);
  t.equal(spm.tokens.filter((_, token) => spm.tokenInfo(token).byte).length, 256);
  const bert = await load('bert-bge');
  t.equal(bert.tokens[bert.vocab.cls as number], '[CLS]');
  t.equal(spm.vocab.cls, undefined);
  const phi = await load('phi-3');
  t.ok(
    phi.tokens.some((_, token) => phi.tokenInfo(token).rstrip),
    'phi-3 has tokens with rstrip',
  );
  await Promise.all([spm.close(), bert.close(), phi.close()]);
  t.equal(spm.tokens.length, spm.vocab.size, 'a token table that was built remains');
  t.throws(() => phi.tokenInfo(-1), { name: 'RangeError' });
});

t.test('a token table is not built after the model is closed', async (t) => {
  const other = await Model.load(defaultModelPath, { vocabOnly: true });
  await other.close();
  t.throws(() => other.tokens, { name: 'ClosedError' });
  t.throws(() => other.tokenInfo(0), { name: 'ClosedError' });
});

t.test('contextInfo has the parameters of the context', async (t) => {
  const plain = await open(t);
  const expected: ContextInfo = {
    contextSize: 512,
    encoderDecoder: false,
    contextScale: 1,
    batchSize: 512,
    microBatchSize: 256,
    maxSequences: 256,
    promptSlots: 8,
    threads: 1,
    threadsBatch: 1,
    flashAttention: false,
    kvCacheTypeK: 'f16',
    kvCacheTypeV: 'f16',
    offloadKqv: true,
    gpuLayers: model.info.gpuLayers,
    cacheBytes: plain.contextInfo.cacheBytes,
    ropeFrequencyBase: 10000,
    ropeFrequencyScale: 1,
    ropeScaling: 'linear',
  };
  t.strictSame(plain.contextInfo, expected);
  // Two bytes for each key and value of each layer, and some for each cell.
  const { layers, embeddingSize, gqa } = model.info;
  const values = (512 * layers * 2 * 2 * embeddingSize) / gqa;
  t.ok(expected.cacheBytes >= values && expected.cacheBytes < values + 512 * 100);
  t.ok(Object.isFrozen(plain.contextInfo));
  t.equal(plain.with({}).contextInfo, plain.contextInfo);
  const options = {
    contextSize: 128,
    batchSize: 64,
    microBatchSize: 32,
    maxSequences: 16,
    promptSlots: 2,
    threadsBatch: 2,
    flashAttention: true,
    kvCacheTypeK: 'q8_0',
    kvCacheTypeV: 'q4_0',
    offloadKqv: false,
    ropeFrequencyBase: 20000,
    ropeFrequencyScale: 0.5,
  } as const;
  const other = await open(t, options);
  t.match(other.contextInfo, { ...options, contextScale: 0.25, threads: 1 });
});

t.test('contextInfo throws before the context is ready, and survives its close', async (t) => {
  const lm = new LLaMa(model, { ...oneThread, contextSize: 64 });
  t.throws(() => lm.contextInfo, { name: 'ClosedError', message: /is not ready yet/ });
  await lm.ready;
  const { contextInfo } = lm;
  await lm.close();
  t.equal(lm.contextInfo, contextInfo);
  const failing = new LLaMa(model, { ...oneThread, contextSize: 2 ** 30 });
  await failure(failing.ready);
  t.throws(() => failing.contextInfo, { name: 'ClosedError' });
  await failing.close();
});

t.test('contextInfo reports the choice of automatic flash attention', async (t) => {
  const prompt = 'The capital of France is';
  const logits = async (flashAttention: boolean | 'auto') => {
    const lm = await open(t, { flashAttention });
    return { ...lm.contextInfo, logits: (await lm.eval(prompt)).logits };
  };
  const [on, off, auto] = [await logits(true), await logits(false), await logits('auto')];
  t.notSame(on.logits, off.logits, 'the logits show which is in effect');
  t.equal(on.flashAttention, true);
  t.equal(off.flashAttention, false);
  t.strictSame(auto.logits, auto.flashAttention ? on.logits : off.logits);
});

t.test('countTokens includes BOS', async (t) => {
  const lm = await open(t, { contextSize: 64 });
  const text = 'The sky is blue. ❤';
  t.equal(await lm.countTokens(text), model.tokenizeSync(text).length + 1);
  t.equal(await lm.countTokens(''), 1);
  t.equal(await lm.countTokens('<|bos|>'), model.tokenizeSync('<|bos|>').length + 1, 'as text');
  await t.rejects(lm.countTokens(1 as never), { name: 'TypeError' });
  await t.rejects(lm.countTokens('a', { addSpecial: false } as never), { name: 'TypeError' });
  const signal = AbortSignal.abort(new Error('enough'));
  await t.rejects(lm.countTokens('a', { signal }), { message: 'enough' });
  const toy: ChoiceLM = new ToyLM();
  t.equal(await toy.countTokens('a b'), (await toy.tokenize('a b', { addSpecial: true })).length);
  await lm.close();
  await t.rejects(lm.countTokens('a'), { name: 'ClosedError' });
});

t.test('printCandidates prints one line per candidate', async (t) => {
  const lm = await open(t, { contextSize: 64 });
  const prompt = 'The sky is';
  const candidates = await lm.candidates(prompt, 5);
  const file = new PassThrough({ encoding: 'utf8' });
  let output = '';
  file.on('data', (text: string) => {
    output += text;
  });
  await lm.printCandidates(prompt, 5, { file });
  const lines = output.split('\n');
  output = '';
  t.equal(lines.pop(), '', 'each line is terminated');
  t.equal(lines.length, 5);
  for (const [index, { text, probability }] of candidates.entries()) {
    const visible = text.replaceAll(' ', '▁').replaceAll('\n', '\\n');
    t.equal(lines[index], `token '${visible}' has probability ${probability}`);
  }
  t.ok(lines.some((line) => line.startsWith("token '▁blue' has probability 0.")));
  await lm.printCandidates(prompt, model.vocab.size, { file });
  const all = output;
  t.equal(all.split('\n').length, model.vocab.size + 1, 'any token takes exactly one line');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no control characters except newlines
  t.notMatch(all, /[\u0000-\u0009\u000b-\u001f\u007f]/);
});

t.test('printCandidates waits for its stream, and rejects with its error', async (t) => {
  const lm = await open(t, { contextSize: 64 });
  const broken = new Writable({ write: (_, __, done) => done(new Error('the disk is full')) });
  broken.on('error', () => {});
  await t.rejects(lm.printCandidates('The sky', 2, { file: broken }), {
    message: 'the disk is full',
  });
  let finish = (): void => {};
  const slow = new Writable({
    write: (_, __, done) => {
      finish = done;
    },
  });
  const aborting = new AbortController();
  const printing = lm.printCandidates('The sky', 2, { file: slow, signal: aborting.signal });
  setTimeout(() => aborting.abort(new Error('enough')), 50);
  await t.rejects(printing, { message: 'enough' }, 'an abort ends the wait');
  finish();
  const wrong = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  await t.rejects(lm.printCandidates('The sky', 2, { file: 'out.txt' as never }), wrong);
  await t.rejects(lm.printCandidates('The sky', 2, { to: slow } as never), wrong);
  await t.rejects(lm.printCandidates('The sky', 0, { file: slow }), { name: 'RangeError' });
  await t.rejects(lm.printCandidates('', 2.5, { file: slow }), { name: 'RangeError' });
});
