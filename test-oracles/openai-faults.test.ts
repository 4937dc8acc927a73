// What the class OpenAI makes of a network and a server that fail in every way: nothing hangs,
// retries end, and an answer is the one that an unspoiled server gives, or a clear error.

import { type Completion, type CompletionChunk, defaultModelPath } from 'autocog-lm';
import { OpenAI, type OpenAIOptions } from 'autocog-lm/openai';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { failure } from '../test/support/failures.js';
import { type Fault, FaultProxy } from '../test/support/fault-proxy.js';
import { Server } from './support/server.js';

const prompt = 'Question: what colour is grass?\nAnswer:';
const options = { maxTokens: 12, topLogprobs: 2 };

interface Scene {
  proxy: FaultProxy;
  open(options?: Partial<OpenAIOptions>): OpenAI;
}

/** LMs of a real server, with the proxy between. Silence ends soon. */
async function withProxy(t: Test, use: (scene: Scene) => Promise<void>): Promise<void> {
  await using server = await Server.start(defaultModelPath, 512);
  await using proxy = await FaultProxy.start(server.address);
  const opened: OpenAI[] = [];
  const open = (more: Partial<OpenAIOptions> = {}): OpenAI => {
    const lm = new OpenAI({
      ...{ model: 'any', baseURL: proxy.baseURL, delta: 0, timeout: 3000 },
      ...more,
      // What is cached was computed in other batches, and its last digits differ.
      extraBody: { cache_prompt: false, ...more.extraBody },
    });
    opened.push(lm);
    return lm;
  };
  await use({ proxy, open });
  await Promise.all(opened.map((lm) => lm.close()));
  // None is kept but those that serve again.
  await proxy.until(async () => (await proxy.connections()) <= 8);
  t.ok(true, 'no connection is left hanging');
}

/** What of a completion does not depend on time. */
const gist = ({ text, tokens, logprobs, alternatives, stopReason, stop }: Completion) => {
  const rounded = [...logprobs].map((logprob) => logprob.toFixed(3));
  const rows = alternatives?.map((row) => row.map(({ token, text: said }) => [token, said]));
  return { text, tokens: [...tokens], rounded, rows, stopReason, stop };
};

const busy: Fault = { kind: 'answer', status: 429, headers: { 'retry-after': '0' } };

/** What may be better the next time. */
const passing: Fault[] = [
  busy,
  { kind: 'answer', status: 408 },
  { kind: 'answer', status: 409 },
  { kind: 'answer', status: 500, body: 'no JSON' },
  { kind: 'answer', status: 503, headers: { 'retry-after-ms': '1' } },
  { kind: 'answer', status: 502, body: '' },
  { kind: 'answer', status: 200, body: '{"error":{"message":"overloaded","code":503}}' },
  { kind: 'answer', status: 200, body: '<html>' },
  { kind: 'answer', status: 200, body: '' },
  { kind: 'answer', status: 200, body: 'null' },
  { kind: 'drop' },
  { kind: 'truncate', part: 0, clean: true },
  { kind: 'truncate', part: 0, clean: false },
  { kind: 'truncate', part: 0.5, clean: true },
  { kind: 'truncate', part: 0.5, clean: false },
  { kind: 'garble', part: 0.3 },
  { kind: 'stall', part: -1 },
  { kind: 'stall', part: 0 },
  { kind: 'stall', part: 0.7 },
];

t.test('what fails once is tried again, to the same end', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    for (const api of ['completions', 'chat'] as const) {
      const patient = open({ api });
      const wanted = gist(await patient.complete(prompt, options));
      for (const fault of passing) {
        // A busy machine may be silent for longer, and then there is one request more.
        const isStall = fault.kind === 'stall';
        const lm = isStall ? open({ api, timeout: 500, retries: 9 }) : patient;
        const before = proxy.seen.length;
        proxy.rule = ({ path }) =>
          path.endsWith('completions') ? proxy.faults.shift() : { kind: 'none' };
        proxy.faults.push(fault);
        t.same(gist(await lm.complete(prompt, options)), wanted, JSON.stringify(fault));
        const asked = proxy.seen.slice(before).filter(({ path }) => path.endsWith('completions'));
        t.ok(isStall ? asked.length >= 2 : asked.length === 2);
        t.same(asked[1]?.body, asked[0]?.body);
      }
      for (const fault of passing) {
        const lm = fault.kind === 'stall' ? open({ api, timeout: 500, retries: 9 }) : patient;
        proxy.rule = () => undefined;
        proxy.faults.push(fault);
        t.equal(await lm.detokenize(await lm.tokenize(prompt)), prompt, JSON.stringify(fault));
      }
    }
  }),
);

