// What `decide` of OpenAI cannot express in a format goes by the next way, or is an error; so are
// failures, aborts and invalid arguments.

import { defaultModelPath, Model } from 'autocog-lm';
import type { RemoteDecideOptions } from 'autocog-lm/openai';
import t, { type Test } from 'tap';
import { startServing } from '../serve/serving.js';
import { failure } from '../support/failures.js';
import { oneThread } from '../support/forms.js';
import { openDecider, respond, without } from './deciding.js';
import type { Fault } from './fault-proxy.js';

const model = await Model.load(defaultModelPath);
t.teardown(() => model.close());
const { server } = await startServing(t, model, { alias: 'served' }, oneThread);

const open = (t: Test, rules: Readonly<Record<string, Fault>> = {}, options: object = {}) =>
  openDecider(t, server, rules, options);

t.test('questions beyond a format go by the next way', async (t) => {
  const { lm } = await open(t);
  const many = (count: number) => Array.from({ length: count }, (_, index) => `no. ${index}`);
  const choice = (count: number) => [['q', { type: 'choice', criteria: many(count) }]] as const;
  const score = (count: number) => [['q', { type: 'score', criteria: many(count) }]] as const;
  const yes = many(401).map((name) => [name, { type: 'boolean', instructions: 'So?' }] as const);
  const cases: [Parameters<typeof lm.decide>[1], string, RegExp, ('decisions' | 'systemone')[]][] =
    [
      [
        choice(256),
        'choose',
        /255 options, not the 256 of question "q"/,
        ['decisions', 'systemone'],
      ],
      [score(11), 'choose', /10 levels, not the 11/, ['decisions', 'systemone']],
      [choice(1), 'systemone', /2 to 255 options, not the 1/, ['decisions']],
      [yes, 'systemone', /400 questions, not 401/, ['decisions']],
    ];
  for (const [asked, via, message, limited] of cases) {
    t.equal((await lm.decide('x', asked)).via, via);
    for (const way of limited) {
      const error = await failure(lm.decide('x', asked, { via: way }));
      t.match(error, { code: 'NOT_SUPPORTED', message });
    }
  }
  const found = await lm.decide('x', choice(3), { terminator: '.' });
  t.equal(found.via, 'choose', 'so do options');
  const chats = await open(t, { '/v1/completions': respond(404) });
  const error = await failure(chats.lm.decide('x', score(11)));
  t.match(error, { code: 'NOT_SUPPORTED', message: /10 levels.*no probabilities/ });
});

t.test('an order that JSON would change is refused', async (t) => {
  const { lm } = await open(t, without.decisions);
  const ask = [['q', { type: 'choice', criteria: ['b', '2', '1'] }]] as const;
  const options = { method: 'labels', orders: 1 } as const;
  const error = await failure(lm.decide('x', ask, { ...options, via: 'systemone' }));
  t.match(error, { code: 'NOT_SUPPORTED', message: /orders/ });
  t.equal((await lm.decide('x', ask, { ...options, template: false })).via, 'choose');
});

t.test("the server's errors are passed on, in either form", async (t) => {
  const { lm } = await open(t);
  const long = 'word '.repeat(100_000);
  const ask = { q: { type: 'choice', criteria: ['a', 'b'] } } as const;
  for (const via of ['decisions', 'systemone', 'choose'] as const) {
    t.match(await failure(lm.decide(long, ask, { via })), { code: 'CONTEXT_OVERFLOW' }, via);
  }
  const equal = { q: { type: 'choice', criteria: ['a', ''] } } as const;
  for (const via of ['decisions', 'systemone'] as const) {
    const error = await failure(lm.decide('x', equal, { via, normalize: 'tokens' }));
    t.match(error, { code: 'REMOTE', message: /token/ }, via);
  }
});

t.test('aborts and a closed LM end a decision', async (t) => {
  const ask = { q: { type: 'choice', criteria: ['a', 'b'] } } as const;
  const { lm, proxy } = await open(t);
  await lm.decide('x', ask);
  proxy.rule = () => ({ kind: 'stall', part: -1 });
  for (const via of ['decisions', 'systemone', 'choose'] as const) {
    const reason = new Error('enough');
    const controller = new AbortController();
    const { length } = proxy.seen;
    const pending = failure(lm.decide('y', ask, { via, signal: controller.signal }));
    await proxy.until(() => proxy.seen.length > length);
    controller.abort(reason);
    t.equal(await pending, reason, via);
  }
  const signal = AbortSignal.abort(new Error('before'));
  t.match(await failure(lm.decide('x', ask, { signal })), { message: 'before' });
  await lm.close();
  t.match(await failure(lm.decide('x', ask)), { code: 'CLOSED' });
});

t.test('invalid arguments are rejected without a request', async (t) => {
  const { lm, paths } = await open(t);
  const bad: [unknown, unknown, unknown][] = [
    [1, { q: { type: 'boolean', instructions: 'So?' } }, {}],
    ['x', {}, {}],
    ['x', { q: { type: 'choice', criteria: [] } }, {}],
    ['x', { q: { type: 'boolean', instructions: 'So?' } }, { via: 'vote' }],
    ['x', { q: { type: 'boolean', instructions: 'So?' } }, { orders: 2 }],
    ['x', { q: { type: 'boolean', instructions: 'So?' } }, { way: 'choose' }],
  ];
  for (const [about, asked, options] of bad) {
    const decision = lm.decide(
      about as string,
      asked as { q: { type: 'boolean' } },
      options as RemoteDecideOptions,
    );
    const { code } = (await failure(decision)) as { code: string };
    t.ok(['INVALID_ARGUMENT', 'OUT_OF_RANGE'].includes(code), code);
  }
  t.same(paths(), []);
});
