// Numbers that `decide` of OpenAI gets from other servers: wrong replies and refused questions are
// errors, never answers.

import { defaultModelPath, Model } from 'autocog-lm';
import type { OpenAI } from 'autocog-lm/openai';
import t, { type Test } from 'tap';
import { startServing } from '../serve/serving.js';
import { failure } from '../support/failures.js';
import { oneThread } from '../support/forms.js';
import { openDecider, respond } from './deciding.js';
import type { Fault } from './fault-proxy.js';

const model = await Model.load(defaultModelPath);
t.teardown(() => model.close());
const { server } = await startServing(t, model, { alias: 'served' }, oneThread);

const open = (t: Test, rules: Readonly<Record<string, Fault>> = {}, options: object = {}) =>
  openDecider(t, server, rules, options);

/** An LM whose server replies so to everything but the probe. */
async function replying(
  t: Test,
  via: 'decisions' | 'systemone',
  answers: unknown,
): Promise<OpenAI> {
  const { lm, proxy } = await open(t, {}, { retries: 1 });
  const probe = via === 'decisions' ? [{}] : { numbers: {} };
  let isProbe = true;
  proxy.rule = () => {
    const reply = { model: 'm', answers: isProbe ? probe : answers };
    isProbe = false;
    return respond(200, reply);
  };
  return lm;
}

t.test('numbers of another server are read, with rounding', async (t) => {
  const ask = [
    ['tone', { type: 'choice', criteria: ['warm', 'cold', 'dry'] }],
    ['level', { type: 'score', criteria: ['low', 'high'] }],
    ['ok', { type: 'boolean', instructions: 'Fine?' }],
  ] as const;
  const tone = [0.33, 0.33, 0.33];
  const names = ['warm', 'cold', 'dry'];
  const replies = {
    decisions: [
      {
        type: 'choice',
        name: 'tone',
        choice: 'cold',
        confidence: 0.01,
        probabilities: names.map((value, at) => ({ value, probability: tone[at] })).reverse(),
      },
      {
        type: 'score',
        name: null,
        score: 0.74,
        confidence: 0.5,
        probabilities: [
          { label: 'low', value: 0, probability: 0.26 },
          { label: 'high', value: 1, probability: 0.74 },
        ],
      },
      { type: 'predicate', probability: 0.9 },
    ],
    systemone: {
      tone: {
        type: 'choice',
        choice: 'cold',
        confidence: 0.01,
        probabilities: { warm: 0.33, cold: 0.33, dry: 0.33 },
      },
      level: {
        type: 'score',
        score: 0.74,
        confidence: 0.5,
        legend: {},
        probabilities: { 0: 0.26, 1: 0.74 },
      },
      ok: { type: 'noul', noul: 0.9 },
    },
  };
  for (const via of ['decisions', 'systemone'] as const) {
    const lm = await replying(t, via, replies[via]);
    const found = await lm.decide('x', ask, { via, confidence: 'max' });
    const { tone: choice, level, ok } = found.answers;
    t.equal(found.numbers, 'probabilities');
    t.same(found.reportedConfidence, { tone: 0.01, level: 0.5 });
    t.equal(found.method, undefined);
    t.equal(choice.choice, 'cold', 'the server knows more digits');
    t.ok(Math.abs(choice.probabilities.dry - 1 / 3) < 1e-12, 'they add up to 1');
    t.same([choice.mass, choice.margin, choice.options[0]?.logprob], [NaN, NaN, NaN]);
    t.ok(Math.abs(level.score - 0.74) < 1e-9);
    t.equal(level.level, 1);
    t.equal(ok.confidence, 0.9);
    for (const [option, value] of [
      ['method', 'text'],
      ['prior', true],
      ['normalize', 'tokens'],
      ['onOverflow', 'truncate'],
      ['details', true],
      ['template', false],
      ['terminator', '.'],
      ['render', () => ({ context: '', question: '' })],
    ] as const) {
      const error = await failure(lm.decide('x', ask, { via, [option]: value }));
      t.match(error, { code: 'NOT_SUPPORTED', message: new RegExp(`option ${option}`) });
    }
  }
});

