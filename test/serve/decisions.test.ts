// `/v1/decisions`: the client `openai`, its tool runner, and the AI SDK's provider of OpenAI get the
// answers of `lm.decide`, and wrong requests OpenAI's errors.

import { createOpenAI } from '@ai-sdk/openai';
import { experimental_decide as decide } from 'ai';
import { defaultModelPath, Model } from 'autocog-lm';
import { OpenAI } from 'openai7';
import { DecisionsToolRunner } from 'openai7/helpers/decisions-tool-runner';
import t, { type Test } from 'tap';
import { failure } from '../support/failures.js';
import { exact } from '../support/forms.js';
import { startServing } from './serving.js';

const model = await Model.load(defaultModelPath);
t.teardown(() => model.close());
const { lm, server } = await startServing(t, model, { alias: 'local' }, exact);
const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });

const state = 'A quiz about Europe.';

function near(t: Test, actual: number, expected: number, message = ''): void {
  t.ok(Math.abs(actual - expected) < 1e-4, `${message} ${actual} is near ${expected}`);
}

const ours = [
  { type: 'predicate', instructions: 'Is Paris the capital of France?', name: 'isParis' },
  {
    type: 'choice',
    instructions: [{ type: 'input_text', text: 'What is the capital of France?' }],
    choices: [{ value: 'Paris' }, { value: 'Rome', description: 'in Italy' }, { value: true }],
  },
  {
    type: 'score',
    instructions: 'How good?',
    levels: [{ label: 'bad' }, { label: 'fair' }, { label: 'good', description: 'very' }],
  },
] as const satisfies OpenAI.DecisionCreateParams['questions'];

t.test('the client openai gets the answers of decide', async (t) => {
  const {
    answers,
    usage,
    model: name,
  } = await client.decisions.create({
    model: 'local',
    input: state,
    questions: [...ours],
    prompt_cache_key: 'key',
    safety_identifier: 'me',
  });
  const expected = await lm.decide(state, [
    ['isParis', { type: 'predicate', instructions: 'Is Paris the capital of France?' }],
    [
      'capital',
      {
        type: 'choice',
        instructions: 'What is the capital of France?',
        criteria: [
          ['Paris', undefined],
          ['Rome', 'in Italy'],
          ['true', undefined],
        ] as const,
      },
    ],
  ] as const);
  const [isParis, capital, score] = answers;
  t.equal(answers.length, 3);
  if (isParis?.type !== 'predicate' || capital?.type !== 'choice' || score?.type !== 'score') {
    t.fail('the types are those of the questions');
    return;
  }
  t.equal(isParis.name, 'isParis');
  t.equal(capital.name, null);
  near(t, isParis.probability, expected.answers.isParis.probability);
  t.same(
    capital.probabilities.map(({ value }) => value),
    ['Paris', 'Rome', true],
  );
  for (const [index, { probability }] of capital.probabilities.entries()) {
    near(t, probability, expected.answers.capital.options[index]?.probability as number);
  }
  t.equal(capital.choice, expected.answers.capital.choice);
  t.same(
    score.probabilities.map(({ label, value }) => [label, value]),
    [
      ['bad', 0],
      ['fair', 1],
      ['good', 2],
    ],
  );
  const mean = score.probabilities.reduce((sum, each) => sum + each.value * each.probability, 0);
  t.ok(Math.abs(score.score - mean) < 1e-9);
  t.equal(name, 'local');
  t.ok(usage.total_tokens === usage.input_tokens && usage.output_tokens === 0);
  t.ok(Number.isInteger(usage.input_tokens_details.cached_tokens));
});

t.test('input of every kind', async (t) => {
  const call = {
    type: 'function_call',
    call_id: 'c1',
    name: 'find',
    arguments: '{"x":1}',
  } as const;
  const output = { type: 'function_call_output', call_id: 'c1', output: 'Paris' } as const;
  const inputs: OpenAI.DecisionCreateParams['input'][] = [
    [{ role: 'user', content: 'A quiz.' }],
    [
      { role: 'developer', content: [{ type: 'input_text', text: 'Be brief.' }] },
      { role: 'user', content: [{ type: 'input_json', data: { a: 1 } }] },
      { role: 'assistant', content: [{ type: 'output_text', text: 'Yes.' }] },
      { role: 'user', content: 'And now?' },
    ],
    [{ role: 'user', content: 'Find it.' }, call, output],
  ];
  for (const input of inputs) {
    const { answers } = await client.decisions.create({
      model: 'local',
      input,
      questions: [...ours],
    });
    t.equal(answers.length, 3);
  }
  const [question] = ours;
  const lone = [{ role: 'user' as const, content: 'A quiz.' }];
  const create = async (input: OpenAI.DecisionCreateParams['input']) =>
    (await client.decisions.create({ model: 'local', input, questions: [question] })).answers[0];
  near(
    t,
    ((await create(lone)) as { probability: number }).probability,
    ((await create('A quiz.')) as { probability: number }).probability,
  );
});

