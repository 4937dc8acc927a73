// AutoCog's files of trees: read, written back equal, and reproduced with its random model.

import { existsSync, readFileSync } from 'node:fs';
import {
  type AutoCogThought,
  Automaton,
  defaultModelPath,
  LLaMa,
  RandomLM,
  ThoughtTree,
} from 'autocog-lm';
import t from 'tap';
import { at, sum } from '../suite/oracle.js';
import { exact } from '../support/forms.js';

const automatonFile = {
  actions: [
    { uid: 'ask', type: 'text', text: 'Say: ', evaluate: false, successors: ['pick'] },
    {
      ...{ uid: 'pick', type: 'choose', choices: ['a', 'bc', 'd', 'e'], threshold: 0.5, width: 3 },
      successors: ['more', 'end', 'end', 'end'],
    },
    {
      ...{ uid: 'more', type: 'complete', length: 4, threshold: 0, beams: 1, ahead: 1, width: 1 },
      ...{ stop_text: '\n', successors: ['end'] },
    },
    { uid: 'end', type: 'text', text: '', evaluate: false, successors: [] },
  ],
};

/** A tree of every kind of node, in AutoCog's form. */
const file = {
  ...{ action: 0, uid: 'ask', text: 'Say: ', logprob: 0, logprobs: [0, 0, 0, 0, 0] },
  ...{ length: 5, pruned: false, tokens: [83, 97, 121, 58, 32], provenance: { run: 1 } },
  children: [
    {
      ...{ action: 1, text: 'a', logprob: 0.10000000149011612, logprobs: [0.10000000149011612] },
      ...{ length: 6, pruned: false, tokens: [97] },
      children: [
        {
          // The stop's token is dropped, its value is not.
          ...{ action: 2, text: 'x', logprob: 0.4000000059604645, logprobs: [0.125, 0.175] },
          ...{ length: 8, pruned: false, tokens: [120] },
          children: [
            {
              ...{ action: 3, logprob: 0.4000000059604645, logprobs: [], length: 8 },
              ...{ pruned: false, tokens: [], children: [] },
            },
          ],
        },
      ],
    },
    {
      ...{ action: 1, text: 'bc', logprob: 1.5, logprobs: [0.5, 1], length: 7, pruned: true },
      ...{ tokens: [98, 99], children: [] },
    },
    {
      ...{ action: 1, text: 'd', logprob: 0.5, logprobs: [0.5], length: 6, pruned: false },
      // Not continued.
      ...{ tokens: [100], children: [] },
    },
    {
      ...{ action: 1, text: 'e', logprob: null, logprobs: [null], length: 6, pruned: true },
      ...{ tokens: [101], children: [] },
    },
  ],
};

const automaton = Automaton.fromAutoCog(automatonFile);

t.test('a file is read', async (t) => {
  const tree = ThoughtTree.fromAutoCog(file, automaton);
  const [a, bc, d, e] = tree.root.children;
  t.match(tree, { end: 'abort', usage: { decodedTokens: 0 }, root: { action: 'ask', score: 0 } });
  t.same(
    [a, bc, d, e].map((node) => node?.pruned),
    [undefined, 'threshold', 'abandoned', 'width'],
  );
  t.match(bc, { text: 'bc', logprob: -1.5, score: -0.75, pathLogprob: -1.5 });
  t.match(e, { logprob: -Infinity, probability: 0 });
  const scores = [-0.10000000149011612, -0.75, -0.5];
  const total = sum(scores.map(Math.exp));
  t.ok(Math.abs((bc?.probability as number) - Math.exp(-0.75) / total) < 1e-12);
  const best = tree.best();
  t.equal(best?.text, 'Say: ax');
  t.equal(best?.logprob, -0.4000000059604645);
  t.equal(best?.score, -0.4000000059604645 / 3, 'the token of the stop counts');
  t.equal(tree.paths().length, 1);
  t.match(tree.toGraphviz(), '"ask');
});

t.test('what was read is written back equal', async (t) => {
  const original = structuredClone(file);
  const tree = ThoughtTree.fromAutoCog(file, automaton);
  t.strictSame(tree.toAutoCog(automaton), original);
  t.strictSame(
    ThoughtTree.fromAutoCog(JSON.stringify(file), automaton).toAutoCog(automaton),
    original,
  );
  (tree.toAutoCog(automaton).provenance as { run: number }).run = 2;
  t.strictSame(tree.toAutoCog(automaton), original, 'what is written is a copy');
});

const shared = '../shared/data/autocog';
const skip = !existsSync(shared);
const read = (name: string) => JSON.parse(readFileSync(`${shared}/${name}`, 'utf8'));
const names = ['test_text_choice.json', 'test_text_completion.json'];

