// `/v1/systemone`: answers are those of `lm.decide`, every request that its clients may send is
// answered, and wrong ones get the format's errors.

import { type DecisionQuestions, defaultModelPath, Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { exact } from '../support/forms.js';
import { type Json, type Reply, type Serving, startServing } from './serving.js';

const model = await Model.load(defaultModelPath);
t.teardown(() => model.close());
const serving = await startServing(t, model, { alias: 'local' }, exact);
const { lm, post, get } = serving;

const state = 'A quiz about Europe.';
const questions = {
  'capital city.한': {
    type: 'choice',
    instructions: 'What is the capital of France?',
    criteria: { Paris: null, Rome: null, 도쿄: 'Tokyo' },
  },
  quality: { type: 'score', instructions: 'How good?', criteria: ['bad', 'fair', 'good'] },
  '7': { type: 'noul', instructions: 'Is Paris the capital of France?' },
} as const satisfies DecisionQuestions;

function near(t: Test, actual: number, expected: number, message = ''): void {
  t.ok(Math.abs(actual - expected) < 1e-4, `${message} ${actual} is near ${expected}`);
}

/** Asks, and checks what every answer of the format has. */
async function ask(t: Test, body: object, { post: send }: Pick<Serving, 'post'> = serving) {
  const reply = await send('/v1/systemone', { state, questions, ...body });
  t.equal(reply.status, 200, reply.text.slice(0, 300));
  t.match(reply.headers.get('content-type'), /^application\/json/);
  const { answers, usage, model: name } = reply.json;
  const asked: Json = { questions, ...body }.questions;
  t.equal(name, 'local');
  t.same(Object.keys(answers).sort(), Object.keys(asked).sort());
  t.ok(Number.isInteger(usage.input_tokens) && usage.output_tokens === 0);
  for (const [id, answer] of Object.entries<Json>(answers)) {
    t.equal(answer.type, asked[id].type);
    if (answer.type === 'noul') {
      t.ok(answer.noul >= 0 && answer.noul <= 1);
      continue;
    }
    const values = Object.values<number>(answer.probabilities);
    const total = values.reduce((sum, each) => sum + each, 0);
    t.ok(Math.abs(total - 1) < 1e-9, `${total}`);
    t.ok(answer.confidence >= 0 && answer.confidence <= 1);
    if (answer.type === 'choice') {
      t.same(Object.keys(answer.probabilities).sort(), Object.keys(asked[id].criteria).sort());
      t.equal(answer.probabilities[answer.choice], Math.max(...values));
      continue;
    }
    t.same(answer.legend, { ...asked[id].criteria });
    const mean = values.reduce((sum, each, level) => sum + level * each, 0);
    t.ok(Math.abs(answer.score - mean) < 1e-9);
  }
  return answers;
}

t.test('answers are those of decide', async (t) => {
  for (const method of ['text', 'labels'] as const) {
    const answers = await ask(t, { x_method: method });
    const { answers: expected } = await lm.decide(state, questions, { method });
    const capital = expected['capital city.한'];
    t.equal(answers['capital city.한'].choice, capital.choice);
    for (const [name, probability] of Object.entries(capital.probabilities)) {
      near(t, answers['capital city.한'].probabilities[name], probability, name);
    }
    near(t, answers['capital city.한'].confidence, capital.confidence);
    near(t, answers['capital city.한'].x_mass, capital.mass);
    near(t, answers.quality.score, expected.quality.score);
    near(t, answers.quality.confidence, expected.quality.confidence);
    near(t, answers['7'].noul, expected['7'].probability);
  }
});

t.test('every valid request of the format is answered', async (t) => {
  const choice = (count: number): object => ({
    type: 'choice',
    instructions: 'Which?',
    criteria: Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, null])),
  });
  const score = (count: number): object => ({
    type: 'score',
    instructions: 'How much?',
    criteria: Array.from({ length: count }, (_, index) => `level ${index}`),
  });
  const noul = (criteria: unknown): object => ({ type: 'noul', instructions: 'Is it?', criteria });
  const cases: Record<string, object> = {
    'an object as state': { state: { a: [1, { b: null }] } },
    'an array as state': { state: ['a', 2] },
    'an empty state': { state: '' },
    'a state in one part': { state: [{ type: 'json', value: { a: 1 } }] },
    'a conversation as state': { state: [{ role: 'user', content: 'Hello' }] },
    'the default model of clients': { model: 'jev-latest' },
    'the own model': { model: 'local' },
    'unknown fields': { nonce: 'x', temperature: 3, metadata: { a: 1 } },
    'ids of all kinds': {
      questions: {
        'a-b.c d': noul(null),
        '질문 😀': noul(null),
        '': noul(null),
        __proto: noul(null),
      },
    },
    'structured texts': {
      questions: {
        a: {
          type: 'choice',
          instructions: { ask: ['which', 'one'] },
          criteria: { x: { is: 1 }, y: ['z'], w: 'text' },
        },
        b: { type: 'score', instructions: ['how'], criteria: [{ low: 1 }, ['high'], 'x'] },
      },
    },
    'cases of a noul': {
      questions: {
        absent: { type: 'noul', instructions: 'Is it?' },
        null: noul(null),
        both: noul({ true: 'it is', false: 'it is not' }),
        yes: noul({ true: 'it is' }),
        no: noul({ false: { not: 1 } }),
        bare: { type: 'noul', criteria: { true: 'It is so.' } },
      },
    },
    'numbers as names': {
      questions: { q: { type: 'choice', criteria: { 10: null, 2: null, b: null } } },
    },
  };
  for (const count of [1, 2, 26, 64, 128, 255]) {
    cases[`${count} options`] = { questions: { q: choice(count) } };
  }
  for (const count of [1, 2, 3, 5, 10]) {
    cases[`${count} levels`] = { questions: { q: score(count) } };
  }
  for (const [name, body] of Object.entries(cases)) {
    await t.test(name, async (t) => void (await ask(t, body)));
  }
  const own = JSON.parse('{"__proto__": {"type": "noul", "instructions": "Is it?"}}');
  const { json } = await post('/v1/systemone', { state, questions: own });
  t.same(Object.keys(json.answers), ['__proto__']);
  const headers = { authorization: 'Bearer anything' };
  t.equal((await post('/v1/systemone', { state, questions }, { headers })).status, 200);
});

