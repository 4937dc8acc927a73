// What must hold of automata because implementations have got it wrong: on the default model in F32,
// where scores do not depend on batches, by the native search and by the one in TypeScript.

import { join as joinPath } from 'node:path';
import {
  type Action,
  Automaton,
  type ChoiceLM,
  defaultModelPath,
  LLaMa,
  type LLaMaOptions,
  quantize,
  RandomLM,
  type ThoughtNode,
} from 'autocog-lm';
import t, { type Test } from 'tap';
import { at, join, stepsOf, sum } from '../suite/oracle.js';
import { exact } from '../support/forms.js';
import { StepwiseLM } from '../support/stepwise-lm.js';

const path = joinPath(t.testdir(), 'f32.gguf');
await quantize(defaultModelPath, path, 'F32');
const lm = await LLaMa.load(path, exact);
t.teardown(() => lm.close());
const stepwise = new StepwiseLM(lm);

/** A test on the native search, and on the one in TypeScript. */
function onBoth(name: string, check: (t: Test, engine: ChoiceLM) => Promise<void>): void {
  t.test(name, async (t) => {
    await t.test('native', (t) => check(t, lm));
    await t.test('in TypeScript', (t) => check(t, stepwise));
  });
}

const tolerance = 1e-4;
const near = (t: Test, found: number, expected: number, what: string): void => {
  t.ok(Math.abs(found - expected) < tolerance, `${what}: ${found} is near ${expected}`);
};

const make = (...actions: object[]): Automaton => {
  const chained = actions.map((action, index) => ({
    id: `${index}`,
    ...(index + 1 < actions.length && { next: [`${index + 1}`] }),
    ...action,
  }));
  return Automaton.fromJSON({ actions: chained as Action[] });
};
const text = (content: string, rest: object = {}) => ({ type: 'text', text: content, ...rest });
const choose = (choices: string[], rest: object = {}) => ({ type: 'choose', choices, ...rest });
const complete = (maxTokens: number, rest: object = {}) => {
  return { type: 'complete', maxTokens, ...rest };
};
const first = ({ children }: ThoughtNode): ThoughtNode => at(children, 0);

/** Checks the log-probabilities of a node's tokens, and of its stop, against `greedy`. */
async function checkNode(t: Test, node: ThoughtNode, context: Int32Array): Promise<void> {
  const tokens = join(node.tokens, node.stop?.tokens ?? []);
  const values = [...node.logprobs, ...(node.stop?.logprobs ?? [])];
  const expected = await stepsOf(lm, context, tokens);
  for (const [index, value] of values.entries()) near(t, value, at(expected, index), `${index}`);
  near(t, node.logprob, sum(expected), 'in total');
}

onBoth('a given token is scored by the distribution before it', async (t, engine) => {
  const given = ' capital of France is Paris.';
  const { root } = await engine.evaluate(make(text('The'), text(given, { evaluate: true })));
  await checkNode(t, first(root), root.tokens);
  const choices = [' capital of France', ' capital of Spain', ' dog'];
  const chosen = await engine.evaluate(make(text('The'), choose(choices)));
  for (const node of chosen.root.children) await checkNode(t, node, chosen.root.tokens);
});

onBoth('a prompt that begins cached tokens has its own scores', async (t, engine) => {
  const long = 'The capital of France is Paris. The capital of Spain is';
  for (const prompt of ['The capital of France is', 'The capital', 'The']) {
    await lm.clear();
    const automaton = make(text(prompt), choose([' Paris', ' Madrid', ' capital']));
    const expected = (await engine.evaluate(automaton)).root.children;
    await lm.ingest(long);
    await lm.complete(long, { maxTokens: 3 });
    const found = (await engine.evaluate(automaton)).root.children;
    t.same(
      found.map((node) => node.text),
      expected.map((node) => node.text),
    );
    for (const [index, node] of found.entries()) {
      near(t, node.logprob, at(expected, index).logprob, `${prompt}${node.text}`);
    }
  }
});

onBoth('a thought that begins another one has its own scores', async (t, engine) => {
  const choices = [' Paris', ' Paris. The', ' Paris. The capital'];
  const automaton = make(text('The capital of France is'), choose(choices), choose([' x', '.']));
  const { root } = await engine.evaluate(automaton);
  t.equal(root.children.length, 3);
  for (const node of root.children) {
    await checkNode(t, node, root.tokens);
    const context = join(root.tokens, node.tokens);
    for (const child of node.children) await checkNode(t, child, context);
  }
});

