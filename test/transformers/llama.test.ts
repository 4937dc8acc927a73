// TfLM compared with LLaMa on the same weights: the tokens of any text, and every log-probability.

import { join } from 'node:path';
import { defaultModelPath, LLaMa, type LLaMaLoadOptions, quantize } from 'autocog-lm';
import { TfLM, type TfLMLoadOptions } from 'autocog-lm/transformers';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { quantizeRows } from '../../models/onnx/graph.mjs';
import { heldOutQuestions } from '../../models/questions.mjs';
import { writeOnnx } from '../../models/write-onnx.mjs';
import { at } from '../suite/oracle.js';
import { near } from '../suite/with-lm.js';
import { floatsOf, keyUint32, readGguf, tensorOf, writeGguf } from '../support/gguf.js';

const folder = t.testdir();
const weights = join(folder, 'F32.gguf');
await quantize(defaultModelPath, weights, 'F32');

const oneThread = { threads: 1, kvCacheTypeK: 'f32', kvCacheTypeV: 'f32' } as const;

let models = 0;

/** Both LMs with the weights of a GGUF file. */
async function both(
  t: Test,
  gguf: string,
  { dtype = 'fp32', ...options }: TfLMLoadOptions & { dtype?: 'fp32' | 'fp16' | 'q8' } = {},
  llamaGguf = gguf,
  llamaOptions: LLaMaLoadOptions = {},
): Promise<{ llama: LLaMa; tflm: TfLM }> {
  const model = join(folder, `model-${models++}`);
  writeOnnx(model, { gguf, dtype });
  const llama = await LLaMa.load(llamaGguf, { ...oneThread, ...llamaOptions });
  const tflm = await TfLM.load(model, { threads: 1, dtype, ...options });
  t.teardown(() => Promise.all([llama.close(), tflm.close()]));
  return { llama, tflm };
}

const questions = heldOutQuestions(3, 120);
const specials = ['<|bos|>', '<|eos|>', '<|im_start|>', '<|im_end|>'];

/** Characters of Unicode 9: for newer ones the tables of llama.cpp and Node may differ. */
const ranges = [
  [0x0000, 0x024f],
  [0x0300, 0x036f],
  [0x0410, 0x044f],
  [0x05d0, 0x05ea],
  [0x0621, 0x064a],
  [0x0904, 0x0939],
  [0x2000, 0x206f],
  [0x2150, 0x2188],
  [0x2190, 0x21ff],
  [0x3000, 0x303f],
  [0x4e00, 0x9fa5],
  [0xac00, 0xd7a3],
  [0xe000, 0xf8ff],
  [0xfe00, 0xfe0f],
  [0xff01, 0xff5e],
  [0x1d400, 0x1d454],
  [0x1f300, 0x1f64f],
  [0x20000, 0x2a6d6],
] as const;