t.test('ids, other questions and their order change nothing', async (t) => {
  const first = await ask(t, {});
  const { '7': noul, quality, 'capital city.한': capital } = questions;
  const others = { z: noul, y: quality, x: capital, w: { ...noul, instructions: 'Is it late?' } };
  const second = await ask(t, { questions: others });
  near(t, second.z.noul, first['7'].noul);
  near(t, second.y.score, first.quality.score);
  near(t, second.x.probabilities.Paris, first['capital city.한'].probabilities.Paris);
  near(t, (await ask(t, { questions: { q: noul } })).q.noul, first['7'].noul);
});

/** Checks that a request is refused with a list of invalid fields. */
function refused(t: Test, { status, json, text }: Reply, loc: unknown[], name: string): void {
  t.equal(status, 422, `${name}: ${text.slice(0, 200)}`);
  t.same(json?.detail?.[0]?.loc, ['body', ...loc], name);
  t.type(json?.detail?.[0]?.msg, 'string');
  t.type(json?.detail?.[0]?.type, 'string');
}

t.test('invalid requests get the errors of the format', async (t) => {
  const q = (question: unknown): object => ({ state, questions: { 'a b': question } });
  const choice = { type: 'choice', instructions: 'Which?' };
  const many = Object.fromEntries(Array.from({ length: 256 }, (_, index) => [`n${index}`, null]));
  const at = (...path: unknown[]): unknown[] => ['questions', 'a b', ...path];
  const cases: [string, object | string, unknown[]][] = [
    ['truncated JSON', '{"state": ', []],
    ['no state', { questions }, ['state']],
    ['a null state', { state: null, questions }, ['state']],
    ['a number as state', { state: 1, questions }, ['state']],
    ['no questions', { state }, ['questions']],
    ['empty questions', { state, questions: {} }, ['questions']],
    ['a list of questions', { state, questions: [] }, ['questions']],
    ['no type', q({ instructions: 'Is it?' }), at('type')],
    ['an unknown type', q({ type: 'boolean', instructions: 'Is it?' }), at('type')],
    ['a box', q({ type: 'box', instructions: 'Where?' }), at('type')],
    ['no criteria', q(choice), at('criteria')],
    ['no options', q({ ...choice, criteria: {} }), at('criteria')],
    ['a list of options', q({ ...choice, criteria: ['a', 'b'] }), at('criteria')],
    ['256 options', q({ ...choice, criteria: many }), at('criteria')],
    ['a number as description', q({ ...choice, criteria: { a: 1, b: null } }), at('criteria', 'a')],
    ['levels as a map', q({ type: 'score', criteria: { 0: 'a', 1: 'b' } }), at('criteria')],
    ['11 levels', q({ type: 'score', criteria: [...'abcdefghijk'] }), at('criteria')],
    ['no levels', q({ type: 'score', criteria: [] }), at('criteria')],
    ['a null level', q({ type: 'score', criteria: ['a', null] }), at('criteria', 1)],
    ['a noul without anything', q({ type: 'noul' }), at()],
    [
      'other cases of a noul',
      q({ type: 'noul', criteria: { maybe: 'x' } }),
      at('criteria', 'maybe'),
    ],
    ['a question that is none', q('Is it?'), at()],
    ['a wrong option', { state, questions, x_method: 'guess' }, ['x_method']],
    ['images', { state, questions, images: ['x'] }, ['images']],
  ];
  for (const [name, body, loc] of cases) refused(t, await post('/v1/systemone', body), loc, name);
  const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  const asked = JSON.stringify(questions);
  refused(
    t,
    await post('/v1/systemone', `{"state":${nested},"questions":${asked}}`),
    ['state'],
    'deep',
  );
  const deep = `{"a b":{"type":"choice","criteria":{"a":${nested},"b":null}}}`;
  const body = `{"state":"x","questions":${deep}}`;
  refused(t, await post('/v1/systemone', body), at('criteria', 'a'), 'a deep description');
  const criteria = `{"type":"choice","criteria":{"\\u0061\\"":null,"b":null,"a\\"":"x"}}`;
  for (const [text, path] of [
    [`{"state":"x","questions":{"q":${criteria}}}`, ['questions', 'q', 'criteria', 'a"']],
    [`{"state":"x","questions":{"q":${asked},"p":1,"q":2}}`, ['questions', 'q']],
    [`{"state":[{"k":"{\\\\"},{"k":1,"l":[],"k":2}],"questions":${asked}}`, ['state', 1, 'k']],
    [`{"state":"x","state":"y","questions":${asked}}`, ['state']],
  ] as [string, (string | number)[]][]) {
    refused(t, await post('/v1/systemone', text), path, 'a key twice');
  }
  const labels = { x_method: 'labels', x_labels: ['A', 'A'] };
  const twice = await post('/v1/systemone', { state, questions, ...labels });
  t.equal(twice.json.detail[0].msg, 'Expected labels that all differ for x_labels, got "A"');
  const long = await post('/v1/systemone', { state: 'word '.repeat(3000), questions });
  t.equal(long.status, 413);
  t.equal(long.json.detail.error_type, 'context_length_exceeded');
  const other = await post('/v1/systemone', { state, questions, model: 'gpt-9' });
  t.match([other.status, other.json.detail.error_type], [400, 'api_usage_error']);
  t.match((await get('/v1/systemone')).json, { detail: { error_type: 'method_not_allowed' } });
  const secret = await startServing(t, model, { apiKey: 'key', alias: 'local' });
  for (const headers of [{}, { authorization: 'Bearer wrong' }] as Record<string, string>[]) {
    const { status, json } = await secret.post('/v1/systemone', { state, questions }, { headers });
    t.match([status, json], [401, { detail: { error_type: 'authentication_error' } }]);
  }
  const headers = { authorization: 'Bearer key' };
  t.equal((await secret.post('/v1/systemone', { state, questions }, { headers })).status, 200);
});

t.test('the list of models has what clients of both formats read', async (t) => {
  const { json } = await get('/v1/models');
  t.match(json.data, [{ id: 'local' }]);
  t.match(json.models, [{ name: 'local', description: String, release_date: /^\d{4}-\d\d-\d\d$/ }]);
});
