// RandomLM: the contract of every LM, the generator's known numbers, and AutoCog's random model.

import { Automaton, RandomLM, type RandomLMOptions } from 'autocog-lm';
import t from 'tap';
import { bitsOf } from '../../lib/common/bits.js';
import { MersenneTwister } from '../../lib/common/mersenne-twister.js';
import { lmSuite } from '../suite/lm-suite.js';
import { sum } from '../suite/oracle.js';

lmSuite(t, {
  make: () => new RandomLM({ seed: 3 }),
  prompt: 'One morning, ',
  choices: ['the sun', 'the moon', 'a star'],
  tolerance: 1e-9,
});

/** A RandomLM with its protected methods. */
class OpenRandomLM extends RandomLM {
  next(allowed: Uint8Array | undefined) {
    return this.nextAllowed(new Int32Array(1), allowed);
  }
}

const near = (found: number, expected: number): boolean => Math.abs(found - expected) < 1e-6;

t.test('the generator is std::mt19937', async (t) => {
  const generator = new MersenneTwister(5489);
  for (let count = 1; count < 10_000; count++) generator.next();
  t.equal(generator.next(), 4123659995);
  t.equal(new MersenneTwister(42).next(), 1608637542);
});

t.test('probabilities depend on the seed and the tokens alone', async (t) => {
  const lm = new RandomLM({ seed: 7 });
  const first = await lm.greedy('The sky is');
  await lm.choose('Another', ['a', 'b']);
  t.same(await lm.greedy('The sky is'), first);
  t.same(await new RandomLM({ seed: 7 }).greedy('The sky is'), first);
  t.notSame(await new RandomLM({ seed: 8 }).greedy('The sky is'), first);
  t.notSame(await lm.greedy('The sky iz'), first);
  t.ok(near(sum(first.map(Math.exp)), 1));
  t.equal(first[256], -Infinity, 'nothing is followed by a begin');
  const { text } = await lm.complete('The sky is', { maxTokens: 40 });
  t.match(text, /^[\t\n -~]*$/);
});

t.test('texts are their bytes', async (t) => {
  const lm = new RandomLM();
  const text = 'Zoë 😀 <end>';
  t.same([...(await lm.tokenize(text))], [...Buffer.from(text)]);
  t.equal(await lm.detokenize(await lm.tokenize(text)), text);
  const special = await lm.tokenize('<begin>a<end>', { parseSpecial: true });
  t.same([...special], [256, 97, 257]);
  t.equal(await lm.detokenize(special), 'a');
  t.equal(await lm.detokenize(special, { special: true }), '<begin>a<end>');
});

t.test('a sequence gives the numbers of the random model of AutoCog', async (t) => {
  const lm = new RandomLM({ draws: 'sequence' });
  const { choices, text } = await lm.choose('What is 2+2? ', ['3', '4', '5', '6']);
  t.equal(text, '6');
  const expected = [0.938536, 3.184601, 6.020242, 0.405297];
  t.ok(choices.every(({ logprob }, index) => near(-logprob, expected[index] as number)));
  const older = new RandomLM({ draws: 'sequence', law: 'uniform' });
  const uniform = await older.choose('What is 2+2? ', ['3', '4', '5', '6']);
  // The stored tree of its random model.
  t.same(
    uniform.choices.map(({ logprob }) => -logprob),
    [3.74540114402771, 7.96543025970459, 9.507143020629883, 1.8343478441238403],
  );
});

t.test('completions take one number for each allowed token', async (t) => {
  const complete = async (
    options: RandomLMOptions,
    allowed: string | undefined,
    length: number,
  ) => {
    const lm = new OpenRandomLM({ ...options, draws: 'sequence' });
    const set = allowed === undefined ? undefined : bitsOf(Buffer.from(allowed), 258);
    let text = '';
    let total = 0;
    for (let count = 0; count < length; count++) {
      const next = await lm.next(set);
      const best = next.indexOf(Math.max(...next));
      text += String.fromCharCode(best);
      total -= next[best] as number;
    }
    return { text, total };
  };
  const letters = await complete({ seed: 42 }, 'abcdefghijklmnopqrstuvwxyz', 10);
  t.equal(letters.text, 'ubnvmokokr');
  t.ok(Math.abs(letters.total - 0.58121) < 1e-5);
  const digits = await complete({ seed: 7 }, '0123456789', 8);
  t.equal(digits.text, '07685909');
  t.ok(Math.abs(digits.total - 1.60476) < 1e-5);
  // The stored tree of the older random model, which ignored vocabularies.
  const older = await complete({ law: 'uniform' }, undefined, 10);
  t.equal(older.text, ';Q]YDj~@VY');
  t.ok(near(older.total, 0.8554486036300659));
  const lm = new OpenRandomLM({ draws: 'sequence' });
  const all = await lm.next(undefined);
  t.equal(all.filter((value) => value > -Infinity).length, 95 + 2 + 2);
  t.ok((await lm.next(bitsOf([0, 200], 258))).every((value) => value === -Infinity));
  const ordinary = new OpenRandomLM();
  t.same(await ordinary.next(bitsOf([3], 258)), await ordinary.greedy(new Int32Array(1)));
});

t.test('invalid options and calls are refused', async (t) => {
  const invalid = [
    { seed: -1 },
    { seed: 1.5 },
    { law: 'normal' },
    { draws: 1 },
    { contextSize: 0 },
    { x: 1 },
  ];
  for (const options of invalid) t.throws(() => new RandomLM(options as never));
  const lm = new RandomLM({ draws: 'sequence' });
  await t.rejects(lm.choose('a', ['b'], { details: true }), { code: 'NOT_SUPPORTED' });
  const small = new RandomLM({ contextSize: 4 });
  await t.rejects(small.choose('abcd', ['e']), { code: 'CONTEXT_OVERFLOW' });
  await small.close();
  await t.rejects(small.greedy('a'), { code: 'CLOSED' });
});

t.test('calls that await nothing let timers and aborts through', async (t) => {
  const actions = [
    { id: 'a', type: 'text', text: 'x', next: ['b'] },
    { id: 'b', type: 'choose', choices: ['1', '2', '3'], next: ['b', 'b', 'c'] },
    { id: 'c', type: 'text', text: '.' },
  ];
  const automaton = Automaton.fromJSON({ actions });
  const limit = { maxThoughts: 1e7 };
  const choices = Array.from({ length: 20_000 }, (_, index) => `${index} and more`);
  class EndlessLM extends RandomLM {
    override get endOfGeneration(): Int32Array {
      return new Int32Array(0);
    }
  }
  const calls: [string, RandomLM, (lm: RandomLM, signal: AbortSignal) => Promise<unknown>][] = [
    ['evaluate', new RandomLM(), (lm, signal) => lm.evaluate(automaton, { signal, ...limit })],
    ['complete', new EndlessLM(), (lm, signal) => lm.complete('x', { signal, maxTokens: 1e7 })],
    ['choose', new RandomLM(), (lm, signal) => lm.choose('x', choices, { signal })],
    [
      'evaluate a sequence',
      new RandomLM({ draws: 'sequence' }),
      (lm, signal) => lm.evaluate(automaton, { signal, ...limit }),
    ],
  ];
  for (const [name, lm, call] of calls) {
    const controller = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 100);
    await t.rejects(call(lm, controller.signal), reason, name);
  }
});