t.test('wrong replies are errors', async (t) => {
  const ask = { tone: { type: 'choice', criteria: ['warm', 'cold'] } } as const;
  const score = { tone: { type: 'score', criteria: ['low', 'mid', 'high'] } } as const;
  const list = (warm: unknown, cold: unknown) => [
    { value: 'warm', probability: warm },
    { value: 'cold', probability: cold },
  ];
  const choice = (probabilities: unknown, more: object = {}) => {
    return { type: 'choice', choice: 'warm', confidence: 0, probabilities, ...more };
  };
  const wrongChoices: [unknown, unknown][] = [
    [list(0.7, 0.7), { warm: 0.7, cold: 0.7 }],
    [list(0.6, 0.3), { warm: 0.6, cold: 0.3 }],
    [list(null, 1), { warm: null, cold: 1 }],
    [list('1', 0), { warm: '1', cold: 0 }],
    [list(-0.5, 1.5), { warm: -0.5, cold: 1.5 }],
    [list(0, 0), { warm: 0, cold: 0 }],
    [list(0.2, 0.8), { warm: 0.2, cold: 0.8 }],
    [[...list(1, 0), { value: 'wet', probability: 0 }], { warm: 1, cold: 0, wet: 0 }],
    [list(1, 0).slice(1), { warm: 1 }],
    [[list(1, 0)[0], list(1, 0)[0]], { warm: 1, Cold: 0 }],
    [undefined, undefined],
  ];
  const cases: [unknown, unknown, typeof ask | typeof score][] = wrongChoices.map(
    ([one, other]) => [[choice(one)], { tone: choice(other) }, ask],
  );
  const good = [list(1, 0), { warm: 1, cold: 0 }] as const;
  for (const more of [
    { choice: 'wet' },
    { confidence: 2 },
    { type: 'score' },
    { x_logprobs: [1, 2] },
    { x_logprobs: [-1], x_mass: 1 },
    { x_logprobs: [-1, -2], x_mass: 'all' },
  ]) {
    cases.push([[choice(good[0], more)], { tone: choice(good[1], more) }, ask]);
  }
  cases.push(
    [[], {}, ask],
    [[choice(good[0]), choice(good[0])], { tone: choice(good[1]), other: choice(good[1]) }, ask],
    [[choice(good[0], { name: 'other' })], { other: choice(good[1]) }, ask],
    [null, null, ask],
    [[null], { tone: null }, ask],
  );
  const levels = [0.2, 0.3, 0.5].map((probability, value) => {
    return { label: ['low', 'mid', 'high'][value], value, probability };
  });
  const scored = { type: 'score', confidence: 0 };
  const own = { 0: 0.2, 1: 0.3, 2: 0.5 };
  cases.push(
    [
      [{ ...scored, score: 0.3, probabilities: levels }],
      { tone: { ...scored, score: 0.3, probabilities: own } },
      score,
    ],
    [
      [
        {
          ...scored,
          score: 1.3,
          probabilities: [...levels].reverse().map((x, value) => ({ ...x, value })),
        },
      ],
      { tone: { ...scored, score: 1.3, probabilities: { low: 0.2, mid: 0.3, high: 0.5 } } },
      score,
    ],
  );
  for (const [decisions, systemone, asked] of cases) {
    for (const [via, answers] of [
      ['decisions', decisions],
      ['systemone', systemone],
    ] as const) {
      const lm = await replying(t, via, answers);
      const error = await failure(lm.decide('x', asked, { via }));
      t.match(error, { code: 'REMOTE', message: /reply cannot be used/ }, JSON.stringify(answers));
    }
  }
});

t.test('refused questions are named', async (t) => {
  const lm = await replying(t, 'decisions', [
    { type: 'refusal', name: 'a "b"' },
    { type: 'predicate', name: 'c', probability: 1 },
    { type: 'refusal', name: 'd' },
  ]);
  const ask = (name: string) => [name, { type: 'boolean', instructions: 'So?' }] as const;
  const error = await failure(lm.decide('x', ['a "b"', 'c', 'd'].map(ask), { via: 'decisions' }));
  t.match(error, { code: 'REFUSED', message: /: "a \\"b\\"", "d"$/ });
});