t.test('the context limits a prompt and what follows, whatever is cached', async (t) => {
  const small = async (options: LLaMaOptions, use: (lm: LLaMa) => Promise<void>) => {
    await using own = new LLaMa(lm.model, { ...exact, ...options });
    await use(own);
  };
  const long = ' word'.repeat(50);
  const asking = (prompt: string) => make(text(prompt), choose([' a', ' dog']), complete(2));
  await small({ contextSize: 64 }, async (own) => {
    await own.ingest('The');
    for (const engine of [own, new StepwiseLM(own)]) {
      const refused = engine.evaluate(asking(`The${long.repeat(3)}`));
      await t.rejects(refused, { name: 'ContextOverflowError', message: /Action '0'/ });
      t.equal((await engine.evaluate(asking('The'))).end, 'exhausted');
    }
  });
  const expected = await lm.evaluate(asking(`The${long}`));
  await small({ contextSize: 512, batchSize: 16, microBatchSize: 8 }, async (own) => {
    const found = await own.evaluate(asking(`The${long}`));
    t.ok(found.root.tokens.length > 16, 'a prompt of several batches');
    near(t, found.best()?.logprob as number, expected.best()?.logprob as number, 'its score');
  });
});

onBoth('the tokens of a stop are not continued, and count in the score', async (t, engine) => {
  const stops = [
    { stop: '.' },
    { stop: { tokens: { tokens: ['.'] } } },
    { stop: ['\n', ' is', '.'], beams: 3 },
  ];
  for (const each of stops) {
    const automaton = make(text('The capital of France'), complete(8, each), choose([' x', '.']));
    const { root } = await engine.evaluate(automaton);
    for (const node of root.children) {
      t.equal(node.logprobs.length, node.tokens.length);
      t.equal(node.stop?.logprobs.length, node.stop?.tokens.length);
      await checkNode(t, node, root.tokens);
      if (node.stop?.reason !== 'length') t.ok(node.stop?.tokens.length, `${node.stop?.reason}`);
      const context = join(root.tokens, node.tokens);
      for (const child of node.children) await checkNode(t, child, context);
    }
  }
});

t.test('an empty stop is refused, and is none in a file of AutoCog', async (t) => {
  for (const stop of ['', ['.', '']]) {
    t.throws(() => make(text('a'), complete(2, { stop })), { message: /actions\[1\] '1'\.stop/ });
  }
  const file = { uid: 'a', type: 'complete', length: 3, stop_text: '', successors: [] };
  const automaton = Automaton.fromAutoCog({
    actions: [{ uid: 'p', type: 'text', text: 'The', successors: ['a'] }, file],
  });
  t.ok(first((await lm.evaluate(automaton)).root).tokens.length > 0);
});

onBoth('diversity with one beam changes nothing', async (t, engine) => {
  const plain = first((await engine.evaluate(make(text('The'), complete(6)))).root);
  const rest = { diversity: 2, ahead: 3 };
  const found = first((await engine.evaluate(make(text('The'), complete(6, rest)))).root);
  t.equal(found.text, plain.text);
  near(t, found.logprob, plain.logprob, 'its score');
  const wide = complete(4, { ...rest, beams: 3, repetition: 1 });
  for (const node of (await engine.evaluate(make(text('The'), wide))).root.children) {
    t.ok(Number.isFinite(node.score) && Number.isFinite(node.pathScore));
  }
});

const { bos, endOfGeneration } = lm.model.vocab;
const controls = new Set([
  ...lm.model.tokenizeSync('<|im_start|><|im_end|>', { parseSpecial: true }),
]);

onBoth('a prompt begins with the begin token, once', async (t, engine) => {
  t.type(bos, 'number');
  for (const actions of [
    [text('The'), choose([' x', ' y'])],
    [choose(['The', 'A'])],
    [text(''), text('The', { evaluate: true })],
  ]) {
    const { root } = await engine.evaluate(make(...actions));
    t.equal(root.tokens[0], bos);
    const count = (node: ThoughtNode): number =>
      [...node.tokens].filter((token) => token === bos).length +
      Math.max(0, ...node.children.map(count));
    t.equal(count(root), 1);
  }
});

onBoth('texts never become control tokens', async (t, engine) => {
  t.equal(controls.size, 2);
  const special = '<|im_start|>';
  const begins: [string, string] = [`${special}user`, ' The<|im_end|>'];
  for (const boundary of ['separate', 'healed'] as const) {
    const automaton = make(
      text(begins[0]),
      choose([special, begins[1]]),
      text(special, { evaluate: true }),
      text(special),
      complete(3, { stop: '<|im_end|>', vocabulary: { tokens: [special, '<|im_end|>'] } }),
    );
    const tree = await engine.evaluate(automaton, { boundary });
    const visit = (node: ThoughtNode): void => {
      t.notOk(
        [...node.tokens].some((token) => controls.has(token)),
        `${node.action}: ${node.text}`,
      );
      for (const child of node.children) visit(child);
    };
    visit(tree.root);
    t.ok(tree.best()?.text.startsWith(begins[0]));
    t.ok((tree.best()?.logprob as number) > -Infinity);
  }
});

