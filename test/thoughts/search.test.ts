// The search over thoughts on the default model: limits, forks, stops, what is decoded, and what is
// refused before anything is.

import {
  Automaton,
  type AutomatonJSON,
  defaultModelPath,
  LLaMa,
  type ThoughtNode,
} from 'autocog-lm';
import t from 'tap';
import { at } from '../suite/oracle.js';
import { ToyLM } from '../suite/toy-lm.js';
import { exact } from '../support/forms.js';
import { StepwiseLM } from '../support/stepwise-lm.js';

const lm = await LLaMa.load(defaultModelPath, exact);
t.teardown(() => lm.close());

const begin = { id: 'begin', type: 'text', text: 'The sky is' } as const;
const make = (...actions: object[]): Automaton => Automaton.fromJSON({ actions });
const nodesOf = (root: ThoughtNode): ThoughtNode[] => [root, ...root.children.flatMap(nodesOf)];

t.test('three fields of four choices decode each distinct prefix once', async (t) => {
  const field = (id: string, next: string[], choices: string[]): object[] => [
    { id: `${id}:`, type: 'text', text: `\n${id}:`, next: [id] },
    { id, type: 'choose', choices, width: 4, next },
  ];
  const automaton = make(
    { ...begin, text: 'A red car drove by.', next: ['what:'] },
    ...field('what', ['color:'], [' car', ' dog', ' house', ' tree', ' ship']),
    ...field('color', ['speed:'], [' red', ' blue', ' green', ' white', ' very dark blue']),
    ...field('speed', [], [' fast', ' slow', ' still', ' unknown']),
  );
  await lm.clear();
  const tree = await lm.evaluate(automaton);
  t.equal(tree.paths().length, 64);
  // A prefix is decoded if something after it is scored.
  const prefixes = new Set<string>();
  const visit = (node: ThoughtNode, before: number[], needed: boolean): void => {
    const scored = node.logprob !== 0;
    const tokens = [...node.tokens];
    const isNeeded = node.children.length > 0;
    for (let length = 1; length <= tokens.length; length++) {
      const isInner = scored && length < tokens.length;
      if (isInner || isNeeded || needed) prefixes.add(`${[...before, ...tokens.slice(0, length)]}`);
    }
    for (const child of node.children) visit(child, [...before, ...tokens], false);
  };
  visit(tree.root, [], false);
  t.equal(tree.usage.decodedTokens, prefixes.size);
  const attributed = nodesOf(tree.root).reduce((sum, node) => sum + node.decodedTokens, 0);
  t.equal(attributed + tree.root.tokens.length, prefixes.size);
  t.ok(tree.usage.decodeCalls <= 8, `${tree.usage.decodeCalls} decodes`);
});

t.test('after a fork, all actions continue the same thought', async (t) => {
  const automaton = make(
    { ...begin, next: ['choice', 'text', 'more'] },
    { id: 'choice', type: 'choose', choices: [' blue', ' green'] },
    { id: 'text', type: 'text', text: ' blue', evaluate: true },
    { id: 'more', type: 'complete', maxTokens: 1 },
  );
  const { root } = await lm.evaluate(automaton);
  const byAction = (id: string) => root.children.filter(({ action }) => action === id);
  t.equal(byAction('choice').length, 2);
  const blue = byAction('choice').find(({ text }) => text === ' blue') as ThoughtNode;
  t.ok(Math.abs(at(byAction('text'), 0).logprob - blue.logprob) < 1e-4);
  t.equal(at(byAction('text'), 0).probability, 1, 'among the results of its own action');
  t.equal(byAction('more').length, 1);
});

t.test('each choice may have its own successor', async (t) => {
  const automaton = make(
    { ...begin, next: ['choice'] },
    { id: 'choice', type: 'choose', choices: [' blue', ' green'], next: ['day', 'storm'] },
    { id: 'day', type: 'text', text: ': a fine day' },
    { id: 'storm', type: 'text', text: ': run!' },
  );
  const tree = await lm.evaluate(automaton);
  t.same(
    tree
      .paths()
      .map(({ text }) => text)
      .sort(),
    ['The sky is blue: a fine day', 'The sky is green: run!'],
  );
});

t.test('limits end a search, and say so', async (t) => {
  const loop = make(
    { ...begin, text: 'Dice:', next: ['roll'] },
    {
      id: 'roll',
      type: 'choose',
      choices: [' 1', ' 2', ' 3'],
      width: 2,
      next: ['roll', 'roll', 'end'],
    },
    { id: 'end', type: 'text', text: '!' },
  );
  await t.rejects(lm.evaluate(loop), {
    name: 'RangeError',
    message:
      "Expected maxThoughts, maxTokens or stopAfter, as 'roll' is in a cycle, for options, got undefined",
  });
  const some = await lm.evaluate(loop, { maxThoughts: 30 });
  t.equal(some.end, 'maxThoughts');
  const tokens = await lm.evaluate(loop, { maxTokens: 40 });
  t.equal(tokens.end, 'maxTokens');
  const one = await lm.evaluate(loop, { stopAfter: 1, maxThoughts: 1000 });
  t.equal(one.end, 'stopAfter');
  t.ok(one.paths().length >= 1);
  t.ok(nodesOf(one.root).some(({ pruned }) => pruned === 'abandoned'));
  const wide = make({ ...begin, next: ['c'] }, { id: 'c', type: 'choose', choices: [' a', ' b'] });
  await t.rejects(lm.evaluate(wide, { until: 'best' }), { name: 'RangeError' });
  const best = await lm.evaluate(wide, { until: 'best', metric: 'sum' });
  t.equal(best.end, 'exhausted');
});

