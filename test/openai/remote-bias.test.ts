// Choosing without numbers: by bias, token by token, and by labels. Includes the cases that
// AutoCog's own implementation got wrong.

import fc from 'fast-check';
import t from 'tap';
import { RemoteChooser } from '../../lib/openai/choose/choose.js';
import type { RemoteChooseOptions } from '../../lib/openai/choose/choose-options.js';
import { labelsOf, messageOf, readReply } from '../../lib/openai/choose/strategy-prompted.js';
import { matchReply } from '../../lib/openai/choose/token-match.js';
import { at } from '../suite/oracle.js';
import { DiceLM } from '../support/dice-lm.js';
import { walkGreedily } from './greedy-walk.js';
import { engineOf, type LMApiOptions } from './lm-api.js';

const textOf = (token: number): string => 'abcde'[token] ?? '';

/** A chooser over a DiceLM, and the requests sent since the probe. */
async function setUp(seed: number, more: Partial<LMApiOptions> = {}) {
  const lm = new DiceLM(seed);
  const engine = engineOf({ lm, maxTop: 0, naming: 'ids', textOf, ...more });
  const chooser = new RemoteChooser(engine);
  await chooser.probe();
  const before = engine.api.bodies.length;
  const sent = () => engine.api.bodies.slice(before);
  return { lm, engine, chooser, sent };
}

const letters = fc.string({ unit: fc.constantFrom(...'abcde'), minLength: 1, maxLength: 6 });
const question = fc.record({
  seed: fc.integer(),
  prompt: letters,
  choices: fc.array(letters, { minLength: 1, maxLength: 20 }),
  maxTop: fc.constantFrom(0, 3),
  naming: fc.constantFrom('ids', 'texts'),
  terminator: fc.constantFrom('none', 'eog', 'e'),
} as const);

t.test('it follows the most likely token, for random sets of choices', async (t) => {
  let compared = 0;
  const property = fc.asyncProperty(question, async (sample) => {
    const { seed, prompt, choices, terminator, ...server } = sample;
    const { lm, chooser } = await setUp(seed, server);
    const found = await chooser.choose(prompt, choices, { terminator, strategy: 'bias' });
    const index = await walkGreedily(lm, prompt, choices, terminator, 0);
    if (found.text !== choices[found.index]) throw new Error('It is not one of the choices');
    if (index === undefined) return;
    compared++;
    if (found.text !== choices[index]) throw new Error(`${found.text}, not ${choices[index]}`);
    const ranks = choices.map((text) => (text === found.text ? 1 : 2));
    if (`${found.choices.map(({ rank }) => rank)}` !== `${ranks}`) throw new Error('ranks');
  });
  await fc.assert(property, { numRuns: 2000 });
  t.ok(compared > 500, `${compared} of 2000 have no ties`);
});

t.test('choices of several lengths are walked to their ends', async (t) => {
  // Zipping the positions to the shortest choice would look only at the first one.
  for (let seed = 0; seed < 40; seed++) {
    const { lm, chooser } = await setUp(seed);
    const choices = ['ab', 'acd', 'acbe', 'acbad'];
    const { text } = await chooser.choose('a', choices, { strategy: 'bias' });
    const index = await walkGreedily(lm, 'a', choices, 'none', 0);
    if (index !== undefined) t.equal(text, choices[index]);
  }
});

t.test('once a token is selected, only its continuations are candidates', async (t) => {
  for (let seed = 0; seed < 20; seed++) {
    const { chooser, sent } = await setUp(seed);
    await chooser.choose('a', ['aca', 'ada', 'bea', 'bca'], { strategy: 'bias' });
    const offered = sent().map(({ logit_bias = {} }) => Object.keys(logit_bias).map(Number));
    t.same(offered[0], [0, 1]);
    t.ok(['2,3', '2,4'].includes(`${offered[1]}`), 'the second token of the remaining choices');
    t.equal(offered.length, 2, 'the last token is never requested');
  }
});

t.test(
  'a reply that the tokenizer would split differently still matches its candidate',
  async (t) => {
    // The third token has the text of two other tokens, like one that the tokenizer would split.
    const whole = (token: number): string => (token === 2 ? 'ab' : textOf(token));
    for (const naming of ['ids', 'texts'] as const) {
      for (let seed = 0; seed < 10; seed++) {
        const { lm, chooser } = await setUp(seed, { naming, textOf: whole });
        const choices = [[2], [3], [4]].map((path) => Int32Array.from(path));
        const { index } = await chooser.choose('a', choices, { strategy: 'bias' });
        const row = await lm.greedy('a');
        const highest = Math.max(at(row, 2), at(row, 3), at(row, 4));
        t.equal(row[index + 2], highest);
      }
    }
  },
);

t.test('tokens that all choices share need no request', async (t) => {
  const { chooser, sent } = await setUp(1);
  const one = await chooser.choose('a', ['bcd', 'bcd'], { strategy: 'bias' });
  t.equal(sent().length, 0);
  t.same([one.index, one.text, one.usage.decodeCalls], [0, 'bcd', 0]);
  await chooser.choose('a', ['bcda', 'bcde'], { strategy: 'bias' });
  t.equal(sent().length, 1);
  t.same(sent()[0]?.prompt, [0, 1, 2, 3], 'where they diverge');
});

