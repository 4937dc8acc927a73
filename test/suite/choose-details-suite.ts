// Option `details` of `choose`, for any ChoiceLM: checked against the full distribution of greedy.

import type { Test } from 'tap';
import { at, join } from './oracle.js';
import type { Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

const entropyOf = (logprobs: Float32Array): number =>
  logprobs.reduce(
    (sum, logprob) => (logprob > -Infinity ? sum - Math.exp(logprob) * logprob : sum),
    0,
  );

export function chooseDetailsSuite(t: Test, { make, prompt, choices, tolerance }: Subject): void {
  const texts = [...choices, choices[0] + choices[1], choices[0]];

  testWith(t, make, "details agree with greedy's full distribution", async (t, lm) => {
    for (const options of [{}, { terminator: 'eog' }, { batching: 'sequential' }] as const) {
      const plain = await lm.choose(prompt, texts, options);
      const {
        tree,
        choices: scored,
        boundary,
      } = await lm.choose(prompt, texts, { ...options, details: true });
      const nodes = tree.nodes();
      const paths = new Map([[0, [] as number[]]]);
      for (const { index, parent, token, children, end, entropy, ...node } of nodes) {
        const path = index === 0 ? [] : [...(paths.get(parent) as number[]), token];
        paths.set(index, path);
        const what = `node ${index} ${JSON.stringify(options)}`;
        near(
          t,
          node.logprob as number,
          at(plain.tree.nodes(), index).logprob as number,
          2 * tolerance,
          what,
        );
        if (children.length > 0 || end !== undefined) {
          const after = await lm.greedy(join(boundary.tokens, path));
          near(
            t,
            entropy ?? Number.NaN,
            entropyOf(after),
            20 * tolerance + 1e-5,
            `entropy of ${what}`,
          );
        } else {
          t.equal(entropy, undefined, `nothing was evaluated after ${what}`);
        }
        if (index === 0) {
          t.same([node.rank, node.best], [undefined, undefined], 'the root has no alternatives');
          continue;
        }
        const before = await lm.greedy(join(boundary.tokens, path.slice(0, -1)));
        const own = at(before, token);
        const { rank = 0, best } = node;
        // How many tokens are certainly more likely, and how many may be within the tolerance.
        const certain = before.filter((logprob) => logprob > own + 2 * tolerance).length;
        const possible = before.filter((logprob) => logprob >= own - 2 * tolerance).length;
        t.ok(rank > certain && rank <= possible, `rank ${rank} of ${what}`);
        const highest = before.reduce((a, b) => Math.max(a, b), -Infinity);
        near(t, best?.logprob ?? Number.NaN, highest, 2 * tolerance, `the best at ${what}`);
        near(t, at(before, best?.token ?? -1), highest, 2 * tolerance, 'it is the best of greedy');
        near(t, best?.probability ?? Number.NaN, Math.exp(best?.logprob as number), 1e-12, 'exp');
        t.equal(
          best?.text,
          await lm.detokenize(Int32Array.of(best?.token as number), {
            special: true,
            continuation: true,
          }),
        );
        if (rank === 1) t.equal(best?.token, token);
      }
      for (const { index, ranks } of scored) {
        const expected = Array.from(tree.nodesOf(index), (node) => at(nodes, node).rank);
        t.same([...(ranks ?? [])], expected, `ranks of choice ${index}`);
      }
      t.match(tree.toGraphviz(), /\\nrank \d+/);
    }
  });

  testWith(t, make, 'details can be combined with a search', async (t, lm) => {
    const options = { details: true, search: 'bound', top: 1 } as const;
    const { tree, choices: scored } = await lm.choose(prompt, texts, options);
    for (const node of tree.nodes().slice(1)) {
      const known = node.logprob !== undefined;
      t.equal(node.rank !== undefined, known);
      t.equal(node.best !== undefined, known);
    }
    for (const { ranks, logprobs } of scored) {
      t.same(
        [...(ranks ?? [])].map((rank) => rank === 0),
        [...logprobs].map(Number.isNaN),
      );
    }
  });
}
