// The class OpenAI with llama.cpp's own server: its tokens, which equal those of the model in
// process, and how its calls handle aborts, closing and concurrency.

import { getEventListeners } from 'node:events';
import { Writable } from 'node:stream';
import { OpenAI } from 'autocog-lm/openai';
import Client from 'openai';
import t from 'tap';
import { Client as Requests } from '../lib/openai/http/client.js';
import { at } from '../test/suite/oracle.js';
import { prompts, withPair } from './support/pair.js';

const texts = [...prompts, '', ' ', '\n\n', 'a'.repeat(300), '\ufeffx', 'a\ud800b', '<|im_start|>'];

t.test('tokens equal those of the model in process', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const remote = open();
    for (const text of texts) {
      for (const addSpecial of [false, true]) {
        for (const parseSpecial of [false, true]) {
          const expected = await lm.tokenize(text, { addSpecial, parseSpecial });
          t.same(await remote.tokenize(text, { addSpecial, parseSpecial }), expected);
          t.equal(await remote.detokenize(expected), await lm.detokenize(expected));
          const special = { special: true };
          t.equal(
            await remote.detokenize(expected, special),
            await lm.detokenize(expected, special),
          );
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

t.test('callers can end a completion early', (t) =>
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
    // Aborts while the prompt is being tokenized.
    const unread = remote.stream(prompt);
    await unread.return();
    t.match(await unread.completion, { text: '', stopReason: 'callback' });
    const hasty = new AbortController();
    const kept = remote.complete(prompt, { signal: hasty.signal, stopOnAbort: true });
    await new Promise((resolve) => setImmediate(resolve));
    hasty.abort(reason);
    t.match(await kept, { text: '', stopReason: 'abort', tokens: { length: 0 } });
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

t.test('a custom client and a custom tokenizer work', (t) =>
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
    const expected = await open().complete('The sky is', { maxTokens: 8 });
    t.equal((await remote.complete('The sky is', { maxTokens: 8 })).text, expected.text);
    t.same(await remote.tokenize('The sky is'), await lm.tokenize('The sky is'));
    await remote.close();
    t.ok(await client.models.list(), 'a client stays its owner’s');
  }),
);

t.test('concurrent completions do not affect each other', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const remote = open();
    const many = Array.from({ length: 40 }, (_, index) => `${at(prompts, index % 2)} ${index}`);
    const found = await Promise.all(
      many.map((prompt) => remote.complete(prompt, { maxTokens: 4 })),
    );
    for (const [index, prompt] of many.entries()) {
      const { text } = await lm.complete(prompt, { maxTokens: 4 });
      t.equal(at(found, index).text, text, prompt);
    }
  }),
);

t.test('the requests of one call share one listener on its signal', (t) =>
  withPair(t, 'F32', async ({ server }) => {
    const client = new Requests({
      model: 'any',
      policy: { retries: 5, delta: 1, growth: 1 },
      transport: {
        client: new Client({ baseURL: `${server.address}/v1`, apiKey: 'none' }),
        headers: {},
        timeout: 60_000,
      },
      extraBody: {},
    });
    const controller = new AbortController();
    const { signal } = controller;
    const ask = (): Promise<unknown>[] =>
      Array.from({ length: 40 }, () => client.completions({ prompt: 'a', max_tokens: 1 }, signal));
    const running = ask();
    t.equal(getEventListeners(signal, 'abort').length, 1);
    await Promise.all(running);
    t.equal(getEventListeners(signal, 'abort').length, 0, 'none is left behind');
    const ended = Promise.allSettled(ask());
    const reason = new Error('enough');
    controller.abort(reason);
    for (const outcome of await ended) t.match(outcome, { status: 'rejected', reason });
    client.close();
    await t.rejects(client.completions({ prompt: 'a' }, undefined), { code: 'CLOSED' });
  }),
);

t.test('the usage of a completion', (t) =>
  withPair(t, 'F32', async ({ lm, open }) => {
    const remote = open({ extraBody: { ignore_eos: true } });
    const start = performance.now();
    const found = await remote.complete('The sky is', { maxTokens: 6 });
    const passed = performance.now() - start;
    const promptTokens = await lm.countTokens('The sky is');
    const { usage, timings, performance: speed } = found;
    t.match(usage, { promptTokens, decodeCalls: 1, paddingTokens: 0 });
    t.equal(usage.decodedTokens, promptTokens - usage.cachedTokens + 6);
    t.ok(timings.totalMs <= passed);
    t.ok(speed.firstTokenMs > 0 && speed.firstTokenMs <= timings.totalMs);
    t.ok(speed.tokensPerSecond > 0);
    const again = await remote.complete('The sky is', { maxTokens: 6 });
    t.ok(again.usage.cachedTokens > 0, 'the server remembers the prompt');
    let printed = '';
    const file = new Writable({
      write: (bytes, _encoding, done) => {
        printed += bytes;
        done();
      },
    });
    await remote.streamPrint('The sky is', { maxTokens: 6, file });
    t.equal(printed, `${found.text}\n`);
  }),
);
