// The class OpenAI before llama.cpp's own server writes and tokenizes what LLaMa does in process,
// with the same file.

import { join } from 'node:path';
import {
  type CompleteOptions,
  type CompletionChunk,
  defaultModelPath,
  LLaMa,
  quantize,
} from 'autocog-lm';
import { OpenAI, type OpenAIOptions } from 'autocog-lm/openai';
import Client from 'openai';
import t, { type Test } from 'tap';
import { at } from '../test/suite/oracle.js';
import { near } from '../test/suite/with-lm.js';
import { failure } from '../test/support/failures.js';
import { exact } from '../test/support/forms.js';
import { Server } from './support/server.js';

const contextSize = 512;

interface Pair {
  lm: LLaMa;
  server: Server;
  open(options?: Partial<OpenAIOptions>): OpenAI;
}

/** A model in process, and the same file behind a server that computes with the same precision. */
async function withPair(t: Test, type: string, use: (pair: Pair) => Promise<void>): Promise<void> {
  const path = join(t.testdir(), `${type}.gguf`);
  await quantize(defaultModelPath, path, type);
  const more = ['--cache-type-k', 'f32', '--cache-type-v', 'f32'];
  await using server = await Server.start(path, contextSize, more);
  await using lm = await LLaMa.load(path, { ...exact, contextSize });
  const baseURL = `${server.address}/v1`;
  const opened: OpenAI[] = [];
  const open = (options: Partial<OpenAIOptions> = {}): OpenAI => {
    const remote = new OpenAI({ model: 'any', baseURL, delta: 1, ...options });
    opened.push(remote);
    return remote;
  };
  await use({ lm, server, open });
  await Promise.all(opened.map((remote) => remote.close()));
}

const prompts = [
  'The sky is',
  'Question: what colour is grass?\nAnswer:',
  'Question: Is the sky green? Answer yes or no.\nAnswer:',
  '<|im_end|> is no special token here',
  'Ünïcödé 漢字 😀',
];

const texts = [...prompts, '', ' ', '\n\n', 'a'.repeat(300), '\ufeffx', 'a\ud800b', '<|im_start|>'];

/** One more request of the same prompt may find other rows in the batch; F32 hardly minds. */
const tolerance = 1e-3;

async function readAll(lm: LLaMa | OpenAI, prompt: string, options?: CompleteOptions) {
  const stream = lm.stream(prompt, options);
  const chunks: CompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { chunks, completion: await stream.completion };
}

t.test('tokens are those of the model in process', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const remote = open();
    for (const text of texts) {
      for (const addSpecial of [false, true]) {
        for (const parseSpecial of [false, true]) {
          const wanted = await lm.tokenize(text, { addSpecial, parseSpecial });
          t.same(await remote.tokenize(text, { addSpecial, parseSpecial }), wanted);
          t.equal(await remote.detokenize(wanted), await lm.detokenize(wanted));
          const special = { special: true };
          t.equal(await remote.detokenize(wanted, special), await lm.detokenize(wanted, special));
        }
      }
      t.equal(await remote.countTokens(text), await lm.countTokens(text));
    }
    const all = Int32Array.from({ length: lm.vocabularySize }, (_, token) => token);
    for (const token of all) {
      const one = Int32Array.of(token);
      t.equal(await remote.detokenize(one), await lm.detokenize(one), `token ${token}`);
    }
    t.equal(await remote.detokenize(all), await lm.detokenize(all));
  }),
);

for (const type of ['F32', 'Q8_0']) {
  t.test(`completions are those of the model in process, ${type}`, (t) =>
    withPair(t, type, async ({ lm, open }) => {
      const remote = open();
      for (const prompt of prompts) {
        const options = { maxTokens: 24, topLogprobs: 3 };
        const wanted = await lm.complete(prompt, options);
        const found = await remote.complete(prompt, options);
        t.equal(found.text, wanted.text);
        t.same(found.tokens, wanted.tokens);
        t.equal(found.stopReason, wanted.stopReason);
        t.equal(found.usage.promptTokens, await lm.countTokens(prompt));
        // A server computes batches of other sizes, which quantised weights round otherwise.
        const slack = type === 'F32' ? tolerance : 0.4;
        for (const [index, logprob] of wanted.logprobs.entries()) {
          near(t, at(found.logprobs, index), logprob, slack, `token ${index}`);
          const rows = [found, wanted].map(({ alternatives = [] }) => at(alternatives, index));
          const [theirs = [], ours = []] = rows;
          if (type !== 'F32') continue;
          for (const [rank, { token, text, probability }] of ours.entries()) {
            t.match(at(theirs, rank), { token, text });
            near(t, at(theirs, rank).probability, probability, tolerance, text);
          }
        }
        const { chunks, completion } = await readAll(remote, prompt, options);
        t.equal(chunks.map(({ text }) => text).join(''), wanted.text);
        t.same(
          chunks.flatMap(({ tokens }) => [...tokens]),
          [...wanted.tokens],
        );
        t.ok(chunks.every(({ tokens }) => tokens.length <= 1));
        t.equal(completion.text, wanted.text);
        const ids = await lm.tokenize(prompt, { addSpecial: true });
        t.equal((await remote.complete(ids, options)).text, wanted.text, 'token ids');
      }
    }),
  );
}