t.test('retries end, with the status and the name of the last request', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    for (const fault of passing) {
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
      if (fault.kind !== 'answer') continue;
      t.match(error, { requestId: `request-${proxy.seen.length}` });
      if (fault.status !== 200) t.match(error, { status: fault.status });
    }
  }),
);

t.test('a refusal is no matter of trying again', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    for (const status of [400, 401, 402, 403, 404, 405, 413, 422]) {
      const lm = open({ api: 'chat' });
      const before = proxy.seen.length;
      proxy.rule = () => ({
        kind: 'answer',
        status,
        body: '{"error":{"message":"because","code":"it_is_so"}}',
      });
      const error = await failure(lm.complete(prompt));
      const requestId = `request-${proxy.seen.length}`;
      t.match(error, {
        name: 'RemoteError',
        status,
        requestId,
        message: /because/,
        cause: { code: 'it_is_so' },
      });
      t.equal(proxy.seen.length, before + 1);
    }
    const wishes = [
      [500, 'false', 1],
      [404, 'true', 2],
    ] as const;
    for (const [status, wish, count] of wishes) {
      const before = proxy.seen.length;
      proxy.rule = () => ({ kind: 'answer', status, headers: { 'x-should-retry': wish } });
      await failure(open({ api: 'chat', retries: 2 }).complete(prompt));
      t.equal(proxy.seen.length, before + count, 'a server may say so itself');
    }
  }),
);

t.test('a server says itself how long to wait', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    // By itself it would wait for a minute, and this test not end in time.
    const lm = open({ delta: 60_000, tokenizer: 'tiktoken', encoding: 'gpt2' });
    const date = new Date(Date.now() - 5000).toUTCString();
    const wishes: Record<string, string>[] = [
      { 'retry-after': '0' },
      { 'retry-after-ms': '2' },
      { 'retry-after': date },
    ];
    for (const headers of wishes) {
      proxy.faults.push({ kind: 'answer', status: 429, headers });
      t.equal((await lm.complete(prompt, { maxTokens: 2 })).tokens.length, 2);
    }
  }),
);

t.test('every way of cutting an answer into packets is the same', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const grammar = 'root ::= "hé 漢字 😀😀!"';
    for (const more of [{}, { api: 'chat' as const }, { extraBody: { grammar } }]) {
      const lm = open(more);
      const wanted = gist(await lm.complete(prompt, options));
      for (const size of [1, 2, 3, 7, 64]) {
        proxy.faults.length = 0;
        proxy.rule = () => ({ kind: 'split', size });
        t.same(gist(await lm.complete(prompt, options)), wanted, `${size} bytes`);
      }
      proxy.rule = () => undefined;
    }
  }),
);

t.test('an answer may take longer than silence may', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const lm = open({ timeout: 800, retries: 1 });
    const wanted = await lm.complete(prompt, { maxTokens: 2 });
    proxy.rule = ({ path }) =>
      path.endsWith('completions') ? { kind: 'slow', pause: 1 } : undefined;
    const start = performance.now();
    t.equal((await lm.complete(prompt, { maxTokens: 2 })).text, wanted.text);
    t.ok(performance.now() - start > 800, 'all in all it took longer');
  }),
);

t.test('what a reader has seen is not written again', (t) =>
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

t.test('aborts and close end a call wherever it is', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const waits: Fault[] = [
      { kind: 'stall', part: -1 },
      { kind: 'stall', part: 0 },
      { kind: 'stall', part: 0.5 },
      { kind: 'slow', pause: 5 },
      { kind: 'answer', status: 503, headers: { 'retry-after': '50' } },
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
      if (fault.kind !== 'answer') await proxy.until(() => proxy.abandoned >= abandoned + 4);
      proxy.rule = () => undefined;
      t.ok((await ended[0].complete(prompt)).text, 'the other goes on');
    }
  }),
);

