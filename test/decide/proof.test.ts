// Proofs that answers are right, with unrounded weights and caches: brute force in a fresh context per
// option, and what must not matter: the order of options, names and the order of questions, others.

import {
  type Decision,
  type DecisionAnswer,
  type DecisionOrder,
  type DecisionQuestions,
  LLaMa,
} from 'autocog-lm';
import t from 'tap';
import { checkAnswer, someQuestions } from '../suite/decide-suite.js';
import { at, join, sum } from '../suite/oracle.js';
import { near } from '../suite/with-lm.js';
import { bruteForce } from '../support/brute-force.js';
import { exact, loadForm } from '../support/forms.js';

const bound = 1e-4;
const model = await loadForm(t, 'F32');
const state = 'The capital of France is Paris. It is a large city.';
const capitals = {
  capital: { type: 'choice', instructions: 'What is it?', criteria: ['Paris', 'Rome', 'Oslo'] },
  ...someQuestions,
} as const satisfies DecisionQuestions;

const answersOf = (decision: Decision): [string, DecisionAnswer][] =>
  Object.entries(decision.answers as Record<string, DecisionAnswer>);

/** Log-probabilities by brute force: one fresh context per option, all logits, sums in doubles. */
async function bruteForceOf({ prompt, answers }: DecisionOrder): Promise<number[]> {
  const paths = answers as Int32Array[];
  return Promise.all(
    paths.map(async (path) => {
      const steps = await bruteForce(model, exact, prompt as Int32Array, path);
      const next = paths
        .filter((other) => other.length > path.length && path.every((id, i) => id === other[i]))
        .map((other) => at(other, path.length));
      if (next.length === 0) return sum(steps);
      const rest = await Promise.all(
        [...new Set(next)].map(async (token) => {
          const own = await bruteForce(model, exact, prompt as Int32Array, join(path, [token]));
          return Math.exp(at(own, path.length));
        }),
      );
      return sum(steps) + Math.log(1 - sum(rest));
    }),
  );
}

t.test('every option of every question in every order is its brute-force value', async (t) => {
  await using lm = new LLaMa(model, exact);
  for (const method of ['text', 'labels'] as const) {
    for (const template of [undefined, false] as const) {
      const decision = await lm.decide(state, capitals, { method, template, details: true });
      for (const [name, answer] of answersOf(decision)) {
        checkAnswer(t, answer, name);
        for (const order of answer.orders) {
          const expected = await bruteForceOf(order);
          for (const [index, logprob] of order.logprobs.entries()) {
            near(t, logprob, at(expected, index), bound, `${method} ${name} ${index}`);
          }
        }
      }
    }
  }
});

/** Permutations of a list by rotation and reversal, and one by hand. */
const permutations = <T>(list: readonly T[]): T[][] => [
  [...list].reverse(),
  [...list.slice(1), ...list.slice(0, 1)],
  [...list].sort(),
];

t.test('the order of options changes no probability', async (t) => {
  await using lm = new LLaMa(model, exact);
  const names = ['Paris', 'New', 'New York', 'Rome', 'Zürich'];
  const ask = async (criteria: readonly string[], method: 'text' | 'labels') => {
    const { answers } = await lm.decide(state, { q: { type: 'choice', criteria } }, { method });
    return answers.q;
  };
  for (const method of ['text', 'labels'] as const) {
    const first = await ask(names, method);
    for (const criteria of permutations(names)) {
      const other = await ask(criteria, method);
      t.same(Object.keys(other.probabilities), criteria);
      for (const name of names) {
        const [own, others] = [first.probabilities[name], other.probabilities[name]];
        near(t, others as number, own as number, 1e-6, `${method}: ${name} in ${criteria}`);
      }
      t.equal(other.choice, first.choice);
    }
  }
  const [plain, turned] = [
    await lm.decide(
      state,
      { q: { type: 'choice', criteria: names } },
      { method: 'labels', orders: 1 },
    ),
    await lm.decide(
      state,
      { q: { type: 'choice', criteria: [...names].reverse() } },
      { method: 'labels', orders: 1 },
    ),
  ];
  const difference = names.map((name) =>
    Math.abs(
      (plain.answers.q.probabilities[name] ?? 0) - (turned.answers.q.probabilities[name] ?? 0),
    ),
  );
  t.ok(Math.max(...difference) > 0.01, 'while a single order does');
});

t.test(
  'names and the order of questions change no bit, other questions nothing of note',
  async (t) => {
    const fresh = async (questions: DecisionQuestions, method: 'text' | 'labels') => {
      await using lm = new LLaMa(model, exact);
      return await lm.decide(state, questions, { method });
    };
    for (const method of ['text', 'labels'] as const) {
      const all = await fresh(capitals, method);
      const renamed = Object.entries(capitals)
        .reverse()
        .map(([name, question]) => [`other ${name}`, question] as const);
      const moved = await fresh(renamed, method);
      for (const [name, answer] of answersOf(all)) {
        const other = (moved.answers as Record<string, DecisionAnswer>)[`other ${name}`];
        t.same(other?.options, answer.options, `${method}: ${name} is the same to the bit`);
        const question = capitals[name as keyof typeof capitals];
        const { answers } = await fresh({ [name]: question }, method);
        const alone = (answers as Record<string, DecisionAnswer>)[name] as DecisionAnswer;
        for (const [index, { logprob }] of answer.options.entries()) {
          near(t, logprob, at(alone.options, index).logprob, bound, `${method}: ${name} alone`);
        }
      }
    }
  },
);

/** The number of distinct non-empty prefixes of the prompts, and of those of answers that are decoded. */
function prefixesOf(decision: Decision): number {
  const prefixes = new Set<string>();
  const add = (tokens: Int32Array): void => {
    let key = '';
    for (const token of tokens) {
      key += `${token},`;
      prefixes.add(key);
    }
  };
  for (const [, { orders }] of answersOf(decision)) {
    for (const { prompt, answers } of orders) {
      add(prompt as Int32Array);
      for (const path of answers as Int32Array[])
        add(join(prompt as Int32Array, path.slice(0, -1)));
    }
  }
  return prefixes.size;
}

t.test('decoded tokens are the distinct prefixes of the forest, also in waves', async (t) => {
  for (const options of [{}, { batchSize: 32 }, { maxSequences: 8 }]) {
    for (const method of ['text', 'labels'] as const) {
      await using lm = new LLaMa(model, { ...exact, ...options });
      const decision = await lm.decide(state, capitals, { method, details: true });
      const { usage } = decision;
      t.equal(usage.decodedTokens, prefixesOf(decision), `${method} ${JSON.stringify(options)}`);
      t.equal(usage.decodedTokens + usage.cachedTokens >= usage.promptTokens, true);
      const again = await lm.decide(state, capitals, { method });
      t.ok(again.usage.decodedTokens < usage.decodedTokens, 'the state is cached');
    }
  }
});
