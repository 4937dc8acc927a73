// TokenChoiceTree: its shape, its order, and its public view.

import { TokenChoiceTree } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';

const ids = (...tokens: number[]): Int32Array => Int32Array.from(tokens);

t.test('paths with a common prefix share its nodes, in order of first use', async (t) => {
  const tree = new TokenChoiceTree([ids(5, 1), ids(9), ids(5, 0, 2), ids(5, 1, 3)]);
  t.same([...tree.tokens], [-1, 5, 1, 3, 0, 2, 9]);
  t.same([...tree.parents], [-1, 0, 1, 2, 1, 4, 0]);
  t.same([...tree.ends], [2, 6, 5, 3]);
  t.same([tree.size, tree.childless, tree.depth], [6, 3, 3]);
  t.same([...tree.nodesOf(3)], [1, 2, 3]);
});

t.test('equal paths end at one node, an empty path at the root', async (t) => {
  const tree = new TokenChoiceTree([ids(1), ids(), ids(1)]);
  t.same([...tree.ends], [1, 0, 1]);
  t.same(
    tree.nodes().map(({ choices }) => choices),
    [[1], [0, 2]],
  );
  t.same([tree.size, tree.childless], [1, 1]);
  const empty = new TokenChoiceTree([ids()]);
  t.same([empty.size, empty.childless, empty.depth], [0, 0, 0]);
});

t.test('invalid paths are rejected', async (t) => {
  t.throws(() => new TokenChoiceTree('a' as never), { name: 'TypeError' });
  t.throws(() => new TokenChoiceTree([[1]] as never), { name: 'TypeError' });
  t.throws(() => new TokenChoiceTree([ids(-1)]), { name: 'RangeError' });
});

t.test('any paths build a depth-first tree that contains them', async (t) => {
  const path = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 });
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(path, { minLength: 1, maxLength: 30 }), (lists) => {
        const tree = new TokenChoiceTree(lists.map((list) => Int32Array.from(list)));
        const nodes = tree.nodes();
        const prefixes = new Set(
          lists.flatMap((list) => list.map((_, i) => `${list.slice(0, i + 1)}`)),
        );
        const preorder: number[] = [];
        const walk = (index: number): void => {
          preorder.push(index);
          for (const child of nodes[index]?.children ?? []) walk(child);
        };
        walk(0);
        return (
          tree.size === prefixes.size &&
          preorder.every((index, position) => index === position) &&
          tree.childless === nodes.filter((n) => n.index > 0 && n.children.length === 0).length &&
          lists.every(
            (list, i) => `${[...tree.nodesOf(i)].map((n) => tree.tokens[n])}` === `${list}`,
          ) &&
          nodes.every(
            ({ parent, depth }) => parent < 0 || depth === (nodes[parent]?.depth ?? 0) + 1,
          )
        );
      }),
    ),
  );
});

t.test('scores appear in nodes, in JSON and in Graphviz', async (t) => {
  const bare = new TokenChoiceTree([ids(1, 2), ids(1)]);
  t.notOk('logprob' in (bare.nodes()[1] ?? {}), 'no values before scoring');
  const tree = bare.withValues({
    logprobs: Float64Array.of(0, -1, -0.5),
    ends: Float64Array.of(Number.NaN, -3, Number.NaN),
    texts: new Map([
      [1, ' say "hi"\n'],
      [2, '\\N'],
    ]),
  });
  t.match(tree.nodes()[1], { text: ' say "hi"\n', logprob: -1, cumulative: -1, end: -3 });
  t.match(tree.nodes()[2], { cumulative: -1.5, choices: [0] });
  t.notOk('end' in (tree.nodes()[2] ?? {}));
  t.same(JSON.parse(JSON.stringify(tree)), {
    size: 2,
    childless: 1,
    depth: 2,
    nodes: tree.nodes(),
  });
  t.equal(
    tree.toGraphviz(),
    [
      'digraph TokenChoiceTree {',
      '  rankdir=LR;',
      '  node [shape=box];',
      '  n0 [label="prompt"];',
      '  n1 [label="\\" say \\\\\\"hi\\\\\\"\\\\n\\" #1\\nlogprob -1.0000\\nsum -1.0000\\nend -3.0000\\nchoice 1", peripheries=2];',
      '  n0 -> n1;',
      '  n2 [label="\\"\\\\\\\\N\\" #2\\nlogprob -0.5000\\nsum -1.5000\\nchoice 0", peripheries=2];',
      '  n1 -> n2;',
      '}',
      '',
    ].join('\n'),
  );
});
