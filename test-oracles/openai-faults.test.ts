// The class OpenAI with every kind of network and server failure: nothing hangs, retries end, and
// the result is either the same as without failures or a clear error.

import type { Completion, CompletionChunk } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';
import { type Fault, transientFaults } from '../test/openai/fault-proxy.js';
import { failure } from '../test/support/failures.js';
import { options, prompt, summaryOf, withProxy } from './support/proxied.js';

t.test('transient failures are retried, with the same result', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    for (const api of ['completions', 'chat'] as const) {
      const patient = open({ api });
      const expected = summaryOf(await patient.complete(prompt, options));
      for (const fault of transientFaults) {
        // A busy machine may exceed the timeout again, which adds a request.
        const isStall = fault.kind === 'stall';
        const lm = isStall ? open({ api, timeout: 500, retries: 9 }) : patient;
        const before = proxy.seen.length;
        proxy.rule = ({ path }) =>
          path.endsWith('completions') ? proxy.faults.shift() : { kind: 'none' };
        proxy.faults.push(fault);
        t.same(summaryOf(await lm.complete(prompt, options)), expected, JSON.stringify(fault));
        const requests = proxy.seen
          .slice(before)
          .filter(({ path }) => path.endsWith('completions'));
        t.ok(isStall ? requests.length >= 2 : requests.length === 2);
        t.same(requests[1]?.body, requests[0]?.body);
      }
      for (const fault of transientFaults) {
        const lm = fault.kind === 'stall' ? open({ api, timeout: 500, retries: 9 }) : patient;
        proxy.rule = () => undefined;
        proxy.faults.push(fault);
        t.equal(await lm.detokenize(await lm.tokenize(prompt)), prompt, JSON.stringify(fault));
      }
    }
  }),
);

t.test('retries are limited; the error has the last status and request id', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    for (const fault of transientFaults) {
      const lm = open({
        retries: 3,
        timeout: 60,
        api: 'completions',
        tokenizer: 'tiktoken',
        encoding: 'gpt2',
      });
      const before = proxy.seen.length;
      proxy.rule = () => fault;
      const error = await failure(lm.complete(prompt, { maxTokens: 12 }));
      const count = proxy.seen.length - before;
      t.match(
        error,
        { name: 'RemoteError', code: 'REMOTE', message: /^All 3 attempts failed/ },
        JSON.stringify(fault),
      );
      t.equal(count, 3);
      t.ok(error.cause instanceof Error);
      if (fault.kind !== 'respond') continue;
      t.match(error, { requestId: `request-${proxy.seen.length}` });
      if (fault.status !== 200) t.match(error, { status: fault.status });
    }
  }),
);

t.test('servers can set the retry delay', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    // Its own delay would be a minute, and this test would time out.
    const lm = open({ delta: 60_000, tokenizer: 'tiktoken', encoding: 'gpt2' });
    const date = new Date(Date.now() - 5000).toUTCString();
    const wishes: Record<string, string>[] = [
      { 'retry-after': '0' },
      { 'retry-after-ms': '2' },
      { 'retry-after': date },
    ];
    for (const headers of wishes) {
      proxy.faults.push({ kind: 'respond', status: 429, headers });
      t.equal((await lm.complete(prompt, { maxTokens: 2 })).tokens.length, 2);
    }
  }),
);

t.test('the result does not depend on how a response is split into packets', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const grammar = 'root ::= "hé 漢字 😀😀!"';
    for (const more of [{}, { api: 'chat' as const }, { extraBody: { grammar } }]) {
      const lm = open(more);
      const expected = summaryOf(await lm.complete(prompt, options));
      for (const size of [1, 2, 3, 7, 64]) {
        proxy.faults.length = 0;
        proxy.rule = () => ({ kind: 'split', size });
        t.same(summaryOf(await lm.complete(prompt, options)), expected, `${size} bytes`);
      }
      proxy.rule = () => undefined;
    }
  }),
);

t.test('the timeout applies to silence, not to the whole response', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const lm = open({ timeout: 800, retries: 1 });
    const expected = await lm.complete(prompt, { maxTokens: 2 });
    proxy.rule = ({ path }) =>
      path.endsWith('completions') ? { kind: 'slow', pause: 1 } : undefined;
    const start = performance.now();
    t.equal((await lm.complete(prompt, { maxTokens: 2 })).text, expected.text);
    t.ok(performance.now() - start > 800, 'the total time exceeds the timeout');
  }),
);

