// What `decide` accepts as state and questions, and how it refuses the rest.

import {
  type ChoiceAnswer,
  type DecisionQuestions,
  defaultModelPath,
  LLaMa,
  readQuestions,
} from 'autocog-lm';
import t from 'tap';
import { ToyLM } from '../suite/toy-lm.js';
import { oneThread } from '../support/forms.js';

t.test('questions may be an object, a Map or pairs, and options, too', async (t) => {
  const lm = new ToyLM();
  const criteria = { a: 'the first', b: null };
  const one = await lm.decide('x', { q: { type: 'choice', criteria } });
  const forms: DecisionQuestions[] = [
    new Map([['q', { type: 'choice', criteria: new Map(Object.entries(criteria)) }]]),
    [['q', { type: 'choice', criteria: Object.entries(criteria) }]],
  ];
  for (const form of forms) {
    const { answers } = await lm.decide('x', form);
    t.same(
      answers,
      one.answers === undefined
        ? undefined
        : { q: { ...one.answers.q, timings: (answers as typeof one.answers).q.timings } },
    );
  }
});

t.test('names that look like numbers keep the order of pairs and Maps', async (t) => {
  const lm = new ToyLM();
  const names = ['10', '2', '__proto__', 'constructor', ''];
  const question = { type: 'choice', criteria: names.slice(0, 4) } as const;
  const { answers, names: order } = await lm.decide(
    'x',
    names.map((name) => [name, question] as const),
  );
  t.same(order, names);
  t.same(new Set(Object.keys(answers)), new Set(names), 'each is an own property');
  const answer = answers['10'] as ChoiceAnswer;
  t.same(
    answer.options.map(({ name }) => name),
    names.slice(0, 4),
  );
  t.equal(Object.keys(answer.probabilities).length, 4);
});

t.test('answers are typed by their questions', async (t) => {
  const lm = new ToyLM();
  const { answers } = await lm.decide('x', {
    mood: { type: 'choice', criteria: { happy: null, angry: 'shouts' } },
    tone: { type: 'choice', criteria: ['warm', 'cold'] },
    size: {
      type: 'choice',
      criteria: [
        ['small', 'below 3'],
        ['large', null],
      ],
    },
    grade: { type: 'score', criteria: ['bad', 'good'] },
    kind: { type: 'boolean', instructions: 'Is it kind?' },
    claim: { type: 'predicate', instructions: 'It is kind.' },
  });
  const mood: 'happy' | 'angry' = answers.mood.choice;
  const tone: 'warm' | 'cold' = answers.tone.choice;
  const size: 'small' | 'large' = answers.size.choice;
  // @ts-expect-error: not an option
  t.not(mood === 'sad', true);
  const values: number[] = [
    answers.grade.score,
    answers.kind.probability,
    answers.claim.probability,
  ];
  t.ok(['happy', 'angry'].includes(mood));
  t.ok(['warm', 'cold'].includes(tone) && ['small', 'large'].includes(size));
  t.ok(values.every(Number.isFinite));
  t.equal(answers.claim.type, 'boolean');
});

t.test('a single option is certain', async (t) => {
  const lm = new ToyLM();
  for (const method of ['text', 'labels'] as const) {
    const { answers } = await lm.decide(
      'x',
      { a: { type: 'choice', criteria: ['only'] }, b: { type: 'score', criteria: ['only'] } },
      { method },
    );
    t.match(answers.a, { choice: 'only', probabilities: { only: 1 }, confidence: 1, spread: 0 });
    t.match(answers.b, { score: 0, level: 0, probabilities: [1], confidence: 1 });
    t.equal(answers.a.margin, Infinity);
    t.ok(answers.a.mass < 1, 'although the model might have said something else');
  }
});

const choice = (criteria: unknown) => ({ q: { type: 'choice', criteria } });
const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