t.test('both have the same tokens for any text, and the same text for any tokens', async (t) => {
  const { llama, tflm } = await both(t, weights);
  const checkText = async (text: string): Promise<void> => {
    for (const addSpecial of [false, true]) {
      for (const parseSpecial of [false, true]) {
        const options = { addSpecial, parseSpecial };
        const tokens = await tflm.tokenize(text, options);
        const expected = await llama.tokenize(text, options);
        if (`${tokens}` !== `${expected}`) {
          throw new Error(`${JSON.stringify(text)} has the tokens ${tokens}, not ${expected}`);
        }
      }
    }
    const tokens = await tflm.tokenize(text);
    const decoded = await tflm.detokenize(tokens);
    if (decoded !== Buffer.from(text).toString()) {
      throw new Error(`${JSON.stringify(text)} decodes to ${JSON.stringify(decoded)}`);
    }
  };
  const cases = [
    '',
    ' ',
    '   three  spaces   ',
    '\n\n\r\n \t\u00a0\u2003\u3000',
    "it's we'll I'D they'Ve",
    'ab1234567890cd 3.14 १२३ Ⅷ',
    'naïve café ﬁ Ω 中文 日本語 한국어 العربية हिन्दी',
    '👩‍👩‍👧‍👦🇫🇷 👍🏽',
    'e\u0301 \ud800 \udc00 \ufffd \ufeff \u0085 \0',
    ...specials,
    specials.join(''),
    `a${specials[0]} b<|im_start|>user\nWhat?<|im_end|>`,
    '<|im_start|',
    '<|bos<|bos|>|>',
    ...questions.flatMap(({ prompt, choices }) => [prompt, ...choices]),
  ];
  for (const text of cases) await checkText(text);
  const character = fc
    .oneof(...ranges.map(([min, max]) => fc.integer({ min, max })))
    .map((code) => String.fromCodePoint(code));
  const piece = fc.oneof(
    fc.string({ unit: character, maxLength: 12 }),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.string({ maxLength: 12 }),
    fc.constantFrom(...specials, ' ', '\n', "'s", '12345', ' the', '\ud83d'),
  );
  const texts = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
  await fc.assert(fc.asyncProperty(texts, checkText), { numRuns: 1500 });
  const lists = fc.array(fc.nat(tflm.vocabularySize - 1), { maxLength: 12 });
  const property = fc.asyncProperty(lists, fc.boolean(), async (list, special) => {
    const tokens = Int32Array.from(list);
    const texts = await Promise.all([
      tflm.detokenize(tokens, { special }),
      llama.detokenize(tokens, { special }),
    ]);
    if (texts[0] !== texts[1]) throw new Error(`${list} decodes to ${JSON.stringify(texts)}`);
  });
  await fc.assert(property, { numRuns: 1500 });
  t.pass(`${cases.length} texts, 1,500 random texts and 1,500 lists of tokens`);
});

t.test('both have the same properties', async (t) => {
  const { llama, tflm } = await both(t, weights);
  t.equal(tflm.vocabularySize, llama.vocabularySize);
  t.equal(tflm.contextSize, llama.model.info.trainContextSize);
  t.same(tflm.endOfGeneration, llama.endOfGeneration);
  t.equal(tflm.beginToken, llama.beginToken);
});

/** The largest difference of any next-token log-probability. */
async function largestDifference(
  tflm: TfLM,
  llama: LLaMa,
  prompts: readonly string[],
): Promise<number> {
  let largest = 0;
  for (const prompt of prompts) {
    const [actual, expected] = await Promise.all([tflm.greedy(prompt), llama.greedy(prompt)]);
    for (const [token, logprob] of actual.entries()) {
      largest = Math.max(largest, Math.abs(logprob - at(expected, token)));
    }
  }
  return largest;
}

const prompts = [
  ...questions.map(({ prompt }) => prompt),
  'a',
  '<|im_start|>user\nHi<|im_end|>\n',
  '日本語 \u0000 💥',
  questions
    .map(({ prompt }) => prompt)
    .join('\n')
    .slice(0, 1200),
];

// Above each bound: the largest difference observed.
for (const [what, bound, options] of [
  // 0.000024
  ['F32 weights', 1e-3, {}],
  // 0.000024
  ['a batch size of five tokens', 1e-3, { batchSize: 5 }],
  // 0.0112
  ['half-precision states and logits', 5e-2, { dtype: 'fp16' }],
] as const) {
  t.test(`every next-token log-probability is llama.cpp's, with ${what}`, async (t) => {
    const { llama, tflm } = await both(t, weights, options);
    const largest = await largestDifference(tflm, llama, prompts);
    t.comment(`${prompts.length} prompts: differences up to ${largest}`);
    t.ok(largest > 0 && largest < bound, `${largest} is below ${bound}`);
  });
}

