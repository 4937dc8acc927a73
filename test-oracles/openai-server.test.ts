// The class OpenAI with llama.cpp's own server generates what LLaMa does in process with the same
// file.

import type { CompleteOptions } from 'autocog-lm';
import t from 'tap';
import { at } from '../test/suite/oracle.js';
import { near } from '../test/suite/with-lm.js';
import { failure } from '../test/support/failures.js';
import { contextSize, prompts, readAll, tolerance, withPair } from './support/pair.js';

for (const type of ['F32', 'Q8_0']) {
  t.test(`completions equal those of the model in process, ${type}`, (t) =>
    withPair(t, type, async ({ lm, open }) => {
      const remote = open();
      for (const prompt of prompts) {
        const options = { maxTokens: 24, topLogprobs: 3 };
        const expected = await lm.complete(prompt, options);
        const found = await remote.complete(prompt, options);
        t.equal(found.text, expected.text);
        t.same(found.tokens, expected.tokens);
        t.equal(found.stopReason, expected.stopReason);
        t.equal(found.usage.promptTokens, await lm.countTokens(prompt));
        // The server's batches have other sizes, which changes the rounding with quantized weights.
        const slack = type === 'F32' ? tolerance : 0.4;
        for (const [index, logprob] of expected.logprobs.entries()) {
          near(t, at(found.logprobs, index), logprob, slack, `token ${index}`);
          const rows = [found, expected].map(({ alternatives = [] }) => at(alternatives, index));
          const [theirs = [], ours = []] = rows;
          if (type !== 'F32') continue;
          for (const [rank, { token, text, probability }] of ours.entries()) {
            t.match(at(theirs, rank), { token, text });
            near(t, at(theirs, rank).probability, probability, tolerance, text);
          }
        }
        const { chunks, completion } = await readAll(remote, prompt, options);
        t.equal(chunks.map(({ text }) => text).join(''), expected.text);
        t.same(
          chunks.flatMap(({ tokens }) => [...tokens]),
          [...expected.tokens],
        );
        t.ok(chunks.every(({ tokens }) => tokens.length <= 1));
        t.equal(completion.text, expected.text);
        const ids = await lm.tokenize(prompt, { addSpecial: true });
        t.equal((await remote.complete(ids, options)).text, expected.text, 'token ids');
      }
    }),
  );
}

t.test('stops match as in process', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const remote = open();
    const prompt = at(prompts, 1);
    const { text, tokens } = await lm.complete(prompt, { maxTokens: 12 });
    const stops: CompleteOptions['stop'][] = [at(tokens, 3), [at(tokens, 2), text.slice(9, 12)]];
    for (let begin = 1; begin + 1 < text.length; begin += 2)
      stops.push(text.slice(begin, begin + 3));
    stops.push([text.slice(5, 8), text.slice(4, 5)], 'never generated');
    for (const stop of stops) {
      for (const includeStop of [false, true]) {
        const options = { maxTokens: 12, stop, includeStop };
        const expected = await lm.complete(prompt, options);
        const { chunks, completion } = await readAll(remote, prompt, options);
        for (const found of [completion, await remote.complete(prompt, options)]) {
          t.same(
            [found.text, found.stopReason, found.stop, found.tokens],
            [expected.text, expected.stopReason, expected.stop, expected.tokens],
          );
        }
        t.equal(chunks.map(({ text }) => text).join(''), expected.text);
        t.ok(completion.usage.promptTokens > 0);
      }
    }
  }),
);

t.test('multi-token characters are returned whole, with all of their tokens', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const grammar = 'root ::= "hé 漢字 😀😀!"';
    const expected = await lm.complete('The sky is', { grammar });
    const remote = open({ extraBody: { grammar } });
    const { chunks, completion } = await readAll(remote, 'The sky is');
    t.equal(completion.text, expected.text);
    t.equal(chunks.map(({ text }) => text).join(''), expected.text);
    t.same(completion.tokens, expected.tokens);
    const unknown = [...completion.logprobs].filter(Number.isNaN).length;
    t.ok(unknown > 0, 'llama-server reports nothing for tokens that end in mid-character');
    for (const [index, logprob] of completion.logprobs.entries()) {
      // Tokens that a grammar forces may be too unlikely for single precision.
      if (!Number.isNaN(logprob) && logprob > -85) {
        near(t, logprob, at(expected.logprobs, index), tolerance, `token ${index}`);
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
      const expected = await lm.complete(prompt, { maxTokens: 20 });
      const found = await remote.complete(question, { maxTokens: 20, topLogprobs: 2 });
      t.same(
        [found.text, found.tokens, found.stopReason],
        [expected.text, expected.tokens, expected.stopReason],
      );
      for (const [index, logprob] of expected.logprobs.entries()) {
        near(t, at(found.logprobs, index), logprob, tolerance, `token ${index}`);
      }
      t.equal(found.usage.promptTokens, prompt.length);
      const ids = await lm.tokenize(question);
      t.equal((await remote.complete(ids, { maxTokens: 20 })).text, expected.text, 'token ids');
      const stop = expected.text.slice(2, 4);
      t.match(await remote.complete(question, { stop }), {
        stop,
        stopReason: 'stop',
        text: expected.text.slice(0, 2),
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

t.test('the maximum length or the context ends a completion', (t) =>
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

t.test('samplers are passed on', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const remote = open();
    const prompt = at(prompts, 1);
    const free = await remote.complete(prompt, { maxTokens: 8 });
    const forbidden = at(free.tokens, 0);
    const sampler = { temperature: 0, logitBias: { [forbidden]: -100 } };
    const expected = await lm.complete(prompt, { maxTokens: 8, sampler });
    const found = await remote.complete(prompt, { maxTokens: 8, sampler });
    t.equal(found.text, expected.text);
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
