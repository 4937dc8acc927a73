// What a server supports: probed once, with few requests, and again after a failure.

import t from 'tap';
import type { SettledChoice } from '../../lib/choose/choose-group.js';
import { RemoteError } from '../../lib/common/errors.js';
import { RemoteChooser } from '../../lib/openai/choose/choose.js';
import type { RemoteChoice } from '../../lib/openai/choose/choose-result.js';
import type { Api, ApiResponse, ChatBody, CompletionsBody } from '../../lib/openai/http/api.js';
import { at } from '../suite/oracle.js';
import { DiceLM } from '../support/dice-lm.js';
import { engineOver } from './fetch-api.js';
import { engineOf, LMApi, type LMApiOptions } from './lm-api.js';

const textOf = (token: number): string => 'abcde'[token] ?? '';
const serverOptions = (more: Partial<LMApiOptions> = {}): LMApiOptions => {
  return { lm: new DiceLM(4), maxTop: 6, naming: 'ids', textOf, ...more };
};

/** A server whose first requests fail. */
class LateApi extends LMApi implements Api {
  failures: number;
  readonly #status: number | undefined;

  constructor(failures: number, status?: number) {
    super(serverOptions());
    this.failures = failures;
    this.#status = status;
  }

  override async completions(
    body: CompletionsBody,
    signal: AbortSignal | undefined,
  ): Promise<ApiResponse> {
    if (this.failures-- > 0) throw new RemoteError('Not now', { status: this.#status });
    return super.completions(body, signal);
  }
}

const chooserOf = (api: Api): RemoteChooser =>
  new RemoteChooser({ ...engineOf(serverOptions()), api });

t.test('a failed probe is repeated, a successful one is cached', async (t) => {
  for (const status of [undefined, 401, 429, 503]) {
    const api = new LateApi(1, status);
    const chooser = chooserOf(api);
    await t.rejects(chooser.probe(), { code: 'REMOTE', status });
    const features = await chooser.probe();
    t.equal(features.topLogprobs, 5, 'one of the numbers that are tried');
    const requests = api.bodies.length;
    const [choice] = await Promise.all([chooser.choose('a', ['b']), chooser.probe()]);
    t.equal(choice.strategy, 'logprobs');
    t.equal(api.bodies.length, requests + 1, 'the choice alone');
  }
});

t.test('concurrent calls share one probe, also if it fails', async (t) => {
  const api = new LateApi(0);
  const chooser = chooserOf(api);
  const alone = chooserOf(new LateApi(0));
  await alone.probe();
  await Promise.all([chooser.probe(), chooser.probe(), chooser.probe()]);
  const once = new LateApi(0);
  await chooserOf(once).probe();
  t.equal(api.bodies.length, once.bodies.length);
  const failing = chooserOf(new LateApi(1, 503));
  const calls = await Promise.allSettled([failing.probe(), failing.choose('a', ['b', 'c'])]);
  t.same(
    calls.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
});

t.test('aborting one caller does not affect others', async (t) => {
  const chooser = chooserOf(new LateApi(0));
  const controller = new AbortController();
  const aborted = chooser.probe({ signal: controller.signal });
  const other = chooser.choose('a', ['b', 'c']);
  controller.abort(new Error('enough'));
  await t.rejects(aborted, { message: 'enough' });
  t.equal((await other).numbers, 'exact');
  await t.rejects(chooser.probe({ signal: AbortSignal.abort(new Error('before')) }), {
    message: 'before',
  });
  await t.rejects(chooser.choose('a', ['b'], { signal: AbortSignal.abort(new Error('no')) }), {
    message: 'no',
  });
});

t.test("the server's features determine the strategy", async (t) => {
  const cases: [Partial<LMApiOptions>, string, object][] = [
    [{}, 'logprobs', { topLogprobs: 5, tokenNames: 'ids', logitBias: true, echo: false }],
    [{ naming: 'texts' }, 'logprobs', { tokenNames: 'texts', tokenIds: false }],
    [{ maxTop: 2 }, 'logprobs', { topLogprobs: 1 }],
    [{ maxTop: 0 }, 'bias', { topLogprobs: 0, logitBias: true }],
    [{ biases: false }, 'logprobs', { logitBias: false, rawLogprobs: false }],
  ];
  for (const [overrides, strategy, expected] of cases) {
    const chooser = new RemoteChooser(engineOf(serverOptions(overrides)));
    t.match(await chooser.probe(), { completions: true, promptLists: true, ...expected });
    t.equal((await chooser.choose('a', ['bc', 'bd', 'c'])).strategy, strategy);
  }
  const limited = new RemoteChooser(
    engineOf(serverOptions({ maxTop: 4 }), { topLogprobsLimit: 3 }),
  );
  t.equal((await limited.probe()).topLogprobs, 3);
});

t.test('without any usable endpoint, the server’s own error is reported', async (t) => {
  const chooser = new RemoteChooser(engineOf(serverOptions({ chats: true })));
  await t.rejects(chooser.probe(), { code: 'REMOTE', status: 404 });
  await t.rejects(chooser.choose('a', ['b', 'c']), { code: 'REMOTE', status: 404 });
});

t.test('without a server there is an error', async (t) => {
  const chooser = new RemoteChooser(engineOver('http://127.0.0.1:9'));
  await t.rejects(chooser.probe(), { code: 'REMOTE' });
  await t.rejects(chooser.choose('a', ['b', 'c']), { code: 'REMOTE' });
});

/** A server that responds with something other than requested. */
class OddApi extends LMApi {
  odd = false;
  readonly #change: (response: ApiResponse) => ApiResponse;

  constructor(change: (response: ApiResponse) => ApiResponse) {
    super(serverOptions());
    this.#change = change;
  }

  override async completions(
    body: CompletionsBody,
    signal: AbortSignal | undefined,
  ): Promise<ApiResponse> {
    const response = await super.completions(body, signal);
    return this.odd ? this.#change(response) : response;
  }

  override async chat(_body?: ChatBody): Promise<ApiResponse> {
    throw new RemoteError('No chats', { status: 404 });
  }
}

t.test('a wrong number of results, or no matching candidate, is an error', async (t) => {
  const choices = ['ab', 'cd', 'ac', 'ce'];
  const few = new OddApi(({ results, usage }) => ({ results: results.slice(1), usage }));
  const many = new OddApi(({ results, usage }) => ({ results: [...results, ...results], usage }));
  const other = new OddApi(({ results, usage }) => {
    const strange = { text: 'zzz', logprobs: undefined };
    return { results: results.map((result) => ({ ...result, ...strange })), usage };
  });
  const silent = new OddApi(({ results, usage }) => {
    return { results: results.map((result) => ({ ...result, logprobs: undefined })), usage };
  });
  for (const [api, strategy] of [
    [few, 'logprobs'],
    [many, 'logprobs'],
    [few, 'bias'],
    [other, 'bias'],
  ] as const) {
    const chooser = chooserOf(api);
    api.odd = false;
    await chooser.probe();
    api.odd = true;
    await t.rejects(chooser.choose('a', choices, { strategy }), { code: 'REMOTE' });
  }
  const chooser = chooserOf(silent);
  await chooser.probe();
  silent.odd = true;
  const dark = await chooser.choose('a', choices);
  t.equal(dark.numbers, 'bounded', 'missing values claim nothing');
  t.ok(dark.choices.every(({ interval }) => `${interval}` === '0,1'));
});

t.test('many tasks settle in order, whatever their outcomes', async (t) => {
  const lm = new DiceLM(4);
  const chooser = chooserOf(new LMApi(serverOptions()));
  const tasks = Array.from({ length: 11 }, (_, index) => {
    return { prompt: 'abc'[index % 3] as string, choices: ['ab', 'cd', 'e'] };
  });
  const bad = [...tasks.slice(0, 5), { prompt: 'a', choices: [] }, ...tasks.slice(5)];
  const outcomes: SettledChoice<RemoteChoice>[] = [];
  for await (const outcome of chooser.chooseMany(bad).settled()) outcomes.push(outcome);
  t.same(
    outcomes.map(({ index }) => index),
    bad.map((_, index) => index),
  );
  for (const outcome of outcomes) {
    const { prompt, choices } = at(bad, outcome.index);
    if (outcome.status === 'rejected') t.type(outcome.reason, RangeError);
    else {
      const { text, logprob } = await lm.choose(prompt, choices);
      t.same([outcome.value.text, outcome.value.logprob], [text, logprob]);
      t.equal(outcome.value.strategy, 'logprobs');
    }
  }
  t.equal(outcomes.filter(({ status }) => status === 'rejected').length, 1);

  const controller = new AbortController();
  const stream = chooser.chooseMany(tasks, { signal: controller.signal, strategy: 'bias' });
  let count = 0;
  const read = async (): Promise<void> => {
    for await (const { numbers } of stream) {
      t.equal(numbers, 'none');
      if (++count === 2) controller.abort(new Error('enough'));
    }
  };
  await t.rejects(read(), { message: 'enough' });
  t.equal(count, 2);

  let isClosed = false;
  async function* endless() {
    try {
      for (;;) yield { prompt: 'a', choices: ['b', 'c'] };
    } finally {
      isClosed = true;
    }
  }
  for await (const choice of chooser.chooseMany(endless())) {
    t.equal(choice.numbers, 'exact');
    break;
  }
  t.ok(isClosed);
  t.throws(() => chooser.chooseMany(tasks, { strategy: 'none' as 'bias' }), TypeError);
  t.throws(() => chooser.chooseMany(7 as unknown as []), TypeError);
});

t.test('a settled task does not wait for the next one to arrive', async (t) => {
  const chooser = chooserOf(new LMApi(serverOptions()));
  let release: (() => void) | undefined;
  const later = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* slow() {
    yield { prompt: 'a', choices: ['b', 'c'] };
    await later;
    yield { prompt: 'b', choices: ['b', 'c'] };
  }
  const texts: string[] = [];
  for await (const { text } of chooser.chooseMany(slow())) {
    texts.push(text);
    release?.();
  }
  t.equal(texts.length, 2);
});