t.test('a stop ends the request, too', (t) =>
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

const refusal = (fields: object): Fault => {
  return { kind: 'answer', status: 400, body: JSON.stringify({ error: fields }) };
};

t.test('what a server does not take is left out, and that remembered', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const wanted = await open().complete(prompt, { maxTokens: 8 });
    const api = { api: 'completions' } as const;
    const fussy = (field: string, error: object) => {
      proxy.rule = ({ path, body }) =>
        path.endsWith('completions') && field in body ? refusal(error) : undefined;
    };
    const cases: [string, object, object][] = [
      [
        'max_tokens',
        {
          message:
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
          code: 'unsupported_parameter',
          param: 'max_tokens',
        },
        { max_completion_tokens: 8 },
      ],
      ['stream_options', { message: 'Unknown field: stream_options' }, {}],
      [
        'temperature',
        {
          message: 'Only the default (1) value is supported.',
          param: 'temperature',
          code: 'unsupported_value',
        },
        {},
      ],
      ['logprobs', { message: 'logprobs are not available', param: 'logprobs' }, {}],
    ];
    for (const [field, error, instead] of cases) {
      const lm = open({ ...api, extraBody: { top_k: 1 } });
      await lm.tokenize('x');
      fussy(field, error);
      const before = proxy.seen.length;
      const found = await lm.complete(prompt, { maxTokens: 8 });
      t.equal(found.text, wanted.text, field);
      const sent = proxy.seen.slice(before).filter(({ path }) => path.endsWith('completions'));
      t.equal(sent.length, 2);
      t.notOk(field in (sent[1]?.body ?? {}));
      t.match(sent[1]?.body, instead);
      await lm.complete(prompt, { maxTokens: 8 });
      t.equal(
        proxy.seen.filter(({ path }) => path.endsWith('completions')).slice(-1)[0]?.body[field],
        undefined,
      );
      const asked = proxy.seen.slice(before).filter(({ path }) => path.endsWith('completions'));
      t.equal(asked.length, 3, 'asked once');
      if (field === 'logprobs') {
        t.same(found.tokens, wanted.tokens, 'the tokens are those of the text');
        t.ok(found.logprobs.every(Number.isNaN));
        t.match(await failure(lm.complete(prompt, { topLogprobs: 2 })), { code: 'NOT_SUPPORTED' });
        t.match(await failure(lm.complete(prompt, { stop: 3 })), { code: 'NOT_SUPPORTED' });
        t.equal((await lm.complete(prompt, { stop: 'reen' })).text, ' g', 'stop texts are found');
      }
    }
    fussy('temperature', { message: 'temperature is not supported', param: 'temperature' });
    t.match(await failure(open({ ...api, temperature: 1 }).complete(prompt)), { status: 400 });
    const sampler = { temperature: 0.5 };
    t.match(await failure(open(api).complete(prompt, { sampler })), { status: 400 });
  }),
);

t.test('the API that a model has is found out once', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const wanted = await open({ api: 'chat' }).complete(prompt, options);
    const none = [
      {
        status: 404,
        body: '{"error":{"message":"This is a chat model and not supported in the v1/completions endpoint."}}',
      },
      { status: 405, body: '' },
      { status: 400, body: '{"error":{"message":"Completions are not supported by this model"}}' },
      { status: 501, body: '{"error":{"message":"no"}}' },
    ];
    for (const { status, body } of none) {
      const lm = open({ retries: 1 });
      proxy.rule = ({ path }) =>
        path === '/v1/completions' ? { kind: 'answer', status, body } : undefined;
      t.equal((await lm.complete(prompt, options)).text, wanted.text);
      const before = proxy.seen.length;
      t.equal((await lm.complete(prompt, options)).text, wanted.text);
      t.equal(proxy.seen.length, before + 1);
    }
    proxy.rule = () => ({
      kind: 'answer',
      status: 404,
      body: '{"error":{"message":"no such model","code":"model_not_found"}}',
    });
    const lost = open({ tokenizer: 'tiktoken', encoding: 'gpt2' });
    t.match(await failure(lost.complete(prompt)), {
      name: 'RemoteError',
      status: 404,
      message: /no such model/,
    });
    proxy.rule = () => undefined;
    t.ok((await lost.complete(prompt)).text, 'nothing was learned of that');
    proxy.rule = () => ({ kind: 'answer', status: 404 });
    t.match(await failure(open().tokenize('x')), {
      code: 'NOT_SUPPORTED',
      message: /option encoding/,
    });
    t.match(await failure(open({ tokenizer: 'server' }).tokenize('x')), { code: 'NOT_SUPPORTED' });
  }),
);

