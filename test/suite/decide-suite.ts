// `decide`, for any ChoiceLM: every option of every question in every order is checked against one
// `greedy` per token, and everything else is recomputed from the log-probabilities.

import {
  type ChoiceLM,
  confidenceOf,
  type DecideOptions,
  type Decision,
  type DecisionAnswer,
  type DecisionOrder,
  type DecisionQuestions,
  type QuestionType,
} from 'autocog-lm';
import type { Test } from 'tap';
import { at, join, softmax, stepsOf, sum } from './oracle.js';
import type { Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

/** Its options are prefixes of others, have several tokens, and are not ASCII. */
export const someQuestions = {
  place: {
    type: 'choice',
    instructions: 'Where?',
    criteria: ['New', 'New York', 'Zürich', 'New York City'],
  },
  grade: { type: 'score', instructions: 'How good?', criteria: ['bad', 'fair', 'good'] },
  kind: { type: 'boolean', instructions: 'Is it kind?', criteria: { true: 'very' } },
} as const satisfies DecisionQuestions;

/** log(1 − Σ P(the next token of an option that begins with this one)). */
async function restOf(
  lm: ChoiceLM,
  prompt: Int32Array,
  path: Int32Array,
  others: readonly Int32Array[],
): Promise<number> {
  const longer = others.filter((other) => {
    return other.length > path.length && path.every((token, index) => token === other[index]);
  });
  if (longer.length === 0) return 0;
  const next = await lm.greedy(join(prompt, path));
  const tokens = new Set(longer.map((other) => at(other, path.length)));
  return Math.log(1 - sum([...tokens].map((token) => Math.exp(at(next, token)))));
}

/** The log-probability of every option in an order, one `greedy` per token. */
export async function referenceOf(lm: ChoiceLM, order: DecisionOrder): Promise<number[]> {
  const { prompt, answers } = order as Required<DecisionOrder>;
  const found: number[] = [];
  for (const path of answers) {
    const steps = await stepsOf(lm, prompt, path);
    found.push(sum(steps) + (await restOf(lm, prompt, path, answers)));
  }
  return found;
}

const valuesOf = (answers: Decision['answers']): DecisionAnswer[] =>
  Object.values(answers as Record<string, DecisionAnswer>);

/** Recomputes what follows from an answer's log-probabilities. */
export function checkAnswer(t: Test, answer: DecisionAnswer, name: string): void {
  const { options, orders, type } = answer;
  const probabilities = options.map(({ probability }) => probability);
  near(t, sum(probabilities), 1, 1e-9, `probabilities of ${name} sum to 1`);
  const expected = softmax(options.map(({ score }) => score));
  for (const [index, option] of options.entries()) {
    near(t, option.probability, at(expected, index), 1e-12, `probability ${index} of ${name}`);
    const mean = sum(orders.map(({ logprobs }) => at(logprobs, index))) / orders.length;
    near(t, option.logprob, mean, 1e-9, `mean of ${index} of ${name}`);
    const alone = orders.map((order) => at(order.probabilities, index));
    near(t, option.spread, Math.max(...alone) - Math.min(...alone), 1e-12, `spread of ${index}`);
  }
  const masses = orders.map(({ logprobs }) => sum(logprobs.map(Math.exp)));
  near(t, answer.mass, sum(masses) / masses.length, 1e-9, `mass of ${name}`);
  t.ok(answer.mass <= 1 + 1e-6, `mass of ${name} is at most 1`);
  const [first = 0, second = -Infinity] = options.map(({ score }) => score).sort((a, b) => b - a);
  near(t, answer.margin, first - second, 1e-9, `margin of ${name}`);
  const confidence = confidenceOf(probabilities, 'reference', type as QuestionType);
  near(t, answer.confidence, confidence, 1e-12, `confidence of ${name}`);
  const best = probabilities.indexOf(Math.max(...probabilities));
  if (answer.type === 'choice') {
    t.equal(answer.choice, options[best]?.name);
    t.same(Object.values(answer.probabilities), probabilities);
  } else if (answer.type === 'score') {
    near(t, answer.score, sum(probabilities.map((p, level) => p * level)), 1e-12, 'score');
    t.equal(answer.level, best);
  } else {
    t.equal(answer.probability, probabilities[0]);
  }
}

export function decideSuite(t: Test, { make, prompt, tolerance }: Subject): void {
  const decide = (lm: ChoiceLM, options?: DecideOptions) =>
    lm.decide(prompt, someQuestions, { ...options, details: true });

  for (const method of ['text', 'labels'] as const) {
    testWith(t, make, `decide by ${method} is one greedy per token`, async (t, lm) => {
      const { answers, names, usage } = await decide(lm, { method });
      t.same(names, Object.keys(someQuestions));
      t.ok(usage.decodedTokens > 0 && usage.decodeCalls > 0);
      for (const [name, answer] of Object.entries(answers)) {
        checkAnswer(t, answer, name);
        t.equal(answer.orders.length, method === 'labels' ? answer.options.length : 1);
        for (const order of answer.orders) {
          const expected = await referenceOf(lm, order);
          for (const [index, logprob] of order.logprobs.entries()) {
            const length = at(order.answers as Int32Array[], index).length + 1;
            near(t, logprob, at(expected, index), 2 * tolerance * length, `${name} ${index}`);
          }
        }
      }
    });
  }

  testWith(t, make, 'every option is in every position of balanced orders', async (t, lm) => {
    const { place } = (await decide(lm, { method: 'labels' })).answers;
    for (const position of place.options.keys()) {
      const listed = place.orders.map(({ options }) => at(options, position));
      t.equal(new Set(listed).size, place.options.length, `position ${position}`);
    }
    const plain = (await decide(lm, { method: 'labels', orders: 1 })).answers.place;
    t.same(plain.orders[0]?.options, [0, 1, 2, 3], "a single order is the caller's");
    t.equal(plain.spread, 0);
  });

  testWith(t, make, 'a prior is what the options have without the state', async (t, lm) => {
    for (const method of ['text', 'labels'] as const) {
      const found = await decide(lm, { method, prior: true });
      const again = await decide(lm, { method, prior: true });
      const alone = await lm.decide('', someQuestions, { method });
      const plain = await decide(lm, { method });
      for (const [name, answer] of Object.entries(found.answers)) {
        const key = name as keyof typeof someQuestions;
        for (const [index, option] of answer.options.entries()) {
          const own = at(plain.answers[key].options as typeof answer.options, index);
          const other = at(alone.answers[key].options as typeof answer.options, index);
          const { priorLogprob = Number.NaN } = option;
          near(t, priorLogprob, other.logprob, 20 * tolerance, `prior ${index} of ${name}`);
          near(t, option.score, own.logprob - priorLogprob, 20 * tolerance, `score of ${name}`);
        }
        const cached = valuesOf(again.answers).find(({ type }) => type === answer.type);
        t.same(
          cached?.options.map(({ priorLogprob }) => priorLogprob),
          answer.options.map(({ priorLogprob }) => priorLogprob),
          'priors are cached',
        );
      }
      t.ok(again.usage.decodedTokens < found.usage.decodedTokens, 'and not decoded again');
    }
  });

  testWith(t, make, 'an aborted decide rejects with the reason', async (t, lm) => {
    const reason = new Error('enough');
    await t.rejects(decide(lm, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const running = decide(lm, { method: 'labels', signal: controller.signal });
    controller.abort(reason);
    await t.rejects(running, reason);
    const { answers } = await decide(lm);
    checkAnswer(t, answers.place, 'after the abort');
  });
}
