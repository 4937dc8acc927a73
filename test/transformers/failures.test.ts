// TfLM when a forward pass fails, and the inputs that it rejects.

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath, quantize } from 'autocog-lm';
import { TfLM } from 'autocog-lm/transformers';
import t from 'tap';
import { writeOnnx } from '../../models/write-onnx.mjs';
import { readGguf, writeGguf } from '../support/gguf.js';

const folder = t.testdir();
const path = join(folder, 'model');
writeOnnx(path);
const prompt = 'The capital of France is';
const choices = [' Paris', ' London'];

/** The model without a context size in its config: its forward pass fails on longer input. */
function withoutContextSize(): string {
  const copy = join(folder, 'without-context-size');
  cpSync(path, copy, { recursive: true });
  const file = join(copy, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...config, max_position_embeddings: null }));
  return copy;
}

t.test('a failed forward pass is an error, and later calls are unaffected', async (t) => {
  await using lm = await TfLM.load(withoutContextSize(), { threads: 1, batchSize: 100 });
  const long = new Int32Array(600).fill(400);
  const before = await lm.choose(prompt, choices);
  const failure = { name: 'LMError', code: 'DECODE_FAILED', message: /The forward pass failed: / };
  await t.rejects(lm.choose(long, choices), failure);
  await t.rejects(lm.score(long.subarray(0, 500), long.subarray(0, 30)), failure);
  const error = await lm.greedy(long).catch((error: unknown) => error);
  t.match(error, { code: 'RETRIES_EXHAUSTED' });
  const { errors } = (error as Error).cause as AggregateError;
  t.match(errors, [failure]);
  t.ok((errors[0] as Error).cause instanceof Error, 'the cause is included');
  const after = await lm.choose(prompt, choices);
  t.same(
    after.choices.map(({ logprob }) => logprob),
    before.choices.map(({ logprob }) => logprob),
  );
  t.equal(after.usage.cachedTokens, after.usage.promptTokens);
});

t.test('the option retries sets the number of attempts', async (t) => {
  const options = { threads: 1, retries: 3, delta: 1, growth: 1 };
  await using lm = await TfLM.load(withoutContextSize(), options);
  const error = await lm.greedy(new Int32Array(600)).catch((error: unknown) => error);
  t.equal(((error as Error).cause as AggregateError).errors.length, 3);
});

t.test('non-finite logits are an error', async (t) => {
  const whole = join(folder, 'F32.gguf');
  await quantize(defaultModelPath, whole, 'F32');
  const { keyValues, tensors } = readGguf(whole);
  const broken = tensors.map((tensor) => {
    if (tensor.name !== 'output_norm.weight') return tensor;
    const data = Buffer.from(tensor.data);
    data.writeFloatLE(Number.NaN, 0);
    return { ...tensor, data };
  });
  const gguf = join(folder, 'broken.gguf');
  writeGguf(gguf, keyValues.values(), broken);
  const model = join(folder, 'broken');
  writeOnnx(model, { gguf });
  await using lm = await TfLM.load(model, { threads: 1 });
  const failure = { name: 'LMError', code: 'INVALID_LOGPROBS' };
  await t.rejects(lm.choose(prompt, choices), failure);
  const error = await lm.complete(prompt).catch((error: unknown) => error);
  t.match(((error as Error).cause as AggregateError).errors, [failure]);
});

t.test('a token outside of the vocabulary is rejected', async (t) => {
  await using lm = await TfLM.load(path, { threads: 1 });
  const error = { name: 'RangeError', code: 'OUT_OF_RANGE' };
  await t.rejects(lm.greedy(Int32Array.of(1024)), error);
  await t.rejects(lm.detokenize(Int32Array.of(-1)), error);
  await t.rejects(lm.choose(prompt, [Int32Array.of(5, 1024)]), error);
  await t.rejects(lm.tokenize(3 as never), { name: 'TypeError' });
  await t.rejects(lm.tokenize('a', { special: true } as never), { name: 'TypeError' });
});

t.test('samplers and grammars are rejected', async (t) => {
  await using lm = await TfLM.load(path, { threads: 1 });
  const error = { name: 'NotSupportedError', code: 'NOT_SUPPORTED' };
  await t.rejects(lm.complete(prompt, { sampler: { temperature: 1 } }), error);
  await t.rejects(lm.complete(prompt, { grammar: 'root ::= "a"' }), error);
});
