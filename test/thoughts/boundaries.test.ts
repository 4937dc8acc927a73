// Where actions meet and texts fork: what the native search and the one in TypeScript must do at the
// edges of characters, of choices and of limits, on the default model in F32.

import { join as joinPath } from 'node:path';
import {
  Automaton,
  type ChoiceLM,
  defaultModelPath,
  LLaMa,
  quantize,
  RandomLM,
  type ThoughtNode,
} from 'autocog-lm';
import t, { type Test } from 'tap';
import { at } from '../suite/oracle.js';
import { ToyLM } from '../suite/toy-lm.js';
import { exact } from '../support/forms.js';
import { StepwiseLM } from '../support/stepwise-lm.js';
import { writeVocabularyModel } from '../support/vocabulary-model.js';

const path = joinPath(t.testdir(), 'f32.gguf');
await quantize(defaultModelPath, path, 'F32');
const lm = await LLaMa.load(path, exact);
t.teardown(() => lm.close());
const stepwise = new StepwiseLM(lm);

function onBoth(name: string, check: (t: Test, engine: ChoiceLM) => Promise<void>): void {
  t.test(name, async (t) => {
    await t.test('native', (t) => check(t, lm));
    await t.test('in TypeScript', (t) => check(t, stepwise));
  });
}

const make = (...actions: object[]): Automaton => {
  const chained = actions.map((action, index) => ({
    id: `${index}`,
    ...(index + 1 < actions.length && { next: [`${index + 1}`] }),
    ...action,
  }));
  return Automaton.fromJSON({ actions: chained });
};
const text = (content: string, rest: object = {}) => ({ type: 'text', text: content, ...rest });
const choose = (choices: string[], rest: object = {}) => ({ type: 'choose', choices, ...rest });
const complete = (maxTokens: number, rest: object = {}) => {
  return { type: 'complete', maxTokens, ...rest };
};
const count = (node: ThoughtNode): number =>
  node.children.reduce((sum, child) => sum + count(child), 1);

const healed = { boundary: 'healed' } as const;

onBoth(
  'a healed completion continues characters that have no token of their own',
  async (t, engine) => {
    for (const prompt of ['I am 🙂', 'café', '日本', 'x\ufffd']) {
      const automaton = make(text(prompt), complete(3));
      const tree = await engine.evaluate(automaton, healed);
      const plain = await engine.evaluate(automaton);
      t.equal(at(tree.root.children, 0).replaced, 0, prompt);
      t.equal(tree.best()?.text, plain.best()?.text);
    }
  },
);

onBoth('a healed completion repeats the whole text that it replaces', async (t, engine) => {
  for (const prompt of ['The sk', 'The capital of Fra', 'The sky is', 'A dog\n\n', 'a  ']) {
    for (const maxTokens of [1, 2, 6]) {
      const automaton = make(text(prompt), complete(maxTokens, { beams: 3 }));
      for (const { text: own, tokens, replaced } of (await engine.evaluate(automaton, healed)).root
        .children) {
        const whole = await lm.tokenize(prompt, { addSpecial: true });
        const context = [...whole.subarray(0, whole.length - replaced), ...tokens];
        t.equal(await lm.detokenize(Int32Array.from(context)), prompt + own);
      }
    }
  }
});

onBoth('healed choices are those of choose, also of U+FFFD and of nothing', async (t, engine) => {
  const cases: [string, string[]][] = [
    ['a\ufffd', ['y is', 'b']],
    ['The sk', ['', 'y is']],
    ['The sk', ['y is', '']],
  ];
  for (const [prompt, choices] of cases) {
    const terminator = 'eog';
    const automaton = make(text(prompt), choose(choices, { terminator }));
    const { root } = await engine.evaluate(automaton, healed);
    const chosen = await engine.choose(prompt, choices, { ...healed, terminator });
    for (const node of root.children) {
      const expected = at(chosen.choices, choices.indexOf(node.text));
      t.same(node.tokens, expected.tokens, prompt);
      t.ok(Math.abs(node.logprob - expected.logprob) < 1e-4, `${node.logprob}`);
    }
  }
});

t.test('after control tokens a healed choice begins a text', async (t) => {
  await using own = await LLaMa.load(await writeVocabularyModel(t, 'bert-bge'), exact);
  const automaton = make(text(''), choose([' a', 'the sky']));
  const { root: separate } = await own.evaluate(automaton);
  for (const engine of [own, new StepwiseLM(own)]) {
    const { root } = await engine.evaluate(automaton, healed);
    t.ok(root.tokens.length > 1, 'WordPiece has a token before and one after a text');
    t.same(
      root.children.map(({ text: own, tokens }) => [own, tokens]),
      separate.children.map(({ text: own, tokens }) => [own, tokens]),
    );
  }
});

onBoth('a scored text of nothing has the score 0', async (t, engine) => {
  for (const metric of ['mean', 'sum', 'bytes'] as const) {
    const automaton = make(text('The sky'), text('', { evaluate: true }));
    const node = at((await engine.evaluate(automaton, { metric })).root.children, 0);
    t.match(node, { logprob: 0, score: 0, probability: 1, pathScore: 0 });
  }
});