const refused: [name: string, questions: unknown, type: 'TypeError' | 'RangeError', RegExp][] = [
  ['no questions', {}, 'RangeError', /at least one question/],
  ['null', null, 'TypeError', /questions, got null/],
  ['a text', 'q', 'TypeError', /questions/],
  [
    'pairs that repeat a name',
    [
      ['q', 1],
      ['q', 2],
    ],
    'RangeError',
    /names that all differ/,
  ],
  ['an entry that is no pair', [['q']], 'TypeError', /questions\["q"\], got undefined/],
  ['names that are no texts', new Map([[1, 2]]), 'TypeError', /questions\[0\]\[0\]/],
  ['an unknown type', { q: { type: 'box' } }, 'TypeError', /questions\["q"\]\.type/],
  ['no type', { q: {} }, 'TypeError', /questions\["q"\]\.type/],
  ['an unknown field', { q: { type: 'score', levels: [] } }, 'TypeError', /levels/],
  ['no options', choice({}), 'RangeError', /at least one option/],
  ['missing options', choice(undefined), 'TypeError', /criteria/],
  ['options that repeat', choice(['a', 'b', 'a']), 'RangeError', /names that all differ/],
  ['options that are numbers', choice([1]), 'TypeError', /criteria\[0\]/],
  ['a description that is a number', choice({ a: 1 }), 'TypeError', /criteria\["a"\]/],
  ['a description with NaN', choice({ a: { x: Number.NaN } }), 'RangeError', /finite/],
  ['a cycle', choice({ a: cyclic }), 'TypeError', /JSON/],
  ['a BigInt', choice({ a: [1n] }), 'TypeError', /JSON/],
  ['levels in an object', { q: { type: 'score', criteria: { 0: 'a' } } }, 'TypeError', /levels/],
  ['no levels', { q: { type: 'score', criteria: [] } }, 'RangeError', /at least one level/],
  ['a null level', { q: { type: 'score', criteria: ['a', null] } }, 'TypeError', /criteria\[1\]/],
  ['equal levels', { q: { type: 'score', criteria: ['a', 'a'] } }, 'RangeError', /differ/],
  ['a bare boolean', { q: { type: 'boolean' } }, 'RangeError', /instructions or a criterion/],
  ['other cases', { q: { type: 'noul', criteria: { maybe: 'x' } } }, 'TypeError', /maybe/],
];

for (const [name, questions, type, message] of refused) {
  t.test(`${name}: refused before anything is decoded`, async (t) => {
    const error = { name: type, message };
    t.throws(() => readQuestions(questions), error);
    await t.rejects(new ToyLM().decide('x', questions as DecisionQuestions), error);
  });
}

t.test('options without tokens, or with those of another, are refused by name', async (t) => {
  const lm = new ToyLM();
  // Lone surrogates are U+FFFD in UTF-8.
  const same = choice(['\ud800', '\ud801']) as DecisionQuestions;
  await t.rejects(lm.decide('x', same), {
    name: 'RangeError',
    message: /tokens differ from those of/,
  });
  await using llama = await LLaMa.load(defaultModelPath, oneThread);
  const empty = choice(['', 'a']) as DecisionQuestions;
  await t.rejects(llama.decide('x', empty), { name: 'RangeError', message: /at least one token/ });
  const { answers } = await llama.decide(
    'x',
    { q: { type: 'choice', criteria: ['', 'a'] } },
    { terminator: 'eog' },
  );
  t.equal(Object.keys(answers.q.probabilities).length, 2, 'unless something ends them');
  const bytes = { terminator: 'eog', normalize: 'bytes' } as const;
  await t.rejects(llama.decide('x', empty, bytes), {
    name: 'RangeError',
    message: /normalize by bytes, for questions\["q"\]\.criteria, got ""/,
  });
});

t.test('states and options that are not valid are refused', async (t) => {
  const lm = new ToyLM();
  const q = { q: { type: 'choice', criteria: ['a', 'b'] } } as const;
  for (const state of [undefined, null, 1, true, () => {}, { big: 1n }] as unknown[]) {
    await t.rejects(lm.decide(state as string, q), { name: 'TypeError', message: /for state/ });
  }
  // As JSON they would be `{}` or indices.
  const lost = [new Map([['a', 1]]), new Set(), /x/, new Error('x'), new Uint8Array(2)];
  for (const value of lost) {
    const plain = { name: 'TypeError', message: /plain objects and arrays/ };
    await t.rejects(lm.decide(value, q), plain);
    await t.rejects(lm.decide({ deep: [value] }, q), plain);
    const described = { q: { type: 'choice', criteria: { a: value, b: null } } } as const;
    await t.rejects(lm.decide('x', described), plain);
  }
  const options: [object, string][] = [
    [{ method: 'heads' }, 'TypeError'],
    [{ orders: 2 }, 'TypeError'],
    [{ method: 'labels', orders: 0 }, 'RangeError'],
    [{ method: 'labels', orders: 'all' }, 'TypeError'],
    [{ method: 'labels', labels: ['A'] }, 'RangeError'],
    [{ method: 'labels', labels: ['A', 'A'] }, 'RangeError'],
    [{ method: 'labels', labels: ['A', ''] }, 'RangeError'],
    [{ method: 'labels', normalize: 'tokens' }, 'TypeError'],
    [{ confidence: 'vibes' }, 'TypeError'],
    [{ onOverflow: 'compress' }, 'TypeError'],
    [{ render: 'x' }, 'TypeError'],
    [{ render: () => 'x' }, 'TypeError'],
    [{ render: () => ({ context: '', question: 'x', answers: ['a'] }) }, 'RangeError'],
    [{ template: true }, 'TypeError'],
    [{ calibration: {} }, 'RangeError'],
    [{ unknown: 1 }, 'TypeError'],
  ];
  for (const [option, name] of options) {
    await t.rejects(lm.decide('x', q, option), { name }, JSON.stringify(option));
  }
});
