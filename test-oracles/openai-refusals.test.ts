// The class OpenAI with servers that refuse requests, lack features, or respond in unusual ways.

import t from 'tap';
import type { Fault } from '../test/openai/fault-proxy.js';
import { failure } from '../test/support/failures.js';
import { options, prompt, withProxy } from './support/proxied.js';

t.test('refusals are not retried', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    for (const status of [400, 401, 402, 403, 404, 405, 413, 422]) {
      const lm = open({ api: 'chat' });
      const before = proxy.seen.length;
      proxy.rule = () => ({
        kind: 'respond',
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
    const overrides = [
      [500, 'false', 1],
      [404, 'true', 2],
    ] as const;
    for (const [status, shouldRetry, count] of overrides) {
      const before = proxy.seen.length;
      proxy.rule = () => ({ kind: 'respond', status, headers: { 'x-should-retry': shouldRetry } });
      await failure(open({ api: 'chat', retries: 2 }).complete(prompt));
      t.equal(proxy.seen.length, before + count, 'the server can override it');
    }
  }),
);

const refusal = (fields: object): Fault => {
  return { kind: 'respond', status: 400, body: JSON.stringify({ error: fields }) };
};

t.test('unsupported fields are omitted from then on', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const expected = await open().complete(prompt, { maxTokens: 8 });
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
      t.equal(found.text, expected.text, field);
      const sent = proxy.seen.slice(before).filter(({ path }) => path.endsWith('completions'));
      t.equal(sent.length, 2);
      t.notOk(field in (sent[1]?.body ?? {}));
      t.match(sent[1]?.body, instead);
      await lm.complete(prompt, { maxTokens: 8 });
      t.equal(
        proxy.seen.filter(({ path }) => path.endsWith('completions')).slice(-1)[0]?.body[field],
        undefined,
      );
      const requests = proxy.seen.slice(before).filter(({ path }) => path.endsWith('completions'));
      t.equal(requests.length, 3, 'learned once');
      if (field === 'logprobs') {
        t.same(found.tokens, expected.tokens, 'the tokens are those of the text');
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

t.test('the supported API is detected once', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const expected = await open({ api: 'chat' }).complete(prompt, options);
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
        path === '/v1/completions' ? { kind: 'respond', status, body } : undefined;
      t.equal((await lm.complete(prompt, options)).text, expected.text);
      const before = proxy.seen.length;
      t.equal((await lm.complete(prompt, options)).text, expected.text);
      t.equal(proxy.seen.length, before + 1);
    }
    proxy.rule = () => ({
      kind: 'respond',
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
    t.ok((await lost.complete(prompt)).text, 'the failure was not remembered');
    proxy.rule = () => ({ kind: 'respond', status: 404 });
    t.match(await failure(open().tokenize('x')), {
      code: 'NOT_SUPPORTED',
      message: /option encoding/,
    });
    t.match(await failure(open({ tokenizer: 'server' }).tokenize('x')), { code: 'NOT_SUPPORTED' });
  }),
);

t.test("context overflows are recognized in every server's format", (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const errors = [
      { message: 'too long', code: 'context_length_exceeded' },
      { message: 'too long', type: 'exceed_context_size_error', code: 400 },
      {
        message:
          "This model's maximum context length is 512 tokens. However, you requested 600 tokens",
      },
    ];
    for (const error of errors) {
      proxy.rule = ({ path }) => (path.endsWith('completions') ? refusal(error) : undefined);
      t.match(await failure(open({ api: 'chat' }).complete(prompt)), {
        name: 'ContextOverflowError',
        code: 'CONTEXT_OVERFLOW',
        cause: { status: 400 },
      });
    }
  }),
);

t.test('servers that do not stream, and unusual finish reasons', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const answer = (choice: object): void => {
      const body = JSON.stringify({
        choices: [{ index: 0, ...choice }],
        usage: { prompt_tokens: 3, completion_tokens: 2 },
      });
      proxy.rule = ({ path }) =>
        path.endsWith('completions') ? { kind: 'respond', status: 200, body } : undefined;
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
