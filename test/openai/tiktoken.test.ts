// The tokens of OpenAI's models equal those of js-tiktoken's own encoder, for every encoding and
// text, in both directions.

import { OpenAI } from 'autocog-lm/openai';
import fc from 'fast-check';
import { getEncoding } from 'js-tiktoken';
import t from 'tap';
import { encodingNames } from '../../lib/openai/tokenizer/encodings.js';
import { tiktokenOf } from '../../lib/openai/tokenizer/tiktoken-tokenizer.js';
import { failure } from '../support/failures.js';

const plain = { addSpecial: false, parseSpecial: false };
const parsed = { addSpecial: true, parseSpecial: true };
const apiKey = 'none';

const texts = [
  'Hello, world!',
  " don't we'll I'm THEY'RE 12345 3.14 x=y+1;\n\n\tif (a && b) { }\r\n",
  '你好，世界。今日は良い天気ですね。안녕하세요',
  '😀👩‍👩‍👧‍👦🏳️‍🌈 ✈️ é ạ̈ क्षत्रिय',
  '\ufeffa\ufeff',
  '<|endoftext|><|fim_prefix|>',
  '   \n  \n ',
  'aaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbabababababab',
  '\0\u0001\x7f',
  '',
];

for (const name of encodingNames) {
  t.test(`${name} encodes as js-tiktoken does`, async (t) => {
    const own = tiktokenOf('', name);
    const theirs = getEncoding(name);
    for (const text of texts) {
      const tokens = await own.tokenize(text, plain);
      t.same([...tokens], theirs.encode(text, [], []), JSON.stringify(text));
      t.equal(await own.detokenize(tokens, { special: true }), text, 'and back');
      t.same([...(await own.tokenize(text, parsed))], theirs.encode(text, 'all', []));
    }
    const unit = fc.oneof(
      fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz ABC019.,\n\'"<|>', 'é', '漢', '😀', 'end'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    );
    const text = fc.array(unit, { maxLength: 80 }).map((units) => units.join(''));
    await fc.assert(
      fc.asyncProperty(text, async (text) => {
        const tokens = await own.tokenize(text, plain);
        return (
          `${tokens}` === `${theirs.encode(text, [], [])}` &&
          (await own.detokenize(tokens, { special: false })) === text
        );
      }),
      { numRuns: 300 },
    );
  });
}

t.test('encoding time does not grow quadratically with the length of a word', async (t) => {
  const own = tiktokenOf('', 'cl100k_base');
  const long = 'ab'.repeat(100_000);
  const tokens = await own.tokenize(long, plain);
  t.equal(await own.detokenize(tokens, { special: false }), long);
  const theirs = getEncoding('cl100k_base').encode('ab'.repeat(200), [], []);
  t.same([...(await own.tokenize('ab'.repeat(200), plain))], theirs);
});

t.test('tokens, their bytes and their text', async (t) => {
  const own = tiktokenOf('gpt-4o', undefined);
  const [part = -1] = await own.tokenize('😀', plain);
  const all = await own.tokenize('漢😀𝔘', plain);
  const bytes = await Promise.all([...all].map((token) => own.bytesOf(token)));
  t.equal(Buffer.concat(bytes.map((each) => each ?? Buffer.of())).toString(), '漢😀𝔘');
  for (const [index, token] of all.entries()) {
    t.equal(await own.tokenOf({ text: '', bytes: bytes[index] }), token);
  }
  t.equal(await own.tokenOf({ text: ' the', bytes: undefined }), 290);
  t.equal(await own.tokenOf({ text: 'no single token', bytes: undefined }), undefined);
  t.ok((await own.textOf(part)).length > 0);
  const [end = -1] = own.endOfGeneration;
  t.equal(await own.textOf(end), '<|endoftext|>');
  t.equal(await own.detokenize(Int32Array.of(end, 290), { special: false }), ' the');
  t.equal(await own.detokenize(Int32Array.of(end, 290), { special: true }), '<|endoftext|> the');
  t.ok((own.size ?? 0) > end);
  t.equal(await own.bytesOf((own.size ?? 0) + 1), undefined);
});