onBoth('an end of generation ends a text, whatever its vocabulary', async (t, engine) => {
  // The default model ends its answer.
  const prompt = 'Question: What is the capital of France?\nAnswer:';
  const seen = new Set<string | undefined>();
  for (const vocabulary of [undefined, { regex: '^[ A-Za-z.]+$' }]) {
    const rest = vocabulary === undefined ? {} : { vocabulary };
    const { root } = await engine.evaluate(make(text(prompt), complete(60, { ...rest, beams: 2 })));
    for (const node of root.children) {
      seen.add(node.stop?.reason);
      t.notOk([...node.tokens].some((token) => endOfGeneration.includes(token)));
      if (node.stop?.reason === 'eog') t.ok(endOfGeneration.includes(at(node.stop.tokens, 0)));
      await checkNode(t, node, root.tokens);
    }
  }
  t.ok(seen.has('eog'), [...seen].join());
});

onBoth('a completion may be the last action', async (t, engine) => {
  for (const actions of [
    [text('The'), complete(3)],
    [complete(3, { beams: 2 })],
    [text('The'), complete(2), complete(2)],
  ]) {
    const tree = await engine.evaluate(make(...actions));
    t.equal(tree.end, 'exhausted');
    t.ok(tree.paths().length > 0);
    for (const { node } of tree.paths()) t.same(node.children, []);
  }
});

onBoth('width keeps the best, and the best is never dropped', async (t, engine) => {
  const choices = [' blue', ' green', ' red', ' Paris', ' the', '.'];
  const all = await engine.evaluate(make(text('The sky is'), choose(choices)));
  const scores = all.root.children.map(({ score }) => score);
  for (let width = 1; width < choices.length; width++) {
    const automaton = make(text('The sky is'), choose(choices, { width, threshold: 1 }));
    const { children } = (await engine.evaluate(automaton)).root;
    t.equal(children[0]?.pruned, undefined);
    t.ok(children.slice(1).every(({ pruned }) => pruned !== undefined));
    const kept = await engine.evaluate(make(text('The sky is'), choose(choices, { width })));
    const open = kept.root.children.filter(({ pruned }) => pruned === undefined);
    t.equal(open.length, width);
    near(t, at(open, width - 1).score, at(scores, width - 1), `of the best ${width}`);
  }
  const beams = await engine.evaluate(
    make(text('The sky is'), complete(3, { beams: 4, width: 1 })),
  );
  const [best, ...others] = beams.root.children;
  t.equal(best?.pruned, undefined);
  t.ok(others.every(({ pruned, score }) => pruned === 'width' && score <= (best?.score as number)));
});

onBoth('a choice that begins another one stays a choice of its own', async (t, engine) => {
  const choices = [' red', ' red house', ' red'];
  const { root } = await engine.evaluate(make(text('A'), choose(choices, { terminator: '.' })));
  t.same(root.children.map((node) => node.text).sort(), [' red', ' red', ' red house']);
  for (const node of root.children) await checkNode(t, node, root.tokens);
});

t.test('choices that are impossible have the probability 0', async (t) => {
  class CertainLM extends RandomLM {
    protected override async greedyImpl(): Promise<Float32Array> {
      return new Float32Array(258).map((_, token) => (token === 97 ? 0 : -Infinity));
    }
  }
  const impossible = new CertainLM();
  const tree = await impossible.evaluate(make(text('x'), choose(['b', 'c']), choose(['a', 'b'])));
  for (const node of tree.root.children) t.match(node, { probability: 0, logprob: -Infinity });
  t.equal(tree.best()?.score, -Infinity);
  t.doesNotThrow(() => JSON.stringify(tree));
});

onBoth('a second run is like the first', async (t, engine) => {
  const automaton = make(text('The'), choose([' sky', ' dog']), complete(3, { beams: 2 }));
  const before = JSON.stringify(automaton);
  const nodesOf = (root: ThoughtNode): unknown[] => {
    const { text: own, tokens, logprob } = root;
    return [[own, [...tokens], logprob.toFixed(4)], root.children.map(nodesOf)];
  };
  const runs = [await engine.evaluate(automaton), await engine.evaluate(automaton)];
  t.same(nodesOf(at(runs, 1).root), nodesOf(at(runs, 0).root));
  t.equal(JSON.stringify(automaton), before);
});

t.test('two models are loaded, used and closed in any order', async (t) => {
  const automaton = make(text('The sky is'), choose([' blue', ' green']), complete(2));
  const expected = (await lm.evaluate(automaton)).best();
  for (const isReversed of [false, true]) {
    const pair = await Promise.all([1, 2].map(() => LLaMa.load(path, exact)));
    const trees = await Promise.all(pair.map((each) => each.evaluate(automaton)));
    for (const tree of trees) t.equal(tree.best()?.text, expected?.text);
    const order = isReversed ? [...pair].reverse() : pair;
    await at(order, 0).close();
    t.equal((await at(order, 1).evaluate(automaton)).best()?.text, expected?.text);
    await at(order, 1).close();
    await Promise.all(pair.map((each) => each.close()));
  }
  t.equal((await lm.evaluate(automaton)).best()?.text, expected?.text);
});
