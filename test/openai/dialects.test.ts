// Responses in the formats of servers that cannot run here: OpenAI's completions and chats, vLLM's,
// and those of reasoning models. Each is spelled out as its server sends it.

import type { RemoteError } from 'autocog-lm';
import { OpenAI, type OpenAIOptions } from 'autocog-lm/openai';
import t from 'tap';
import { failure } from '../support/failures.js';
import { FaultProxy, type SeenRequest } from './fault-proxy.js';

interface Fixture {
  proxy: FaultProxy;
  /** Sets the chunks with which to respond to the next generation requests. */
  answer(...chunks: object[]): void;
  open(options?: Partial<OpenAIOptions>): OpenAI;
}

/** A server that only sends canned responses and has no tokenizer. */
async function withResponses(use: (fixture: Fixture) => Promise<void>): Promise<void> {
  await using proxy = await FaultProxy.start('http://127.0.0.1:1');
  const opened: OpenAI[] = [];
  proxy.rule = () => ({ kind: 'respond', status: 404 });
  await use({
    proxy,
    answer: (...chunks) => {
      const events = [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'];
      const body = events.map((data) => `data: ${data}\n\n`).join('');
      const headers = { 'content-type': 'text/event-stream' };
      proxy.rule = ({ path }: SeenRequest) =>
        path.endsWith('completions')
          ? { kind: 'respond', status: 200, headers, body }
          : { kind: 'respond', status: 404 };
    },
    open: (options = {}) => {
      const settings = { model: 'any', baseURL: proxy.baseURL, delta: 0, retries: 2 };
      const lm = new OpenAI({ ...settings, ...options });
      opened.push(lm);
      return lm;
    },
  });
  await Promise.all(opened.map((lm) => lm.close()));
}

const usage = {
  prompt_tokens: 7,
  completion_tokens: 3,
  prompt_tokens_details: { cached_tokens: 2 },
};
const encoding = 'cl100k_base';

t.test("OpenAI's completions identify tokens by text", (t) =>
  withResponses(async ({ answer, open }) => {
    const chunk = (text: string, tokens: string[], finish_reason: string | null = null) => {
      const top_logprobs = tokens.map((token) => ({ ' never': -3, [token]: -0.25 }));
      const token_logprobs = tokens.map(() => -0.25);
      const logprobs = { tokens, token_logprobs, top_logprobs, text_offset: tokens.map(() => 0) };
      return { choices: [{ text, index: 0, logprobs, finish_reason }] };
    };
    const rest = { choices: [], usage };
    const lm = open({ encoding, api: 'completions' });
    answer(chunk(' blue', [' blue']), chunk(' and green', [' and', ' green'], 'stop'), rest);
    const found = await lm.complete('The sky is', { topLogprobs: 1 });
    const tokens = await lm.tokenize(' blue and green');
    t.match(found, { text: ' blue and green', stopReason: 'eog', tokens, logprob: -0.75 });
    t.same(
      found.alternatives?.map(([best]) => best?.text),
      [' blue', ' and', ' green'],
    );
    t.same(
      found.alternatives?.map((row) => row.length),
      [1, 1, 1],
    );
    t.match(found.usage, { promptTokens: 7, cachedTokens: 2, decodedTokens: 8, decodeCalls: 1 });
    const [, and = -1] = tokens;
    t.match(await lm.complete('The sky is', { stop: and }), { text: ' blue', stop: and });
    t.match(await lm.complete('The sky is', { stop: 'd g' }), { text: ' blue an', tokens });
    const bytes = Buffer.from('漢').toString('hex').replace(/../g, '\\x$&');
    answer(chunk('漢', [`bytes:${bytes}`], 'length'), rest);
    const whole = await lm.complete('x', { maxTokens: 3 });
    t.match(whole, { text: '漢', stopReason: 'length' });
    t.same(whole.tokens, Int32Array.of(-1), 'bytes that no single token has');
  }),
);

t.test('characters of several tokens in a chat', (t) =>
  withResponses(async ({ answer, open }) => {
    const lm = open({ encoding, api: 'chat' });
    const tokens = [...(await lm.tokenize('a😀!'))];
    const pieces = [[0x61], [0xf0, 0x9f, 0x98], [0x80], [0x21]];
    t.equal(tokens.length, pieces.length);
    const chunk = (content: string, bytes: number[][], finish_reason: string | null = null) => {
      const entries = bytes.map((each) => ({
        token: Buffer.from(each).toString(),
        bytes: each,
        logprob: -0.5,
        top_logprobs: [],
      }));
      return {
        choices: [{ delta: { content }, index: 0, logprobs: { content: entries }, finish_reason }],
      };
    };
    const [a = [], head = [], tail = [], end = []] = pieces;
    for (const chunks of [
      [chunk('a', [a]), chunk('', [head]), chunk('😀', [tail]), chunk('!', [end], 'stop')],
      [chunk('a😀!', pieces), { choices: [{ delta: {}, index: 0, finish_reason: 'stop' }] }],
    ]) {
      answer({ choices: [{ delta: { role: 'assistant', content: '' }, index: 0 }] }, ...chunks);
      const found = await lm.complete('x');
      t.match(found, { text: 'a😀!', tokens: Int32Array.from(tokens), logprob: -2 });
    }
    answer(chunk('a', [a]), chunk('', [head], 'stop'));
    t.same(
      (await lm.complete('x')).tokens,
      Int32Array.from(tokens.slice(0, 2)),
      'an unfinished character',
    );
  }),
);

t.test('vLLM reports ids, and the end-of-generation token', (t) =>
  withResponses(async ({ answer, open, proxy }) => {
    const chunk = (text: string, id: number, finish_reason: string | null = null) => {
      const token = `token_id:${id}`;
      const logprobs = { tokens: [token], token_logprobs: [-1], top_logprobs: [{ [token]: -1 }] };
      return { choices: [{ text, index: 0, logprobs, finish_reason }] };
    };
    const lm = open({ api: 'completions', extraBody: { return_tokens_as_token_ids: true } });
    answer(chunk(' blue', 5), chunk('.', 6), chunk('', 2, 'stop'));
    const found = await lm.complete('x');
    t.match(found, { text: ' blue.', tokens: Int32Array.of(5, 6), stopReason: 'eog', logprob: -2 });
    t.equal(proxy.seen.at(-1)?.body.return_tokens_as_token_ids, true);
    const ends = open({ api: 'completions', endOfGeneration: [6] });
    t.match(await ends.complete('x'), {
      text: ' blue',
      tokens: Int32Array.of(5),
      stopReason: 'eog',
    });
    answer(chunk(' blue', 5), chunk(' blue', 5), chunk(' blue', 5), chunk(' blue', 5));
    const cut = await lm.complete('x', { maxTokens: 2 });
    t.match(cut, { text: ' blue blue', stopReason: 'length' }, 'a server that does not count');
  }),
);

t.test("vLLM's own tokenizer", (t) =>
  withResponses(async ({ proxy, open }) => {
    proxy.rule = ({ path, body }) => {
      const json = (value: object, status = 200) => ({
        kind: 'respond' as const,
        status,
        body: JSON.stringify(value),
      });
      if (path === '/detokenize')
        return json({ prompt: Buffer.from(body.tokens as number[]).toString() });
      if (typeof body.prompt !== 'string') return json({ error: { message: 'no prompt' } }, 400);
      const tokens = [...(body.add_special_tokens ? [1] : []), ...Buffer.from(body.prompt)];
      return json({ tokens, count: tokens.length, max_model_len: 99, token_strs: null });
    };
    const lm = open();
    t.same(await lm.tokenize('hé'), Int32Array.from(Buffer.from('hé')));
    t.equal(await lm.countTokens('ab'), 3);
    t.equal(lm.contextSize, 99);
    t.equal(await lm.detokenize(Int32Array.of(104, 105)), 'hi');
    for (const call of [
      lm.tokenize('x', { parseSpecial: false }),
      lm.detokenize(Int32Array.of(1), { special: false }),
    ]) {
      t.match(await failure(call), { code: 'NOT_SUPPORTED' }, 'it always parses them');
    }
    proxy.rule = () => ({ kind: 'respond', status: 200, body: '{"tokens":["a"]}' });
    t.match(await failure(lm.tokenize('x')), { code: 'REMOTE', message: /cannot be parsed/ });
    t.match(await failure(lm.detokenize(Int32Array.of(1))), { code: 'REMOTE' });
  }),
);

t.test('an HTML page is not a tokenizer', (t) =>
  withResponses(async ({ proxy, answer, open }) => {
    answer({ choices: [{ text: 'x', index: 0, finish_reason: 'stop' }] });
    const { rule } = proxy;
    const headers = { 'content-type': 'text/html' };
    const page = { kind: 'respond', status: 200, headers, body: '<html>' } as const;
    proxy.rule = (seen) => (seen.path === '/tokenize' ? page : rule(seen));
    const lm = open();
    t.match(await lm.complete('x'), { text: 'x' });
    t.equal(
      proxy.seen.filter(({ path }) => path === '/tokenize').length,
      1,
      'requested once, without retries',
    );
  }),
);

t.test('reasoning is not part of the completion', (t) =>
  withResponses(async ({ answer, open }) => {
    const entry = (token: string) => ({
      content: [{ token, logprob: -1, bytes: [...Buffer.from(token)], top_logprobs: [] }],
    });
    answer(
      { choices: [{ delta: { role: 'assistant', content: null }, index: 0 }] },
      { choices: [{ delta: { reasoning_content: 'Hm' }, logprobs: entry('Hm'), index: 0 }] },
      { choices: [{ delta: { reasoning: 'Hm' }, logprobs: entry('Hm'), index: 0 }] },
      {
        choices: [
          {
            delta: { content: ' blue' },
            logprobs: entry(' blue'),
            index: 0,
            finish_reason: 'stop',
          },
        ],
      },
      { choices: [], usage: { ...usage, completion_tokens: 30 } },
    );
    const lm = open({ encoding, api: 'chat' });
    const found = await lm.complete('x');
    t.match(found, {
      text: ' blue',
      tokens: await lm.tokenize(' blue'),
      usage: { decodedTokens: 35 },
    });
  }),
);

t.test('a server that reports no tokens, without a tokenizer', (t) =>
  withResponses(async ({ answer, open }) => {
    answer(
      { choices: [{ delta: { content: 'bl' }, index: 0 }] },
      { choices: [{ delta: { content: 'ue' }, index: 0, finish_reason: 'stop' }] },
    );
    const lm = open({ api: 'chat' });
    t.match(await lm.complete('x'), { text: 'blue', tokens: new Int32Array(0), stopReason: 'eog' });
    t.match(await lm.complete('x', { stop: 'lu' }), { text: 'b', stop: 'lu' });
    for (const options of [{ topLogprobs: 1 }, { stop: 3 }]) {
      t.match(await failure(lm.complete('x', options)), { code: 'NOT_SUPPORTED' });
    }
    t.match(
      await failure(lm.complete(Int32Array.of(1))),
      { code: 'NOT_SUPPORTED' },
      'a chat needs text',
    );
    answer({ choices: [{ delta: { content: 'blue' }, index: 0 }] });
    t.match(
      await lm.complete('x'),
      { text: 'blue', stopReason: 'eog' },
      'an end without a finish reason',
    );
    answer({ error: { message: 'The model is overloaded' } });
    t.match(await failure(lm.complete('x')), { code: 'REMOTE', message: /2 attempts.*overloaded/ });
    const entry = {
      content: [{ token: 'blue', logprob: -1, top_logprobs: [{ token: 'red', logprob: -2 }] }],
    };
    answer({
      choices: [{ delta: { content: 'blue' }, index: 0, logprobs: entry, finish_reason: 'stop' }],
    });
    const reported = await lm.complete('x', { topLogprobs: 1 });
    t.match(reported, { tokens: Int32Array.of(-1), alternatives: [[{ token: -1, text: 'red' }]] });
    t.match(await failure(lm.complete('x', { stop: 3 })), { code: 'NOT_SUPPORTED' });
  }),
);

t.test('a finish reason before the end does not end a completion', (t) =>
  withResponses(async ({ answer, open }) => {
    const lm = open({ api: 'chat' });
    const chunk = (content: string, finish_reason: string | null) => {
      return { choices: [{ delta: { content }, index: 0, finish_reason }] };
    };
    for (const word of ['', 'none', 'null', 'in_progress']) {
      answer(chunk('bl', word), chunk('u', word), chunk('e', 'stop'));
      t.match(await lm.complete('x'), { text: 'blue', stopReason: 'eog' }, JSON.stringify(word));
    }
    answer(chunk('bl', ''), chunk('ue', ''));
    t.match(await lm.complete('x'), { text: 'blue', stopReason: 'eog' }, 'an empty one at the end');
    answer(chunk('bl', null), chunk('ue', 'content_filter'));
    const failed = await failure(lm.complete('x'));
    t.match(failed, { code: 'REMOTE', message: /unknown finish reason: content_filter/ });
    t.equal((failed as RemoteError).completion?.text, 'blue', 'what came is not lost');
  }),
);

t.test('every request has the headers and the key', (t) =>
  withResponses(async ({ proxy, answer, open }) => {
    answer({ choices: [{ text: 'x', index: 0, finish_reason: 'stop' }] });
    const lm = open({ apiKey: 'mine', headers: { 'x-title': 'test' } });
    await lm.complete('x');
    t.ok(proxy.seen.length >= 2, 'including tokenizer requests');
    for (const { headers } of proxy.seen) {
      t.match(headers, { authorization: 'Bearer mine', 'x-title': 'test' });
    }
    const { OPENAI_API_KEY } = process.env;
    delete process.env.OPENAI_API_KEY;
    await open().complete('x');
    if (OPENAI_API_KEY !== undefined) process.env.OPENAI_API_KEY = OPENAI_API_KEY;
    t.equal(proxy.seen.at(-1)?.headers.authorization, undefined, 'no key, no header');
  }),
);