t.test('a choice without numbers has NaN everywhere', async (t) => {
  const { chooser } = await setUp(2);
  const found = await chooser.choose('a', ['ab', 'cd', 'ab', 'e'], { strategy: 'bias' });
  t.equal(found.numbers, 'none');
  t.ok(
    [found.logprob, found.score, found.probability, found.mass, found.margin].every(Number.isNaN),
  );
  t.equal(found.certified, 0);
  t.same(found.massInterval, [0, 1]);
  for (const { text, rank, exact, interval, logprobs, tokens } of found.choices) {
    t.equal(rank, text === found.text ? 1 : 2);
    t.same([exact, interval], [false, [0, 1]]);
    t.equal(logprobs.length, tokens.length);
    t.ok(logprobs.every(Number.isNaN));
  }
  t.equal(found.tree.nodes()[1]?.text, 'a');
  t.equal(found.tree.nodes()[1]?.logprob, undefined);
});

t.test('options that need numbers are rejected', async (t) => {
  const { chooser } = await setUp(2);
  const refused: RemoteChooseOptions[] = [
    { normalize: 'tokens' },
    { prior: 'a' },
    { search: 'bound' },
    { top: 1 },
    { tolerance: 0.5 },
    { batching: 'sequential' },
    { details: true },
    { instruction: 'Choose' },
  ];
  for (const options of refused) {
    const call = chooser.choose('a', ['b', 'c'], { ...options, strategy: 'bias' });
    await t.rejects(call, { code: 'NOT_SUPPORTED' }, JSON.stringify(options));
  }
  await t.rejects(chooser.choose('a', ['b', 'c'], { strategy: 'guess' as 'bias' }), TypeError);
  await t.rejects(chooser.choose('a', ['b', ''], { strategy: 'bias' }), RangeError);
  await t.rejects(chooser.choose('a', [], { strategy: 'bias' }), RangeError);
});

t.test('a server without logit_bias is not supported', async (t) => {
  const { chooser } = await setUp(2, { biases: false });
  const call = chooser.choose('a', ['b', 'c'], { strategy: 'bias' });
  await t.rejects(call, { code: 'NOT_SUPPORTED' });
  await t.rejects(chooser.choose('a', ['b', 'c']), { code: 'NOT_SUPPORTED' });
});

t.test('replies are matched by id, then bytes, then text', async (t) => {
  const name = (token: number, text: string) => ({ token, text, bytes: Buffer.from(text) });
  const candidates = [name(1, ' blue'), name(2, 'blue'), name(3, ' é')];
  const reply = (text: string, logprobs?: object) => {
    return matchReply(candidates, { index: 0, text, finishReason: 'length', logprobs });
  };
  const content = (fields: object) => ({ content: [{ token: 'x', logprob: 0, ...fields }] });
  t.equal(reply('anything', content({ id: 2 })), candidates[1]);
  t.equal(reply(' blue', content({ id: 9 })), 'none', 'the id takes precedence');
  t.equal(reply('?', content({ bytes: [...Buffer.from(' é')] })), candidates[2]);
  t.equal(reply(' blue'), candidates[0]);
  t.equal(reply('é'), candidates[2], 'white space may be trimmed');
  t.equal(reply('blue '), 'ambiguous');
  t.equal(reply('green'), 'none');
  t.equal(reply(''), 'none');
  t.equal(reply(' blue', { content: [{ token: ' b' }, { token: 'lue' }] }), 'none');
});

t.test('labels have one width, and replies are read with tolerance', async (t) => {
  t.same(labelsOf(3), ['1', '2', '3']);
  const many = labelsOf(1000);
  t.same([many[0], many[998], many.length], ['0001', '0999', 1000]);
  const message = messageOf('The sky is', 'Choose.', [' blue', ' red']);
  t.equal(message, 'The sky is\n\nChoose.\n\n1.  blue\n2.  red');
  const colors = ['blue', 'red', 'dark red'];
  const cases: [string, number][] = [
    ['2', 1],
    [' **3**.', 2],
    ['"1"', 0],
    ['(2) red', 1],
    ['2. blue', 1],
    ['Red.', 1],
    ['dark red', 2],
    ['03', -1],
    ['4', -1],
    ['reddish', -1],
    ['', -1],
    ['I do not know', -1],
  ];
  for (const [reply, index] of cases)
    t.equal(readReply(reply, colors), index, JSON.stringify(reply));
  const twelve = Array.from({ length: 12 }, (_, index) => `option ${index}`);
  t.equal(readReply('7', twelve), 6, 'a zero may be missing');
  t.equal(readReply('012', twelve), -1);
  t.equal(readReply('red', ['Red', 'red']), 1, 'the exact text before one that is alike');
  t.equal(readReply('RED', ['Red', 'red']), -1);
});