t.test('stops are found as in process', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const remote = open();
    const prompt = at(prompts, 1);
    const { text, tokens } = await lm.complete(prompt, { maxTokens: 12 });
    const stops: CompleteOptions['stop'][] = [at(tokens, 3), [at(tokens, 2), text.slice(9, 12)]];
    for (let begin = 1; begin + 1 < text.length; begin += 2)
      stops.push(text.slice(begin, begin + 3));
    stops.push([text.slice(5, 8), text.slice(4, 5)], 'never written');
    for (const stop of stops) {
      for (const includeStop of [false, true]) {
        const options = { maxTokens: 12, stop, includeStop };
        const wanted = await lm.complete(prompt, options);
        const { chunks, completion } = await readAll(remote, prompt, options);
        for (const found of [completion, await remote.complete(prompt, options)]) {
          t.same(
            [found.text, found.stopReason, found.stop, found.tokens],
            [wanted.text, wanted.stopReason, wanted.stop, wanted.tokens],
          );
        }
        t.equal(chunks.map(({ text }) => text).join(''), wanted.text);
        t.ok(completion.usage.promptTokens > 0);
      }
    }
  }),
);

t.test('characters of several tokens come whole, with all of their tokens', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const grammar = 'root ::= "hé 漢字 😀😀!"';
    const wanted = await lm.complete('The sky is', { grammar });
    const remote = open({ extraBody: { grammar } });
    const { chunks, completion } = await readAll(remote, 'The sky is');
    t.equal(completion.text, wanted.text);
    t.equal(chunks.map(({ text }) => text).join(''), wanted.text);
    t.same(completion.tokens, wanted.tokens);
    const unknown = [...completion.logprobs].filter(Number.isNaN).length;
    t.ok(unknown > 0, 'llama-server tells nothing of tokens that end in mid-character');
    for (const [index, logprob] of completion.logprobs.entries()) {
      // Floats end where what a grammar forces is too unlikely.
      if (!Number.isNaN(logprob) && logprob > -85) {
        near(t, logprob, at(wanted.logprobs, index), tolerance, `token ${index}`);
      }
    }
  }),
);