t.test('8-bit weights match llama.cpp with the same rounding', async (t) => {
  const { keyValues, tensors } = readGguf(weights);
  const rounded = tensors.map((tensor) => {
    const [columns = 0, rows = 0] = tensor.shape;
    const isEmbedding = tensor.name === 'token_embd.weight';
    if (tensor.shape.length < 2 || isEmbedding) return [tensor];
    const { scales, numbers } = quantizeRows(floatsOf(tensor), rows, columns);
    const values = Float32Array.from(numbers, (number, index) => {
      return number * at(scales, Math.floor(index / columns));
    });
    return [tensorOf(tensor.name, tensor.shape, values)];
  });
  const embedding = tensors.find(({ name }) => name === 'token_embd.weight');
  if (embedding === undefined) throw new Error('There is no embedding');
  // The embedding is rounded only as the output layer.
  const [columns = 0, rows = 0] = embedding.shape;
  const { scales, numbers } = quantizeRows(floatsOf(embedding), rows, columns);
  const head = Float32Array.from(numbers, (number, index) => {
    return number * at(scales, Math.floor(index / columns));
  });
  const roundedGguf = join(folder, 'rounded.gguf');
  const all = [...rounded.flat(), tensorOf('output.weight', embedding.shape, head)];
  writeGguf(roundedGguf, keyValues.values(), all);
  const { llama, tflm } = await both(t, weights, { dtype: 'q8' }, roundedGguf);
  const largest = await largestDifference(tflm, llama, prompts);
  t.comment(`${prompts.length} prompts: differences up to ${largest}`);
  // 0.44: ONNX Runtime also quantizes activations; llama.cpp with these F32 weights does not.
  t.ok(largest < 1, `${largest} is below 1`);
});

t.test('grouped-query attention matches llama.cpp', async (t) => {
  const { keyValues, tensors } = readGguf(weights);
  const fewer = tensors.map((tensor) => {
    if (!/attn_[kv]\.weight$/.test(tensor.name)) return tensor;
    const [columns = 0, rows = 0] = tensor.shape;
    const half = floatsOf(tensor).slice(0, (columns * rows) / 2);
    return tensorOf(tensor.name, [columns, rows / 2], half);
  });
  const key = 'llama.attention.head_count_kv';
  keyValues.set(key, keyUint32(key, 2));
  const gguf = join(folder, 'grouped.gguf');
  writeGguf(gguf, keyValues.values(), fewer);
  const { llama, tflm } = await both(t, gguf);
  t.equal(llama.model.info.gqa, 2);
  const largest = await largestDifference(tflm, llama, prompts.slice(0, 20));
  t.ok(largest > 0 && largest < 1e-3, `${largest} is below 0.001`);
  const choice = await tflm.choose('The capital of France is', [' Paris', ' London']);
  const expected = await llama.choose('The capital of France is', [' Paris', ' London']);
  for (const [index, { logprob }] of choice.choices.entries()) {
    near(t, logprob, at(expected.choices, index).logprob, 1e-3, `choice ${index}`);
  }
});

t.test('choose, score, complete and beamSearch return the same as LLaMa', async (t) => {
  const { llama, tflm } = await both(t, weights);
  for (const { prompt, choices } of questions.slice(0, 40)) {
    for (const options of [{}, { terminator: 'eog', details: true }, { prior: 'A: ' }] as const) {
      const actual = await tflm.choose(prompt, choices, options);
      const expected = await llama.choose(prompt, choices, options);
      t.equal(actual.index, expected.index);
      for (const [index, { logprob, endLogprob = 0, tokens }] of actual.choices.entries()) {
        const choice = at(expected.choices, index);
        t.same(tokens, choice.tokens);
        near(t, logprob, choice.logprob, 1e-3, `choice ${index}`);
        near(t, endLogprob, choice.endLogprob ?? 0, 1e-3, `its end`);
      }
    }
    const actual = await tflm.score(prompt, choices.join(''));
    near(t, actual.logprob, (await llama.score(prompt, choices.join(''))).logprob, 1e-3, 'score');
    const completion = await tflm.complete(prompt, { maxTokens: 40 });
    const reference = await llama.complete(prompt, { maxTokens: 40 });
    const { tokens, stopReason } = reference;
    t.match(completion, { text: reference.text, tokens, stopReason });
    near(t, completion.logprob, reference.logprob, 1e-3, 'its logprob');
  }
  const beams = { beams: 4, returnSequences: 4, maxTokens: 12 };
  const actual = await tflm.beamSearch('The opposite of hot is', beams);
  const expected = await llama.beamSearch('The opposite of hot is', beams);
  t.same(
    actual.beams.map(({ text }) => text),
    expected.beams.map(({ text }) => text),
  );
});