t.test('400 questions at once, and the errors of OpenAI', async (t) => {
  const [predicate, choice, score] = ours;
  const many = Array.from({ length: 400 }, (_, index) => {
    return { ...predicate, instructions: `Is ${index} large?`, name: `q${index}` };
  });
  const { answers } = await client.decisions.create({
    model: 'local',
    input: 'x',
    questions: many,
  });
  t.same(
    answers.map(({ name }) => name),
    many.map(({ name }) => name),
  );
  const wrong: [object, string][] = [
    [{ questions: [] }, 'questions'],
    [{ questions: [...many, predicate] }, 'questions'],
    [{ input: undefined }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: [{ role: 'robot', content: 'x' }] }, 'input[0].role'],
    [{ input: [{ type: 'function_call_output', call_id: 'c', output: 'x' }] }, 'input[0].call_id'],
    [{ questions: [{ ...predicate, instructions: undefined }] }, 'questions[0].instructions'],
    [{ questions: [{ ...predicate, type: 'noul' }] }, 'questions[0].type'],
    [{ questions: [{ ...predicate, criteria: {} }] }, 'questions[0].criteria'],
    [{ questions: [{ ...choice, choices: [{ value: 'a' }] }] }, 'questions[0].choices'],
    [
      { questions: [predicate, { ...choice, choices: [{ value: true }, { value: 'true' }] }] },
      'questions[1].choices[1]',
    ],
    [
      { questions: [{ ...choice, choices: [{ value: 1 }, { value: 2 }] }] },
      'questions[0].choices[0].value',
    ],
    [{ questions: [{ ...score, levels: [{ label: 'a' }] }] }, 'questions[0].levels'],
    [{ temperature: 1 }, 'temperature'],
    [{ x_orders: 0 }, 'x_orders'],
    [{ input: 'word '.repeat(3000) }, 'input'],
  ];
  for (const [body, param] of wrong) {
    const given = { model: 'local', input: 'x', questions: [...ours], ...body };
    const error = await failure(client.decisions.create(given as never));
    t.match(error, { status: 400, param }, `${param}: ${error}`);
  }
  const depth = 50_000;
  const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const part = `{"type":"input_json","data":${nested}}`;
  const headers = { 'content-type': 'application/json' };
  const body = `{"input":[{"role":"user","content":[${part}]}],"questions":[${JSON.stringify(predicate)}]}`;
  const deep = await fetch(`${server.url}/v1/decisions`, { method: 'POST', headers, body });
  t.match(
    [deep.status, await deep.json()],
    [400, { error: { param: 'input[0].content[0].data' } }],
  );
  const image = [{ type: 'input_image', image_url: 'data:image/png;base64,AA==' }] as const;
  const seen = { role: 'user' as const, content: [...image] };
  const error = await failure(
    client.decisions.create({ model: 'local', input: [seen], questions: [...ours] }),
  );
  t.match(error, { status: 400, code: 'not_supported' });
  t.match(await failure(client.decisions.create({ model: 'x', input: '', questions: [...ours] })), {
    status: 404,
  });
});

t.test('the tool runner of openai runs', async (t) => {
  const done: string[] = [];
  const runner = new DecisionsToolRunner({
    observe: () => 'The capital of France is asked for.',
    candidates: () => [
      { id: 'paris', description: 'Say Paris', execute: () => void done.push('paris') },
      { id: 'rome', description: 'Say Rome', execute: () => void done.push('rome') },
      { id: 'stop', description: 'Stop', done: true },
    ],
    verify: () => true,
  });
  const run = runner.run(client, { model: 'local', input: 'Name the capital.' }, { maxSteps: 3 });
  const outcome = await run.then(
    ({ decisions, status }) => ({ steps: decisions.length, status }),
    ({ reason, message }) => ({ reason, message }),
  );
  // A model as small as this may never stop; every answer was accepted either way.
  t.ok(
    'reason' in outcome ? outcome.reason === 'step_limit' : outcome.status === 'verified',
    JSON.stringify(outcome),
  );
});

t.test("the AI SDK's provider of OpenAI decides over the server", async (t) => {
  const provider = createOpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none' });
  const { answers } = await decide({
    model: provider.decisionModel('local'),
    state,
    questions: {
      capital: {
        type: 'choice',
        instructions: 'What is the capital of France?',
        criteria: { Paris: null, Rome: null },
      },
      good: { type: 'score', instructions: 'How good?', criteria: ['bad', 'good'] },
      isParis: { type: 'boolean', instructions: 'Is Paris the capital of France?' },
    },
  });
  t.equal(answers.capital.type, 'choice');
  t.ok(answers.good.type === 'score' && answers.good.score >= 0 && answers.good.score <= 1);
  t.equal(answers.isParis.type, 'boolean');
});