t.test('a chat answers the prompt as a message', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const question = 'What colour is grass?';
    for (const systemPrompt of [undefined, 'Be brief.']) {
      const remote = open({ api: 'chat', systemPrompt });
      const system =
        systemPrompt === undefined ? '' : `<|im_start|>system\n${systemPrompt}<|im_end|>\n`;
      const rendered = `${system}<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
      const prompt = await lm.tokenize(rendered, { addSpecial: true, parseSpecial: true });
      const wanted = await lm.complete(prompt, { maxTokens: 20 });
      const found = await remote.complete(question, { maxTokens: 20, topLogprobs: 2 });
      t.same(
        [found.text, found.tokens, found.stopReason],
        [wanted.text, wanted.tokens, wanted.stopReason],
      );
      for (const [index, logprob] of wanted.logprobs.entries()) {
        near(t, at(found.logprobs, index), logprob, tolerance, `token ${index}`);
      }
      t.equal(found.usage.promptTokens, prompt.length);
      const ids = await lm.tokenize(question);
      t.equal((await remote.complete(ids, { maxTokens: 20 })).text, wanted.text, 'token ids');
      const stop = wanted.text.slice(2, 4);
      t.match(await remote.complete(question, { stop }), {
        stop,
        stopReason: 'stop',
        text: wanted.text.slice(0, 2),
      });
    }
    const jsonSchema = {
      type: 'object',
      properties: { colour: { enum: ['green', 'red'] } },
      required: ['colour'],
      additionalProperties: false,
    };
    const { text } = await open({ api: 'chat' }).complete(question, { jsonSchema });
    t.ok(['green', 'red'].includes(JSON.parse(text).colour));
    const completions = open({ api: 'completions' }).complete(question, { jsonSchema });
    t.match(await failure(completions), { code: 'NOT_SUPPORTED', message: /api 'chat'/ });
  }),
);

t.test('the length ends a text, or the context does', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const remote = open({ extraBody: { ignore_eos: true } });
    t.match(await remote.complete('The sky is', { maxTokens: 3 }), {
      stopReason: 'length',
      tokens: { length: 3 },
    });
    const error = await failure(remote.complete('The sky is', { maxTokens: 1000 }));
    t.match(error, { code: 'CONTEXT_OVERFLOW', completion: { stopReason: 'length' } });
    const long = 'a '.repeat(2 * contextSize);
    t.match(await failure(remote.complete(long)), {
      code: 'CONTEXT_OVERFLOW',
      completion: undefined,
    });
    t.match(await failure(open({ api: 'chat' }).complete(long)), { code: 'CONTEXT_OVERFLOW' });
    const small = open({ contextSize: 8 });
    t.match(await failure(small.complete('a '.repeat(9))), { code: 'CONTEXT_OVERFLOW' });
    const all = await open({ contextSize: 12, extraBody: { ignore_eos: true } }).complete(
      'The sky is',
      { maxTokens: Infinity },
    );
    t.equal(all.tokens.length, 12 - (await lm.countTokens('The sky is')));
    t.match(await failure(remote.complete('x', { maxTokens: Infinity })), {
      code: 'NOT_SUPPORTED',
    });
  }),
);

t.test('samplers are handed on', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const remote = open();
    const prompt = at(prompts, 1);
    const free = await remote.complete(prompt, { maxTokens: 8 });
    const forbidden = at(free.tokens, 0);
    const sampler = { temperature: 0, logitBias: { [forbidden]: -100 } };
    const wanted = await lm.complete(prompt, { maxTokens: 8, sampler });
    const found = await remote.complete(prompt, { maxTokens: 8, sampler });
    t.equal(found.text, wanted.text);
    t.not(at(found.tokens, 0), forbidden);
    const seeded = { maxTokens: 8, sampler: { temperature: 1.5, topP: 0.99, seed: 7 } };
    const first = await remote.complete(prompt, seeded);
    t.equal(first.seed, 7);
    t.equal(
      (await remote.complete(prompt, seeded)).text,
      first.text,
      'the same seed, the same text',
    );
    const others = await Promise.all(
      [8, 9, 10, 11].map((seed) =>
        remote.complete(prompt, { ...seeded, sampler: { temperature: 1.5, seed } }),
      ),
    );
    t.ok(others.some(({ text }) => text !== first.text));
  }),
);

t.test('a text is ended from outside', (t) =>
  withPair(t, 'F32', async ({ open }) => {
    const remote = open({ extraBody: { ignore_eos: true } });
    const prompt = 'The sky is';
    const reason = new Error('enough');
    const seen: number[] = [];
    const cut = await remote.complete(prompt, {
      maxTokens: 400,
      onToken: ({ tokens }) => seen.push(...tokens) < 3,
    });
    t.match(cut, { stopReason: 'callback', tokens: Int32Array.from(seen) });
    t.equal(seen.length, 3);
    const thrown = remote.complete(prompt, {
      onToken: () => {
        throw reason;
      },
    });
    await t.rejects(thrown, reason);
    for (const stopOnAbort of [false, true]) {
      const controller = new AbortController();
      let count = 0;
      const onToken = (): void => {
        if (++count === 2) controller.abort(reason);
      };
      const call = remote.complete(prompt, {
        maxTokens: 400,
        onToken,
        signal: controller.signal,
        stopOnAbort,
      });
      if (stopOnAbort) t.match(await call, { stopReason: 'abort', tokens: { length: 2 } });
      else await t.rejects(call, reason);
    }
    const stream = remote.stream(prompt, { maxTokens: 400 });
    for await (const { tokens } of stream) if (tokens.length > 0) break;
    t.equal((await stream.completion).stopReason, 'callback');
    await t.rejects(remote.complete(prompt, { signal: AbortSignal.abort(reason) }), reason);
    const running = remote.complete(prompt, { maxTokens: 400 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await remote.close();
    await t.rejects(running, { code: 'CLOSED' });
    await t.rejects(remote.tokenize('x'), { code: 'CLOSED' });
    await t.rejects(remote.complete('x'), { code: 'CLOSED' });
    const other = open();
    t.equal(
      (await other.complete(prompt, { maxTokens: 2 })).tokens.length,
      2,
      'the server goes on',
    );
  }),
);

t.test("a caller's own client and tokenizer serve", (t) =>
  withPair(t, 'F32', async ({ lm, server, open }) => {
    const client = new Client({ baseURL: `${server.address}/v1`, apiKey: 'none' });
    const remote = new OpenAI({
      model: 'any',
      client,
      tokenizer: {
        tokenize: (text, options) => lm.tokenize(text, options),
        detokenize: async (tokens, options) => lm.detokenize(tokens, options),
      },
    });
    const wanted = await open().complete('The sky is', { maxTokens: 8 });
    t.equal((await remote.complete('The sky is', { maxTokens: 8 })).text, wanted.text);
    t.same(await remote.tokenize('The sky is'), await lm.tokenize('The sky is'));
    await remote.close();
    t.ok(await client.models.list(), 'a client stays its owner’s');
  }),
);