t.test("'best' ends when no open thought can win", async (t) => {
  const automaton = make(
    { ...begin, next: ['color'] },
    { id: 'color', type: 'choose', choices: [' blue', ' qqqqqqqq'], next: ['end', 'more'] },
    { id: 'end', type: 'text', text: '.' },
    { id: 'more', type: 'complete', maxTokens: 5 },
  );
  const tree = await lm.evaluate(automaton, { metric: 'sum', until: 'best' });
  t.equal(tree.end, 'best');
  t.equal(tree.best()?.text, 'The sky is blue.');
  const all = await lm.evaluate(automaton, { metric: 'sum' });
  t.equal(all.best()?.text, tree.best()?.text);
});

t.test('a stop inside a token: the text ends there, and goes on from there', async (t) => {
  const { text } = await lm.complete('The sky is', { maxTokens: 6 });
  // The second letter of the first word is inside its token.
  const stop = text.slice(2, 3);
  const automaton = make(
    { ...begin, next: ['more'] },
    { id: 'more', type: 'complete', maxTokens: 6, stop, next: ['end'] },
    { id: 'end', type: 'text', text: ' end', evaluate: true },
  );
  const tree = await lm.evaluate(automaton);
  const node = at(tree.root.children, 0);
  t.equal(node.text, text.slice(0, 2));
  t.equal(await lm.detokenize(node.tokens, { continuation: true }), node.text);
  t.equal(node.stop?.reason, 'text');
  t.equal(node.stop?.text, stop);
  t.ok(
    node.logprobs.every((value) => value === 0),
    'these tokens were not generated',
  );
  t.ok((node.stop?.logprobs[0] as number) < 0, 'the token with the stop was');
  t.equal(
    node.logprob,
    node.stop?.logprobs.reduce((sum, value) => sum + value, 0),
  );
  t.equal(tree.best()?.text, `The sky is${node.text} end`);
});

t.test('stops and vocabularies', async (t) => {
  const complete = (rest: object): Automaton =>
    make(
      { ...begin, text: 'A number: ', next: ['n'] },
      { id: 'n', type: 'complete', maxTokens: 5, ...rest },
    );
  const digits = { regex: '^[0-9]+$' };
  const tree = await lm.evaluate(complete({ vocabulary: digits, beams: 3, stop: '.' }));
  for (const { text } of tree.root.children) t.match(text, /^[0-9]*$/);
  await t.rejects(lm.evaluate(complete({ vocabulary: digits, stop: 'the end of it' })), {
    name: 'RangeError',
    message:
      /a text that the vocabulary can produce for actions\[1\] 'n'.stop\[0\], got "the end of it"/,
  });
  await t.rejects(lm.evaluate(complete({ vocabulary: { regex: '^nothing like it$' } })), {
    name: 'RangeError',
    message: /actions\[1\] 'n'.vocabulary/,
  });
  const letters = complete({ vocabulary: { regex: '^[a-z ]+$' }, stop: 'e', beams: 2 });
  for (const { text } of (await lm.evaluate(letters)).root.children) t.notMatch(text, /e/);
  const both = complete({ stop: [{ tokens: { tokens: [' '] } }, { control: '<|nothing|>' }] });
  t.ok((await lm.evaluate(both)).root.children.length === 1);
});

t.test('a completion has each text once, whatever ended it', async (t) => {
  const automaton = make(
    { ...begin, text: 'Review: The food was terrible.', next: ['reason'] },
    { id: 'reason', type: 'complete', maxTokens: 12, beams: 6, stop: ['.', '!', '\n'] },
  );
  const { root } = await lm.evaluate(automaton);
  const texts = root.children.map(({ text }) => text);
  t.equal(texts.length, 6);
  t.equal(new Set(texts).size, 6, texts.join(' |'));
  t.equal(texts[0], ' Nobody should try it');
  // It may end with ".", or with ".\n"; the more likely one is kept.
  t.same(await lm.detokenize(at(root.children, 0).stop?.tokens as Int32Array), '.\n');
  const [first, reason] = automaton.toJSON().actions as [object, object];
  const others = await lm.evaluate(make(first, { ...reason, diversity: 2, repetition: 1 }));
  t.equal(new Set(others.root.children.map(({ text }) => text)).size, others.root.children.length);
});