onBoth('the largest number of tokens ends by a stop', async (t, engine) => {
  const automaton = make(text('The sky is'), complete(2 ** 31 - 1, { stop: [' ', '.'] }));
  for (const boundary of ['separate', 'healed'] as const) {
    const node = at((await engine.evaluate(automaton, { boundary })).root.children, 0);
    t.equal(node.stop?.reason, 'text', boundary);
  }
});

onBoth("'best' is refused where scores may rise", async (t, engine) => {
  const automaton = make(text('The capital of'), choose([' Fra', ' the']), choose(['nce', '.']));
  const sum = { metric: 'sum', boundary: 'healed' } as const;
  await t.rejects(engine.evaluate(automaton, { ...sum, until: 'best' }), {
    name: 'RangeError',
    message: /unless the boundary is 'separate', for until/,
  });
  const { root } = await engine.evaluate(automaton, sum);
  const rises = root.children.some((node) => {
    return node.children.some(({ pathScore }) => pathScore > node.pathScore);
  });
  t.ok(rises, 'tokens that are replaced no longer count');
});

onBoth('a stop may have characters that only parts of them spell', async (t, engine) => {
  const stop = ['🙂', 'é', '日本'];
  const vocabulary = { complement: { regex: 'x' } };
  const tree = await engine.evaluate(make(text('The'), complete(2, { stop, vocabulary })));
  t.equal(tree.end, 'exhausted');
  const refused = make(text('The'), complete(2, { stop, vocabulary: { regex: '^[a-z]+$' } }));
  await t.rejects(engine.evaluate(refused), { message: /'1'\.stop\[0\], got "🙂"/ });
});

/** Layers of two texts, each of which leads to both of the next layer: 2 ** layers thoughts. */
function forking(layers: number): Automaton {
  const ids = (layer: number) => (layer < layers ? [`${layer}a`, `${layer}b`] : []);
  const actions = Array.from({ length: layers }, (_, layer) =>
    ids(layer).map((id) => ({ id, type: 'text', text: id, next: ids(layer + 1) })),
  );
  const begin = { id: 'begin', type: 'text', text: 'x', next: ids(0) };
  return Automaton.fromJSON({ actions: [begin, ...actions.flat()] });
}

onBoth('texts that fork again and again end at the limit of thoughts', async (t, engine) => {
  t.equal((await engine.evaluate(forking(4))).paths().length, 16);
  for (const maxThoughts of [1, 10, 100]) {
    const tree = await engine.evaluate(forking(40), { maxThoughts });
    t.equal(tree.end, 'maxThoughts');
    t.ok(tree.paths().length > 0, 'the first text of each fork is always placed');
    t.ok(count(tree.root) <= maxThoughts + 40, `${count(tree.root)} nodes`);
  }
});

t.test('an abort ends texts that fork again and again', async (t) => {
  for (const engine of [lm, new RandomLM()]) {
    const controller = new AbortController();
    // While an automaton is planned nothing is known, and an abort rejects. The search has no end of its own.
    await engine.evaluate(forking(40), { maxThoughts: 1 });
    setTimeout(() => controller.abort(), 1000);
    const options = { maxThoughts: 2 ** 31 - 1, signal: controller.signal, stopOnAbort: true };
    t.equal((await engine.evaluate(forking(40), options)).end, 'abort');
  }
});

onBoth('a round keeps no more thoughts than the limit and one action', async (t, engine) => {
  const choices = Array.from({ length: 30 }, (_, index) => ` ${index}`);
  const automaton = make(text('A number:'), choose(choices), choose(choices));
  const tree = await engine.evaluate(automaton, { maxThoughts: 50 });
  t.equal(tree.end, 'maxThoughts');
  const kept = tree.root.children.filter(({ children }) => children.length > 0);
  t.equal(kept.length, 1, '31 thoughts were kept, then 30 more');
  t.same(kept, [at(tree.root.children, 0)], 'those of the best one');
  t.equal(tree.paths().length, 30);
});

t.test('more choices than a call has arguments', async (t) => {
  const choices = Array.from({ length: 150_000 }, (_, index) => `${index % 1000}`);
  const automaton = make(text('x'), choose(choices, { width: 1 }), text('.'));
  for (const engine of [lm, new RandomLM()]) {
    const tree = await engine.evaluate(automaton);
    t.equal(tree.root.children.length, choices.length);
    t.equal(tree.paths().length, 1);
  }
});

/** An LM in which nothing but the byte of `!` never follows. */
class Reluctant extends ToyLM {
  protected override async greedyImpl() {
    const rest = Math.log(1 / 257);
    return Float32Array.from({ length: 258 }, (_, token) => (token === 33 ? -Infinity : rest));
  }
}

t.test(
  'an impossible token that is healed away leaves a thought impossible, not without a score',
  async (t) => {
    const automaton = make(text('a'), choose(['x', '!']), choose(['b', 'c']));
    const { root } = await new Reluctant().evaluate(automaton, healed);
    const [possible, impossible] = root.children;
    t.equal(possible?.text, 'x');
    t.ok(possible?.children.every(({ pathScore }) => Number.isFinite(pathScore)));
    t.equal(impossible?.pathScore, -Infinity);
    const scores = impossible?.children.map(({ pathScore }) => pathScore);
    t.same(scores, [-Infinity, -Infinity]);
  },
);