t.test("AutoCog's own trees are written back equal", { skip }, async (t) => {
  for (const name of names) {
    const own = Automaton.fromAutoCog(read(name));
    const json = read(`${name}.ftt.json`);
    const tree = ThoughtTree.fromAutoCog(json, own);
    t.strictSame(tree.toAutoCog(own), json, name);
    t.equal(tree.end, 'exhausted');
    t.equal(tree.paths().length, 1);
  }
});

/** A stored tree's values are sums in single precision. */
function inSingles(thought: AutoCogThought, before = 0): AutoCogThought {
  const add = (total: number, value: number | null) => Math.fround(total + (value as number));
  const logprob = thought.logprobs.reduce<number>(add, before);
  const children = thought.children.map((child) => inSingles(child, logprob));
  return { ...thought, logprob, children };
}

t.test("AutoCog's stored trees are reproduced", { skip }, async (t) => {
  for (const name of names) {
    const json = read(name);
    // The random model of the stored trees generated what the vocabulary excludes.
    for (const action of json.actions) delete action.vocab;
    const own = Automaton.fromAutoCog(json);
    const lm = new RandomLM({ seed: 42, draws: 'sequence', law: 'uniform' });
    const tree = await lm.evaluate(own);
    t.strictSame(inSingles(tree.toAutoCog(own)), read(`${name}.ftt.json`), name);
  }
});

t.test('the numbers of the random model come out of automata', async (t) => {
  const completing = (text: string, rest: object): Automaton =>
    Automaton.fromAutoCog({
      actions: [
        { uid: 'p', type: 'text', text, evaluate: false, successors: ['c'] },
        {
          ...{ uid: 'c', type: 'complete', threshold: 0.1, beams: 1, ahead: 1, width: 1 },
          ...{ stop_text: '<|eot_id|>', vocab: 'v', successors: ['e'] },
          ...rest,
        },
        { uid: 'e', type: 'text', text: '', evaluate: false, successors: [] },
      ],
      vocabs: {
        v: 'length' in rest && rest.length === 10 ? letters : digits,
      },
    });
  const letters = { kind: 'regex', strings: ['^[a-z]+$'] } as const;
  const digits = { kind: 'tokenize', strings: [...'0123456789'] } as const;
  const run = async (own: Automaton, seed: number) => {
    const tree = await new RandomLM({ seed, draws: 'sequence' }).evaluate(own);
    const written = tree.toAutoCog(own);
    return { tree, child: at(written.children, 0), written };
  };
  const word = await run(completing('Hello ', { length: 10 }), 42);
  t.match(word.child, { text: 'ubnvmokokr', length: 16 });
  t.ok(Math.abs((word.child.logprob as number) - 0.58121) < 1e-5);
  const pin = await run(completing('PIN: ', { length: 8 }), 7);
  t.match(pin.child, { text: '07685909', length: 13 });
  t.ok(Math.abs((pin.child.logprob as number) - 1.60476) < 1e-5);
  const four = await run(completing('PIN: ', { length: 8, beams: 4, width: 1 }), 7);
  t.equal(four.tree.root.children.filter(({ pruned }) => pruned === undefined).length, 1);

  const choice = Automaton.fromAutoCog({
    actions: [
      { uid: 'p', type: 'text', text: 'What is 2+2? ', evaluate: false, successors: ['c'] },
      {
        ...{ uid: 'c', type: 'choose', choices: ['3', '4', '5', '6'], threshold: 0.1, width: 4 },
        successors: ['e', 'e', 'e', 'e'],
      },
      { uid: 'e', type: 'text', text: '', evaluate: false, successors: [] },
    ],
  });
  const { written } = await run(choice, 42);
  t.equal(written.length, 13);
  t.same(
    written.children.map(({ text, pruned, length }) => [text, pruned, length]),
    [
      ['6', false, 14],
      ['3', false, 14],
      ['4', true, 14],
      ['5', true, 14],
    ],
  );
  const values = [0.405297, 0.938536, 3.184601, 6.020242];
  for (const [index, value] of values.entries()) {
    t.ok(Math.abs((at(written.children, index).logprob as number) - value) < 1e-6);
  }
});

t.test('trees of a model are written, and read again', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, exact);
  const own = Automaton.fromJSON({
    actions: [
      { id: 'begin', type: 'text', text: 'The sky is', next: ['color'] },
      {
        id: 'color',
        type: 'choose',
        choices: [' blue', ' green', ' red'],
        width: 2,
        next: ['why'],
      },
      { id: 'why', type: 'complete', maxTokens: 4, beams: 2, stop: '.' },
    ],
  });
  const tree = await lm.evaluate(own);
  const written = tree.toAutoCog(own);
  const indices = own.toAutoCog().actions.map(({ uid }) => uid);
  const [color] = written.children as [AutoCogThought];
  const [why] = color.children as [AutoCogThought];
  t.equal(written.length, tree.root.tokens.length);
  t.equal(why.length, written.length + color.tokens.length + why.tokens.length);
  t.equal(why.logprob, -(tree.root.children[0]?.children[0]?.pathLogprob as number));
  t.match(why.children, [{ action: indices.indexOf('why.end'), tokens: [], length: why.length }]);
  for (const each of [own, Automaton.fromAutoCog(own.toAutoCog())]) {
    const again = ThoughtTree.fromAutoCog(written, each);
    t.strictSame(again.toAutoCog(each), written);
    t.equal(again.best()?.text, tree.best()?.text);
    t.ok(Math.abs((again.best()?.score as number) - (tree.best()?.score as number)) < 1e-9);
    t.equal(again.paths().length, tree.paths().length);
    t.equal(again.root.children[2]?.pruned, 'width');
  }
});

