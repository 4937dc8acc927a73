// Automata compared with `choose`, `score` and `complete`, and with sums over `greedy`, for any
// ChoiceLM.

import { Automaton, type ChoiceLM, type ThoughtNode, type ThoughtTree } from 'autocog-lm';
import type { Test } from 'tap';
import { at, endOf, join, stepsOf, sum } from './oracle.js';
import type { Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

/** Fails unless every scored token of a tree has the log-probability that `greedy` gives it. */
export async function checkThoughts(
  t: Test,
  lm: ChoiceLM,
  { root }: ThoughtTree,
  tolerance: number,
): Promise<number> {
  let checked = 0;
  const visit = async (node: ThoughtNode, before: Int32Array): Promise<void> => {
    const context = before.subarray(0, before.length - node.replaced);
    const generated = join(node.tokens, node.stop?.tokens ?? []);
    const values = [...node.logprobs, ...(node.stop?.logprobs ?? [])];
    // Fixed texts count as certain.
    if (values.some((value) => value !== 0)) {
      const steps = await stepsOf(lm, context, generated);
      for (const [index, value] of values.entries()) {
        near(t, value, at(steps, index), tolerance, `${node.action}, token ${index}`);
        checked++;
      }
    }
    for (const child of node.children) await visit(child, join(context, node.tokens));
  };
  await visit(root, new Int32Array(0));
  return checked;
}

const only = (tree: ThoughtTree): ThoughtNode => at(tree.root.children, 0);

export function evaluateSuite(t: Test, { make, prompt, choices, tolerance }: Subject): void {
  const asking = (rest: object, other: object = {}): Automaton => {
    return Automaton.fromJSON({
      actions: [
        { id: 'prompt', type: 'text', text: prompt, next: ['answer'] },
        { id: 'answer', ...rest },
      ],
      ...other,
    });
  };

  testWith(t, make, 'an automaton of one choice is what choose is', async (t, lm) => {
    for (const terminator of ['none', 'eog'] as const) {
      const automaton = asking({ type: 'choose', choices, terminator });
      for (const [metric, normalize] of [
        ['sum', 'none'],
        ['mean', 'tokens'],
        ['bytes', 'bytes'],
      ] as const) {
        const tree = await lm.evaluate(automaton, { metric });
        const choice = await lm.choose(prompt, choices, { normalize, terminator });
        t.equal(tree.root.children.length, choices.length);
        t.equal(only(tree).text, choice.text);
        for (const node of tree.root.children) {
          const own = at(choice.choices, choices.indexOf(node.text));
          near(t, node.logprob, own.logprob, tolerance * 20, `logprob of ${node.text}`);
          near(t, node.score, own.score, tolerance * 20, `score of ${node.text}`);
          near(t, node.probability, own.probability, 0.05, `probability of ${node.text}`);
          t.same(node.tokens, own.tokens);
        }
        near(t, sum(tree.root.children.map(({ probability }) => probability)), 1, 1e-9, 'sum');
      }
    }
  });

  testWith(
    t,
    make,
    'width keeps the best choices, and threshold never drops the best',
    async (t, lm) => {
      const two = await lm.evaluate(asking({ type: 'choose', choices, width: 2 }));
      t.same(
        two.root.children.map(({ pruned }) => pruned),
        choices.map((_, rank) => (rank < 2 ? undefined : 'width')),
      );
      const scores = two.root.children.map(({ score }) => score);
      t.same(
        scores,
        [...scores].sort((a, b) => b - a),
      );
      t.equal(two.paths().length, 2);
      const best = await lm.evaluate(asking({ type: 'choose', choices, threshold: 1 }));
      t.equal(best.paths().length, 1);
      t.equal(best.best()?.text, prompt + only(two).text);
    },
  );

  testWith(t, make, 'an evaluated text has the score of score', async (t, lm) => {
    const tree = await lm.evaluate(asking({ type: 'text', text: choices[0], evaluate: true }));
    const { tokens, logprobs, logprob } = await lm.score(prompt, choices[0]);
    t.same(only(tree).tokens, tokens);
    near(t, only(tree).logprob, logprob, tolerance * 20, 'logprob');
    for (const [index, value] of only(tree).logprobs.entries()) {
      near(t, value, at(logprobs, index), tolerance, `token ${index}`);
    }
  });

  testWith(t, make, 'one beam generates what complete generates', async (t, lm) => {
    const tree = await lm.evaluate(asking({ type: 'complete', maxTokens: 8 }));
    const { text, tokens, stopReason } = await lm.complete(prompt, { maxTokens: 8 });
    t.equal(only(tree).text, text);
    t.same(only(tree).tokens, tokens);
    t.equal(only(tree).stop?.reason, stopReason);
  });

  testWith(
    t,
    make,
    'a fixed text adds nothing to a score, and is what follows continues',
    async (t, lm) => {
      const automaton = Automaton.fromJSON({
        actions: [
          { id: 'prompt', type: 'text', text: prompt, next: ['first'] },
          { id: 'first', type: 'choose', choices, width: 1, next: ['between'] },
          { id: 'between', type: 'text', text: ` ${prompt}`, next: ['second'] },
          { id: 'second', type: 'choose', choices },
        ],
      });
      const tree = await lm.evaluate(automaton);
      const first = only(tree);
      const between = at(first.children, 0);
      t.equal(between.pathScore, first.pathScore);
      const second = at(between.children, 0);
      const length = first.tokens.length + second.tokens.length;
      const mean = (first.logprob + second.logprob) / length;
      near(t, second.pathScore, mean, 1e-9, 'the mean of both choices');
      const context = join(join(tree.root.tokens, first.tokens), between.tokens);
      const choice = await lm.choose(
        context,
        choices.map((_, index) => at(between.children, index).tokens),
      );
      for (const [index, node] of between.children.entries()) {
        const expected = at(choice.choices, index).logprob;
        near(t, node.logprob, expected, tolerance * 20, `logprob ${index}`);
      }
      t.equal(tree.best()?.text, [prompt, first.text, between.text, second.text].join(''));
    },
  );

  testWith(
    t,
    make,
    'every score is that of its token after all tokens before it',
    async (t, lm) => {
      const automaton = Automaton.fromJSON({
        actions: [
          { id: 'prompt', type: 'text', text: prompt, next: ['choice'] },
          { id: 'choice', type: 'choose', choices, width: 2, terminator: ' and', next: ['text'] },
          { id: 'text', type: 'text', text: ' then ', evaluate: true, next: ['more'] },
          { id: 'more', type: 'complete', maxTokens: 3, beams: 2, next: ['end'] },
          { id: 'end', type: 'choose', choices, terminator: 'eog' },
        ],
      });
      const tree = await lm.evaluate(automaton);
      t.equal(tree.end, 'exhausted');
      t.ok((await checkThoughts(t, lm, tree, tolerance)) > 20);
      const last = tree.best()?.node as ThoughtNode;
      const nodes = tree.best()?.nodes ?? [];
      const all = nodes.reduce<Int32Array>(
        (tokens, { tokens: own }) => join(tokens, own),
        new Int32Array(0),
      );
      const end = await endOf(lm, all);
      near(t, last.logprob, sum(last.logprobs) + end, tolerance, 'with the end of generation');
      const again = await lm.evaluate(automaton);
      t.equal(again.best()?.text, tree.best()?.text, 'the same again');
    },
  );

  testWith(t, make, 'an abort rejects, or resolves with what is known', async (t, lm) => {
    const automaton = Automaton.fromJSON({
      actions: [
        { id: 'prompt', type: 'text', text: prompt, next: ['choice'] },
        { id: 'choice', type: 'choose', choices, next: ['more'] },
        { id: 'more', type: 'complete', maxTokens: 2 },
      ],
    });
    const signal = AbortSignal.abort(new Error('no'));
    await t.rejects(lm.evaluate(automaton, { signal }), { message: 'no' });
    const reports: number[] = [];
    const partial = await lm.evaluate(automaton, {
      onProgress: ({ rounds }) => {
        reports.push(rounds);
        return false;
      },
    });
    t.same(reports, [1]);
    // The engine may have gone on before it noticed.
    t.ok(partial.end === 'abort' || partial.end === 'exhausted');
    if (partial.end === 'abort') {
      t.same(
        partial.root.children.map(({ pruned }) => pruned),
        choices.map(() => 'abandoned'),
      );
    }
    const thrown = new Error('thrown');
    await t.rejects(
      lm.evaluate(automaton, {
        onProgress: () => {
          throw thrown;
        },
      }),
      thrown,
    );
    t.equal((await lm.evaluate(automaton)).end, 'exhausted', 'later calls work');
  });
}