t.test(
  "the model's name determines the encoding, also of newer and fine-tuned models",
  async (t) => {
    const counts = async (model: string) =>
      (await new OpenAI({ model, apiKey }).tokenize('안녕하세요 세계')).join();
    const by = async (encoding: (typeof encodingNames)[number]) =>
      (await new OpenAI({ model: 'any', apiKey, encoding }).tokenize('안녕하세요 세계')).join();
    const models: [string, (typeof encodingNames)[number]][] = [
      ['gpt-4o', 'o200k_base'],
      ['gpt-4o-2031-01-01', 'o200k_base'],
      ['gpt-5.9-nano', 'o200k_base'],
      ['ft:gpt-4o-mini:me::id', 'o200k_base'],
      ['gpt-3.5-turbo-instruct', 'cl100k_base'],
      ['gpt-4-1999', 'cl100k_base'],
      ['davinci-002', 'cl100k_base'],
      ['ft:babbage-002:me::id', 'cl100k_base'],
      ['text-davinci-003', 'p50k_base'],
      ['gpt2', 'gpt2'],
    ];
    for (const [model, encoding] of models) t.equal(await counts(model), await by(encoding), model);
    for (const model of ['llama-3', 'constructor', 'o', 'ft:']) {
      const lm = new OpenAI({ model, apiKey });
      const error = await failure(lm.tokenize('x'));
      t.match(error, { code: 'NOT_SUPPORTED', message: /option encoding \(gpt2, / }, model);
    }
  },
);

t.test('an LM tokenizes with it, without a request', async (t) => {
  const lm = new OpenAI({ model: 'gpt-4o', apiKey });
  t.equal(lm.vocabularySize, undefined, 'encodings are loaded lazily');
  const tokens = await lm.tokenize('a\ud800b<|endoftext|>');
  t.equal(await lm.detokenize(tokens), 'a\ufffdb<|endoftext|>', "a user's text is only text");
  const special = await lm.tokenize('<|endoftext|>', { parseSpecial: true });
  t.same(special, lm.endOfGeneration);
  t.equal(await lm.detokenize(special), '');
  t.equal(await lm.detokenize(special, { special: true }), '<|endoftext|>');
  t.equal(await lm.countTokens('Hello, world!'), 4);
  t.equal(lm.vocabularySize, 200_019);
  await t.rejects(lm.detokenize(Int32Array.of(200_019)), { name: 'RangeError' });
  await t.rejects(lm.tokenize(3 as never), { name: 'TypeError' });
  await t.rejects(lm.tokenize('x', { special: true } as never), { name: 'TypeError' });
  const reason = new Error('no time');
  await t.rejects(lm.tokenize('x', { signal: AbortSignal.abort(reason) }), reason);
  await lm.close();
  await t.rejects(lm.tokenize('x'), { code: 'CLOSED' });
});

t.test('the results of a custom tokenizer are validated', async (t) => {
  const make = (tokenizer: object) =>
    new OpenAI({ model: 'x', apiKey, tokenizer: tokenizer as never });
  const bytes = {
    tokenize: (text: string) => [...Buffer.from(text)],
    detokenize: (tokens: Int32Array) => Buffer.from(tokens).toString(),
  };
  t.same(await make(bytes).tokenize('é'), Int32Array.of(0xc3, 0xa9));
  t.equal(await make(bytes).detokenize(Int32Array.of(0xc3, 0xa9)), 'é');
  for (const given of [undefined, 'text', [1.5], [-1], ['1']]) {
    const error = await failure(make({ ...bytes, tokenize: () => given }).tokenize('x'));
    t.match(error, { name: 'TypeError', code: 'INVALID_ARGUMENT' }, String(given));
  }
  const error = await failure(make({ ...bytes, detokenize: () => 3 }).detokenize(Int32Array.of(1)));
  t.match(error, { name: 'TypeError' });
});
