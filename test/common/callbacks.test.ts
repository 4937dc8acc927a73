// A callback that is asynchronous and fails: its rejection is the call's, and never unhandled.

import { setTimeout } from 'node:timers/promises';
import { type CompletionChunk, defaultModelPath, LLaMa, Model } from 'autocog-lm';
import { serve } from 'autocog-lm/serve';
import t from 'tap';
import { ToyLM } from '../suite/toy-lm.js';

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

const late = async (): Promise<never> => {
  await setTimeout(5);
  throw new Error('late');
};
const atOnce = async (): Promise<never> => {
  throw new Error('at once');
};

t.test('an onToken that rejects rejects the call', async (t) => {
  await using llama = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 256 });
  for (const lm of [llama, new ToyLM()]) {
    for (const onToken of [late, atOnce]) {
      const message = onToken === late ? 'late' : 'at once';
      const options = { maxTokens: 5, onToken };
      await t.rejects(lm.complete('ab', options), { message });
      await t.rejects(lm.completeMany(['ab', 'ba'], options), { message });
      const stream = lm.stream('ab', options);
      await t.rejects(
        (async () => {
          for await (const _ of stream);
        })(),
        { message },
      );
      await t.rejects(stream.completion, { message });
    }
    t.equal((await lm.complete('ab', { maxTokens: 3 })).tokens.length, 3, 'and the LM goes on');
  }
});

t.test('a promise of false ends the completion, and the call waits for promises', async (t) => {
  const lm = new ToyLM();
  let calls = 0;
  let settled = 0;
  const slow = async (): Promise<void> => {
    calls++;
    await setTimeout(5);
    settled++;
  };
  await lm.complete('ab', { maxTokens: 4, onToken: slow });
  t.equal(settled, calls);
  t.equal(calls, 4);
  await using llama = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 512 });
  const chunks: CompletionChunk[] = [];
  const { stopReason, tokens } = await llama.complete('Once', {
    maxTokens: 400,
    onToken: async (chunk) => {
      chunks.push(chunk);
      return chunks.length < 3;
    },
  });
  t.equal(stopReason, 'callback');
  t.ok(tokens.length < 400, `${tokens.length}`);
});

t.test('a promise that never settles is left by an abort', async (t) => {
  const lm = new ToyLM();
  const controller = new AbortController();
  const { signal } = controller;
  const onToken = (): Promise<void> => new Promise(() => {});
  const completing = lm.complete('ab', { maxTokens: 3, onToken, signal });
  await setTimeout(30);
  controller.abort();
  await t.rejects(completing, { name: 'AbortError' });
});

t.test('an onProgress that rejects rejects the load', async (t) => {
  for (const onProgress of [late, atOnce]) {
    const message = onProgress === late ? 'late' : 'at once';
    await t.rejects(Model.load(defaultModelPath, { onProgress }), { message });
    await t.rejects(LLaMa.load(defaultModelPath, { onProgress }), { message });
  }
});

t.test('the iterators of tasks and files that reject reject the call', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 256 });
  const tasks = { [Symbol.asyncIterator]: () => ({ next: late, return: atOnce }) };
  await t.rejects(
    (async () => {
      for await (const _ of lm.chooseMany(tasks));
    })(),
    { message: 'late' },
  );
  const file = { write: late as never };
  await t.rejects(lm.streamPrint('Once', { maxTokens: 3, file }), { message: 'late' });
});

t.test("the server's onError that rejects is a warning", async (t) => {
  const warnings: { code?: string }[] = [];
  const listen = (warning: Error & { code?: string }): void => void warnings.push(warning);
  process.on('warning', listen);
  t.teardown(() => process.off('warning', listen));
  const lm = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 256 });
  await using server = await serve(lm, { port: 0, onError: atOnce });
  const broken = lm as unknown as { choose: () => Promise<never> };
  broken.choose = () => Promise.reject(new Error('broken'));
  const body = JSON.stringify({ prompt: 'a', choices: ['b'] });
  const headers = { 'content-type': 'application/json' };
  for (let round = 0; round < 2; round++) {
    const response = await fetch(`${server.url}/v1/choose`, { method: 'POST', headers, body });
    t.equal(response.status, 500);
    await response.text();
  }
  await setTimeout(10);
  t.strictSame(
    warnings.map(({ code }) => code),
    ['AUTOCOG_CALLBACK_FAILED'],
  );
  await lm.close();
});

t.test('no rejection was unhandled', async (t) => t.strictSame(unhandled, []));