t.test('what AutoCog does not have is refused', async (t) => {
  const lm = new RandomLM();
  const make = (json: object) => Automaton.fromJSON({ actions: [], ...json });
  const begin = { id: 'a', type: 'text', text: 'The', next: ['b'] };
  const pick = { id: 'b', type: 'choose', choices: ['x', 'y'] };
  const healed = make({ actions: [begin, { ...pick, choices: ['x'] }] });
  const tree = await lm.evaluate(healed, { boundary: 'healed' });
  t.throws(() => tree.toAutoCog(healed), { code: 'NOT_SUPPORTED', message: /'healed'/ });
  const begins = make({ actions: [pick] });
  const chosen = await lm.evaluate(begins);
  t.throws(() => chosen.toAutoCog(begins), { code: 'NOT_SUPPORTED', message: /fixed text/ });
  const ended = make({ actions: [begin, { ...pick, terminator: 'eog' }] });
  const end = await lm.evaluate(ended);
  t.throws(() => end.toAutoCog(ended), { code: 'NOT_SUPPORTED', message: /terminator/ });
  t.throws(() => tree.toAutoCog(automaton), {
    name: 'RangeError',
    message: /an automaton with the action 'a'/,
  });
  t.throws(() => tree.toAutoCog({} as never), { name: 'TypeError' });
});

t.test('invalid files are refused', async (t) => {
  const cases: [unknown, RegExp][] = [
    ['{', /^Expected JSON .* for the tree/],
    [[], /^Expected an object for the tree/],
    [{ ...file, action: 1.5 }, /for the tree\.action, got 1\.5/],
    [{ ...file, action: 4 }, /between 0 and 3 for the tree\.action/],
    [{ ...file, action: 2, uid: 'more' }, /^Expected 0 'ask' for the tree\.action, got 2/],
    [{ ...file, uid: 'pick' }, /'ask', the action of this index, for the tree\.uid/],
    [{ ...file, logprobs: [0] }, /at least 5 numbers.* for the tree\.logprobs/],
    [{ ...file, logprobs: 0 }, /an array for the tree\.logprobs/],
    [{ ...file, logprob: '0' }, /a number for the tree\.logprob/],
    [{ ...file, text: 1 }, /the tree\.text/],
    [{ ...file, pruned: 0 }, /a boolean for the tree\.pruned/],
    [{ ...file, length: -1 }, /the tree\.length/],
    [{ ...file, tokens: [1.5] }, /the tree\.tokens\[0\]/],
    [{ ...file, children: undefined }, /an array for the tree\.children/],
    [{ ...file, children: [null] }, /an object for children\[0\], got null/],
    [{ ...file, children: [{ ...file.children[0], action: 3 }] }, /1 'pick' for children\[0\]/],
    [
      { ...file, children: [{ ...file.children[0], children: [{}] }] },
      /for children\[0\]\.children\[0\]\.action, got undefined/,
    ],
  ];
  for (const [json, message] of cases) {
    t.throws(() => ThoughtTree.fromAutoCog(json, automaton), { message }, `${message}`);
  }
  t.throws(() => ThoughtTree.fromAutoCog(file, {} as never), { name: 'TypeError' });
});

t.test('deep trees are read and written', async (t) => {
  const loop = Automaton.fromAutoCog({
    actions: [
      { uid: 'a', type: 'text', text: 'x', successors: ['b'] },
      { uid: 'b', type: 'choose', choices: ['y', 'z'], successors: ['b', 'end'] },
      { uid: 'end', type: 'text', text: '', successors: [] },
    ],
  });
  const lm = new RandomLM();
  const tree = await lm.evaluate(loop, { maxThoughts: 2000 });
  const text = (thought: AutoCogThought) => {
    let count = 0;
    const open = [thought];
    for (let each = open.pop(); each !== undefined; each = open.pop()) {
      count++;
      open.push(...each.children);
    }
    return count;
  };
  const written = tree.toAutoCog(loop);
  const again = ThoughtTree.fromAutoCog(written, loop);
  t.equal(text(again.toAutoCog(loop)), text(written));
  t.ok(text(written) > 2000);
});
