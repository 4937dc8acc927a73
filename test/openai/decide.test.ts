// `decide` of OpenAI: held to a LLaMa in process, in each of its three ways over `autocog-lm serve`;
// what a server has is probed once.

import type { DecideOptions, Decision } from 'autocog-lm';
import t, { type Test } from 'tap';
import { startServing } from '../serve/serving.js';
import { failure } from '../support/failures.js';
import { exact, loadForm } from '../support/forms.js';
import { openDecider, respond, without } from './deciding.js';
import type { Fault } from './fault-proxy.js';

const model = await loadForm(t, 'F32');
const { lm: local, server } = await startServing(t, model, { alias: 'served' }, exact);

const open = (t: Test, rules: Readonly<Record<string, Fault>> = {}, options: object = {}) =>
  openDecider(t, server, rules, options);

const state = 'A quiz about Europe. Grüße, 東京 😀';
const questions = [
  ['10', { type: 'choice', instructions: 'The capital of France?', criteria: ['Rome', 'Paris'] }],
  [
    'described',
    {
      type: 'choice',
      instructions: 'Where?',
      criteria: [
        ['south', 'Italy, "Spain"'],
        ['north', { land: 'Norge' }],
        ['2', null],
        ['1', null],
        ['__proto__', null],
      ],
    },
  ],
  ['how "good"', { type: 'score', instructions: 'How good?', criteria: ['bad', 'fair', 'good'] }],
  ['yes', { type: 'boolean', instructions: 'Is Paris the capital of France?' }],
  [
    'claim',
    { type: 'boolean', instructions: 'It is hot', criteria: { true: 'sun', false: 'ice' } },
  ],
] as const;

type AnyAnswer = Decision['answers'][string];

function same(t: Test, found: AnyAnswer, expected: AnyAnswer, what: string): void {
  t.equal(found.type, expected.type, what);
  const read = (answer: AnyAnswer) => [
    ...answer.options.flatMap(({ probability, logprob }) => [probability, Math.exp(logprob)]),
    answer.confidence,
    answer.mass,
    answer.spread,
    ...(answer.type === 'score' ? [answer.score, answer.level, ...answer.probabilities] : []),
    ...(answer.type === 'boolean' ? [answer.probability] : []),
  ];
  const [a, b] = [read(found), read(expected)];
  t.equal(a.length, b.length);
  const worst = a.reduce((max, value, at) => Math.max(max, Math.abs(value - (b[at] as number))), 0);
  t.ok(worst < 1e-4, `${what} differs by ${worst}`);
  t.same(
    found.options.map(({ name }) => name),
    expected.options.map(({ name }) => name),
  );
  if (found.type === 'choice' && expected.type === 'choice') {
    t.equal(found.choice, expected.choice);
    t.same(Object.keys(found.probabilities), Object.keys(expected.probabilities));
  }
}

/** The template of the server's model is not known here, so option texts are scored without one. */
const ways = [
  ['decisions', {}],
  ['systemone', {}],
  ['choose', { template: false }],
] as const satisfies readonly (readonly [string, DecideOptions])[];

const conversation = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hello' },
  { role: 'assistant', content: 'Hi' },
  { role: 'user', content: 'A quiz.' },
];

for (const [via, own] of ways) {
  t.test(`the numbers by way ${via} are those of a LLaMa in process`, async (t) => {
    const { lm } = await open(t);
    const variants: [string | object, DecideOptions][] = [
      [state, {}],
      [{ ünï: ['a', 1] }, { confidence: 'entropy' }],
      [conversation, { method: 'labels' }],
      [state, { prior: true, normalize: 'tokens' }],
      [state, { method: 'labels', labels: ['1', '2', '3', '4', '5'] }],
    ];
    for (const [subject, options] of variants) {
      // A predicate has no criteria to list under labels.
      const isLimited = via === 'decisions' && options.method === 'labels';
      const asked = questions.filter(([name]) => !isLimited || name !== 'claim');
      const found = await lm.decide(subject, asked, { ...options, ...own, via });
      const expected = await local.decide(subject, asked, { ...options, ...own });
      if (isLimited) {
        const error = await failure(lm.decide(subject, questions, { ...options, via }));
        t.match(error, { code: 'NOT_SUPPORTED', message: /without criteria, unlike "claim"/ });
      }
      t.equal(found.via, via);
      t.equal(found.numbers, 'exact');
      t.equal(found.method, expected.method);
      t.equal(found.truncated, 0);
      const hasOrders = via === 'choose' || found.method === 'text';
      t.same(found.names, expected.names);
      t.ok(found.usage.promptTokens > 0 && found.usage.decodeCalls > 0);
      t.equal(found.strategy, via === 'choose' ? 'echo' : undefined);
      for (const name of found.names) {
        const [answer, other] = [found.answers, expected.answers].map(
          (answers) => (answers as Record<string, AnyAnswer>)[name] as AnyAnswer,
        ) as [AnyAnswer, AnyAnswer];
        t.ok(Object.is(answer.agreement, hasOrders ? other.agreement : Number.NaN));
        same(t, answer, other, `${name} with ${JSON.stringify(options)}`);
      }
    }
  });
}