t.test('what does not fit in the context is refused before anything is decoded', async (t) => {
  await using small = new LLaMa(lm.model, { ...exact, contextSize: 32 });
  const long = ' word'.repeat(40);
  const fixed = make(
    { ...begin, next: ['a'] },
    { id: 'a', type: 'choose', choices: [' x', ' y'], next: ['long', 'short'] },
    { id: 'long', type: 'text', text: long },
    { id: 'short', type: 'text', text: '.' },
  );
  await t.rejects(small.evaluate(fixed), {
    name: 'ContextOverflowError',
    message: /Action 'long'/,
  });
  const deep = make({ ...begin, next: ['a'] }, { id: 'a', type: 'choose', choices: [' x', long] });
  await t.rejects(small.evaluate(deep), { name: 'ContextOverflowError', message: /Action 'a'/ });
  const grows = make(
    { ...begin, next: ['more'] },
    {
      id: 'more',
      type: 'complete',
      maxTokens: 100,
      vocabulary: { regex: '^ [a-z]+$' },
      next: ['end'],
    },
    { id: 'end', type: 'text', text: ' and so on', next: ['z'] },
    { id: 'z', type: 'choose', choices: [' a', ' b'] },
  );
  for (const each of [small, new StepwiseLM(small)]) {
    const tree = await each.evaluate(grows);
    const node = at(tree.root.children, 0);
    if (node.stop?.reason !== 'context') continue;
    t.equal(at(node.children, 0).pruned, 'abandoned');
    t.equal(tree.best(), undefined);
  }
});

t.test('an automaton may begin with a choice, or with nothing', async (t) => {
  const choices = ['The sky', 'A dog'];
  const first = await lm.evaluate(make({ id: 'c', type: 'choose', choices }));
  t.equal(first.root.action, '');
  const expected = await lm.choose(
    first.root.tokens,
    choices.map((_, i) => {
      return (first.root.children.find(({ text }) => text === choices[i]) as ThoughtNode).tokens;
    }),
  );
  for (const [index, text] of choices.entries()) {
    const node = first.root.children.find((each) => each.text === text) as ThoughtNode;
    t.ok(Math.abs(node.logprob - at(expected.choices, index).logprob) < 1e-3);
  }
  const empty = await lm.evaluate(
    make({ id: 'e', type: 'text', text: '', next: ['c'] }, { id: 'c', type: 'choose', choices }),
  );
  t.same(
    empty.root.children.map(({ logprob }) => logprob),
    first.root.children.map(({ logprob }) => logprob),
  );
  class Plain extends ToyLM {
    override tokenize(text: string) {
      return super.tokenize(text);
    }
  }
  await t.rejects(new Plain().evaluate(make({ id: 'c', type: 'text', text: '' })), {
    name: 'RangeError',
    message: /no beginning token, for actions\[0\] 'c'/,
  });
});

t.test('thousands of choices, thoughts and texts', async (t) => {
  const choices = Array.from({ length: 3000 }, (_, index) => ` number ${index}`);
  const many = make(
    { ...begin, next: ['c'] },
    { id: 'c', type: 'choose', choices, width: 300, next: ['.'] },
    { id: '.', type: 'text', text: '. It is', next: ['d'] },
    { id: 'd', type: 'choose', choices: [' even', ' odd'], width: 1 },
  );
  const tree = await lm.evaluate(many);
  t.equal(tree.paths().length, 300);
  const choice = await lm.choose('The sky is', choices, { normalize: 'tokens' });
  for (const node of tree.root.children.slice(0, 50)) {
    const own = at(choice.choices, choices.indexOf(node.text));
    t.ok(Math.abs(node.score - own.score) < 1e-3, node.text);
  }
  const actions: AutomatonJSON['actions'] = Array.from({ length: 5000 }, (_, index) => ({
    id: `${index}`,
    type: 'text' as const,
    text: index % 100 === 0 ? ' x' : '',
    next: index < 4999 ? [`${index + 1}`] : [],
  }));
  const chain = await lm.evaluate(Automaton.fromJSON({ actions }));
  t.equal(chain.paths().length, 1);
  t.equal(chain.best()?.nodes.length, 5000);
  t.ok(chain.toGraphviz().includes('n4999'));
  t.ok(JSON.stringify(chain.toJSON()).length > 5000);
});

t.test('wrong arguments', async (t) => {
  const automaton = make(begin);
  await t.rejects(lm.evaluate({} as never), { name: 'TypeError' });
  for (const options of [
    { maxThoughts: 0 },
    { maxTokens: 0.5 },
    { stopAfter: -1 },
    { metric: 'max' },
    { boundary: 'joint' },
    { until: 'never' },
    { onProgress: 1 },
    { stopOnAbort: 1 },
    { other: 1 },
  ]) {
    await t.rejects(lm.evaluate(automaton, options as never), { name: /TypeError|RangeError/ });
  }
  await using closed = new LLaMa(lm.model, exact);
  await closed.close();
  await t.rejects(closed.evaluate(automaton), { code: 'CLOSED' });
});