t.test('a prompt that is too long is told as such, whoever says it', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const said = [
      { message: 'too long', code: 'context_length_exceeded' },
      { message: 'too long', type: 'exceed_context_size_error', code: 400 },
      {
        message:
          "This model's maximum context length is 512 tokens. However, you requested 600 tokens",
      },
    ];
    for (const error of said) {
      proxy.rule = ({ path }) => (path.endsWith('completions') ? refusal(error) : undefined);
      t.match(await failure(open({ api: 'chat' }).complete(prompt)), {
        name: 'ContextOverflowError',
        code: 'CONTEXT_OVERFLOW',
        cause: { status: 400 },
      });
    }
  }),
);

t.test('servers that do not stream, and texts that end for no usual reason', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const answer = (choice: object): void => {
      const body = JSON.stringify({
        choices: [{ index: 0, ...choice }],
        usage: { prompt_tokens: 3, completion_tokens: 2 },
      });
      proxy.rule = ({ path }) =>
        path.endsWith('completions') ? { kind: 'answer', status: 200, body } : undefined;
    };
    answer({ message: { content: 'blue 😀' }, finish_reason: 'stop' });
    const lm = open({ api: 'chat' });
    t.match(await lm.complete(prompt), {
      text: 'blue 😀',
      stopReason: 'eog',
      usage: { promptTokens: 3 },
    });
    answer({ message: { content: 'bl' }, finish_reason: 'content_filter' });
    const filtered = await failure(lm.complete(prompt));
    t.match(filtered, { code: 'REMOTE', message: /content_filter/, completion: { text: 'bl' } });
    answer({ message: { content: null, refusal: 'I will not' }, finish_reason: 'stop' });
    t.match(await lm.complete(prompt), { text: 'I will not' });
    answer({ message: { content: 'bl' }, finish_reason: 'length' });
    t.match(await lm.complete(prompt, { maxTokens: 2 }), { text: 'bl', stopReason: 'length' });
  }),
);

const part = fc.double({ min: 0, max: 0.95, noNaN: true });
const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constantFrom(...passing.filter(({ kind }) => kind === 'answer' || kind === 'drop')),
  fc.record({ kind: fc.constant('truncate' as const), part, clean: fc.boolean() }),
  fc.record({ kind: fc.constant('garble' as const), part }),
  fc.record({
    kind: fc.constant('stall' as const),
    part: fc.double({ min: -1, max: 0.95, noNaN: true }),
  }),
  fc.record({ kind: fc.constant('split' as const), size: fc.integer({ min: 1, max: 50 }) }),
);

t.test('after any faults that fewer than all attempts meet, nothing is lost', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const wanted = {
      completions: gist(await open({ api: 'completions' }).complete(prompt, options)),
      chat: gist(await open({ api: 'chat' }).complete(prompt, options)),
    };
    const faults = fc.array(anyFault, { maxLength: 4 });
    const property = fc.asyncProperty(
      fc.constantFrom('completions', 'chat'),
      faults,
      async (api, list) => {
        proxy.faults.splice(0, Infinity, ...list);
        const lm = open({ api, timeout: 600, retries: 9 });
        const found = gist(await lm.complete(prompt, options));
        await lm.close();
        return JSON.stringify(found) === JSON.stringify(wanted[api]);
      },
    );
    await fc.assert(property, { numRuns: 60 });
    t.pass('60 sequences');
  }),
);