t.test('there is no retry after a reader has seen a chunk', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const lm = open({ api: 'completions' });
    const whole = await lm.complete(prompt, options);
    const breaks: Fault[] = [
      { kind: 'truncate', part: 0.6, clean: true },
      { kind: 'truncate', part: 0.6, clean: false },
      { kind: 'stall', part: 0.6 },
      { kind: 'garble', part: 0.6 },
    ];
    for (const fault of breaks) {
      proxy.rule = ({ path }) => (path.endsWith('completions') ? fault : undefined);
      const before = proxy.seen.filter(({ path }) => path.endsWith('completions')).length;
      const stream = lm.stream(prompt, options);
      const chunks: CompletionChunk[] = [];
      const error = (await failure(
        (async () => {
          for await (const chunk of stream) chunks.push(chunk);
        })(),
      )) as Error & { completion?: Completion };
      t.match(error, { name: 'RemoteError', code: 'REMOTE' }, JSON.stringify(fault));
      const { completion } = error;
      const seen = chunks.map(({ text }) => text).join('');
      t.ok(seen.length > 0 && whole.text.startsWith(seen));
      t.equal(completion?.text, seen);
      t.same(completion?.tokens, whole.tokens.slice(0, completion?.tokens.length));
      t.equal(await failure(stream.completion), error);
      t.equal(proxy.seen.filter(({ path }) => path.endsWith('completions')).length, before + 1);
    }
    proxy.rule = ({ path }) =>
      path.endsWith('completions') ? { kind: 'truncate', part: 0.6, clean: true } : undefined;
    const error = await failure(open({ retries: 2 }).complete(prompt, options));
    t.match(error, { name: 'RemoteError', completion: { stopReason: 'abort' } });
  }),
);

t.test('aborting and closing end a call at any stage', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const waits: Fault[] = [
      { kind: 'stall', part: -1 },
      { kind: 'stall', part: 0 },
      { kind: 'stall', part: 0.5 },
      { kind: 'slow', pause: 5 },
      { kind: 'respond', status: 503, headers: { 'retry-after': '50' } },
    ];
    for (const fault of waits) {
      const settings = { timeout: 100_000, api: 'completions' } as const;
      const ended = [open(settings), open(settings)] as const;
      for (const lm of ended) await lm.tokenize('x');
      const before = proxy.seen.length;
      proxy.rule = ({ path }) => (path.endsWith('completions') ? fault : undefined);
      const reason = { any: 'value' };
      const controller = new AbortController();
      const { signal } = controller;
      const calls = [
        ended[0].complete(prompt, { signal }),
        ended[0].complete(prompt, { signal, onToken: () => {} }),
        ended[1].complete(prompt),
        ended[1].stream(prompt).completion,
      ];
      const outcomes = Promise.allSettled(calls);
      const abandoned = proxy.abandoned;
      await proxy.until(
        () =>
          proxy.seen.filter(({ path }, index) => index >= before && path.endsWith('completions'))
            .length === 4,
      );
      controller.abort(reason);
      await ended[1].close();
      const [first, second, third, fourth] = await outcomes;
      t.match([first, second], [{ reason }, { reason }], JSON.stringify(fault));
      t.match([third, fourth], [{ reason: { code: 'CLOSED' } }, { reason: { code: 'CLOSED' } }]);
      if (fault.kind !== 'respond') await proxy.until(() => proxy.abandoned >= abandoned + 4);
      proxy.rule = () => undefined;
      t.ok((await ended[0].complete(prompt)).text, 'the other LM still works');
    }
  }),
);

t.test('a stop cancels the request', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const lm = open();
    const { text } = await lm.complete(prompt, options);
    proxy.rule = ({ path }) =>
      path.endsWith('completions') ? { kind: 'slow', pause: 1 } : undefined;
    const stop = text.slice(1, 3);
    t.match(await lm.complete(prompt, { ...options, stop }), { stop, text: text.slice(0, 1) });
    await proxy.until(() => proxy.abandoned === 1);
    t.equal(proxy.abandoned, 1);
  }),
);

const part = fc.double({ min: 0, max: 0.95, noNaN: true });
const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom(...transientFaults.filter(({ kind }) => kind === 'respond' || kind === 'drop')),
  fc.record({ kind: fc.constant('truncate' as const), part, clean: fc.boolean() }),
  fc.record({ kind: fc.constant('garble' as const), part }),
  fc.record({
    kind: fc.constant('stall' as const),
    part: fc.double({ min: -1, max: 0.95, noNaN: true }),
  }),
  fc.record({ kind: fc.constant('split' as const), size: fc.integer({ min: 1, max: 50 }) }),
);

t.test('any sequence of faults shorter than the attempts leads to the same result', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const expected = {
      completions: summaryOf(await open({ api: 'completions' }).complete(prompt, options)),
      chat: summaryOf(await open({ api: 'chat' }).complete(prompt, options)),
    };
    const faults = fc.array(anyFault, { maxLength: 4 });
    const property = fc.asyncProperty(
      fc.constantFrom('completions', 'chat'),
      faults,
      async (api, list) => {
        proxy.faults.splice(0, Infinity, ...list);
        const lm = open({ api, timeout: 600, retries: 9 });
        const found = summaryOf(await lm.complete(prompt, options));
        await lm.close();
        return JSON.stringify(found) === JSON.stringify(expected[api]);
      },
    );
    await fc.assert(property, { numRuns: 60 });
    t.pass('60 sequences');
  }),
);