t.test('answers have the types of their questions', async (t) => {
  const { lm } = await open(t);
  const { answers } = await lm.decide('Tea', {
    taste: { type: 'choice', criteria: ['sweet', 'bitter'] },
    heat: { type: 'score', criteria: ['cold', 'hot'] },
  });
  const choice: 'sweet' | 'bitter' = answers.taste.choice;
  t.ok(['sweet', 'bitter'].includes(choice));
  t.ok(answers.heat.score >= 0 && answers.heat.score <= 1);
});

t.test('what the server has is probed once, in order', async (t) => {
  const ask = { fair: { type: 'boolean', instructions: 'Is it fair?' } } as const;
  for (const status of [404, 405, 501, 400]) {
    const gone = respond(status, { error: { message: 'model does not decide' } });
    const cases: [Record<string, Fault>, string, string[]][] = [
      [{}, 'decisions', ['/v1/decisions']],
      [{ '/v1/decisions': gone }, 'systemone', ['/v1/decisions', '/v1/systemone']],
      [
        { '/v1/decisions': gone, '/v1/systemone': gone },
        'choose',
        ['/v1/decisions', '/v1/systemone'],
      ],
    ];
    for (const [rules, via, probes] of cases) {
      const { lm, paths } = await open(t, rules);
      const both = await Promise.all([lm.decide('Ice', ask), lm.decide('Ice', ask)]);
      t.same(
        both.map((found) => found.via),
        [via, via],
      );
      const routes = paths().filter((path) => /decisions|systemone/.test(path));
      const sent = via === 'choose' ? [] : [`/v1/${via}`, `/v1/${via}`];
      t.same(routes, [...probes, ...sent]);
      const before = paths().length;
      await lm.decide('Ice', ask);
      const more = paths().slice(before);
      if (via === 'choose') t.notOk(more.some((path) => /decisions|systemone/.test(path)));
      else t.same(more, [`/v1/${via}`]);
    }
  }
  const { lm } = await open(t, without.both);
  for (const via of ['decisions', 'systemone'] as const) {
    const error = await failure(lm.decide('Ice', ask, { via }));
    t.match(error, { code: 'NOT_SUPPORTED', message: new RegExp(`does not support /${via}`) });
  }
  const choosing = await open(t);
  await choosing.lm.decide('Ice', ask, { via: 'choose' });
  t.notOk(
    choosing.paths().some((path) => /decisions|systemone/.test(path)),
    'no probe',
  );
  const pages = await open(t, {
    '/v1/decisions': { ...respond(200), body: '<p>', headers: { 'content-type': 'text/html' } },
    '/v1/systemone': respond(200, { object: 'list' }),
  } as Record<string, Fault>);
  t.equal((await pages.lm.decide('Ice', ask)).via, 'choose', 'replies of another kind');
});

t.test('a failed probe is an error, and repeated', async (t) => {
  const ask = { fair: { type: 'boolean', instructions: 'Is it fair?' } } as const;
  const faults: Fault[] = [respond(503), respond(401), respond(429), { kind: 'drop' }];
  for (const fault of faults) {
    const { lm, proxy } = await open(t, { '/v1/decisions': fault }, { retries: 2 });
    t.match(await failure(lm.decide('Ice', ask)), { code: 'REMOTE' });
    proxy.rule = () => ({ kind: 'none' });
    t.equal((await lm.decide('Ice', ask)).via, 'decisions');
  }
});

t.test('transient failures of a decision are retried', async (t) => {
  const { lm, proxy } = await open(t);
  const ask = { fair: { type: 'boolean', instructions: 'Is it fair?' } } as const;
  const { answers } = await lm.decide('Ice', ask);
  proxy.rule = () => undefined;
  proxy.faults.push(respond(503), { kind: 'drop' }, { kind: 'truncate', part: 0.5, clean: true });
  const again = await lm.decide('Ice', ask);
  t.equal(again.answers.fair.probability, answers.fair.probability);
});
