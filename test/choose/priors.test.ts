// Priors: their cache, their beginning token, and choices that are impossible after them.

import { type ChooseOptions, TokenChoiceTree, type TokenizeOptions } from 'autocog-lm';
import t from 'tap';
import { PriorCache, pathKey } from '../../lib/choose/priors.js';
import { at } from '../suite/oracle.js';
import { ToyLM, toyBegin } from '../suite/toy-lm.js';
import { DiceLM } from '../support/dice-lm.js';

const path = (...tokens: number[]): string => pathKey(Int32Array.from(tokens));
const prompt = 'One morning, ';
const choices = ['the sun', 'the moon', 'a star'];

/** The number of evaluations that scoring the choices once takes. */
const callsOf = (texts: readonly string[]): number => {
  const encoder = new TextEncoder();
  const tree = new TokenChoiceTree(texts.map((text) => Int32Array.from(encoder.encode(text))));
  return 1 + tree.size - tree.childless;
};

t.test('the cache evicts the least recently used entry', async (t) => {
  const cache = new PriorCache(4);
  cache.set('a', path(1), -1);
  cache.set('a', path(1, 2), -2);
  cache.set('b', path(1), -3);
  cache.set('b', path(), -4);
  t.same([cache.size, cache.get('a', path(1, 2)), cache.get('b', path(1))], [4, -2, -3]);
  t.equal(cache.get('b', path(2)), undefined);
  t.equal(cache.get('c', path(1)), undefined);
  cache.set('c', path(7), -5);
  t.same(
    [cache.size, cache.get('a', path(1))],
    [4, undefined],
    'a was used before b, and its path 1 before its path 1, 2',
  );
  cache.set('c', path(7), -6);
  t.same([cache.size, cache.get('c', path(7))], [4, -6], 'an update does not grow it');
  cache.set('c', path(8), -7);
  t.same([cache.get('a', path(1, 2)), cache.get('b', path(1))], [undefined, -3]);
  t.same([cache.get('b', path()), cache.get('c', path(8)), cache.size], [-4, -7, 4]);
});

t.test('only choices that are not cached are scored', async (t) => {
  const lm = new ToyLM();
  const calls = async (texts: string[], options: ChooseOptions): Promise<number> =>
    (await lm.choose(prompt, texts, options)).usage.decodeCalls - callsOf(texts);
  const prior = 'Once, ';
  t.equal(await calls(choices, { prior }), callsOf(choices));
  t.equal(await calls([...choices, choices[0] as string], { prior, normalize: 'tokens' }), 0);
  t.equal(await calls([...choices, 'two'], { prior }), callsOf(['two']), 'only the new one');
  t.equal(await calls(choices, { prior: 'Once' }), callsOf(choices), 'another prior');
  t.equal((await calls(choices, { prior, batching: 'sequential' })) > 0, true);
  t.equal(
    (await new ToyLM().choose(prompt, choices, { prior })).usage.decodeCalls,
    2 * callsOf(choices),
    'each LM has its own cache',
  );
});

t.test('a prior that choices shorten is cached separately', async (t) => {
  /** Has one token for 'ax'. */
  class MergingLM extends ToyLM {
    override async tokenize(text: string, options?: TokenizeOptions) {
      const [first = new Int32Array(0), ...rest] = await Promise.all(
        text.split('ax').map((part, index) => super.tokenize(part, index === 0 ? options : {})),
      );
      return Int32Array.of(...first, ...rest.flatMap((part) => [0xc0, ...part]));
    }
  }
  const options = { prior: 'aa', boundary: 'joint' } as const;
  const lm = new MergingLM();
  const [long] = (await lm.choose('One', ['ab'], options)).choices;
  const [short] = (await lm.choose('One', ['b', 'x'], options)).choices;
  const expected = async (before: number[]): Promise<number> => {
    const prompt = Int32Array.of(toyBegin, ...before);
    return (await new ToyLM().choose(prompt, [Int32Array.from([97, 98])])).logprob;
  };
  t.equal(long?.priorLogprob, await expected([97, 97]), 'ab after aa');
  t.equal(short?.priorLogprob, await expected([97]), 'ab after a, as x takes the second a');
});

t.test('usage includes the cost of the prior, except for promptTokens', async (t) => {
  const plain = await new ToyLM().choose(prompt, choices);
  const alone = await new ToyLM().choose('Once, ', choices);
  const { usage, timings } = await new ToyLM().choose(prompt, choices, { prior: 'Once, ' });
  t.same(usage, {
    promptTokens: plain.usage.promptTokens,
    cachedTokens: 0,
    decodedTokens: plain.usage.decodedTokens + alone.usage.decodedTokens,
    paddingTokens: 0,
    decodeCalls: plain.usage.decodeCalls + alone.usage.decodeCalls,
  });
  t.ok(timings.promptMs + timings.decodeMs <= timings.totalMs);
});

t.test('nothing is cached of a prior that fails', async (t) => {
  class FailingLM extends ToyLM {
    failing = true;
    protected override async greedyImpl(tokens: Int32Array) {
      // Fails near the end of the prior, when most of it is scored.
      if (this.failing && tokens[1] === 79 && tokens.length > 12)
        throw new RangeError('out of order');
      return super.greedyImpl(tokens);
    }
  }
  const lm = new FailingLM();
  const options = { prior: 'Once, ' };
  await t.rejects(lm.choose('A morning, ', choices, options), { message: 'out of order' });
  lm.failing = false;
  const { usage } = await lm.choose('A morning, ', choices, options);
  t.equal(usage.decodeCalls, 2 * callsOf(choices), 'everything is scored again');
});

t.test('a prior without tokens requires a beginning token', async (t) => {
  class Bare extends ToyLM {
    override async tokenize(text: string) {
      return super.tokenize(text);
    }
  }
  class Begun extends Bare {
    override get beginToken(): number {
      return toyBegin;
    }
  }
  const missing = {
    name: 'RangeError',
    code: 'OUT_OF_RANGE',
    message: /beginning token, for prior, got " *"$/,
  };
  for (const boundary of ['separate', 'joint', 'healed'] as const) {
    const options = { prior: '', boundary } as const;
    await t.rejects(new Bare().choose(prompt, choices, options), missing);
    const { choices: scored, boundary: report } = await new Begun().choose(
      prompt,
      choices,
      options,
    );
    // Only the token precedes the text: healing trims the prompt, but has no text to trim here.
    const alone = await new ToyLM().choose(Int32Array.of(toyBegin), choices);
    for (const { index, priorLogprob } of scored) {
      t.equal(priorLogprob, at(alone.choices, index).logprob, boundary);
    }
    t.equal(report.tokens[0], 79, 'the prompt is unchanged');
  }
  const spaces = { prior: '  ', boundary: 'joint' } as const;
  await t.rejects(new Bare().choose(prompt, choices, spaces), missing);
  const { choices: scored } = await new Begun().choose(prompt, choices, spaces);
  const expected = await new ToyLM().choose(
    Int32Array.of(toyBegin),
    choices.map((text) => `  ${text}`),
  );
  for (const { index, priorLogprob } of scored) {
    t.equal(
      priorLogprob,
      at(expected.choices, index).logprob,
      'joint: the spaces belong to the choices',
    );
  }
});

t.test('a prior that does not fit is rejected before anything is decoded', async (t) => {
  let calls = 0;
  class SmallLM extends ToyLM {
    override get contextSize(): number {
      return 10;
    }
    protected override async greedyImpl(tokens: Int32Array) {
      calls++;
      return super.greedyImpl(tokens);
    }
  }
  const error = { code: 'CONTEXT_OVERFLOW', message: /prior of 9 tokens .*choice of 3 .*of 10/ };
  await t.rejects(new SmallLM().choose('abc', ['def'], { prior: 'abcdefgh' }), error);
  t.equal(calls, 0);
  t.equal((await new SmallLM().choose('abc', ['def'], { prior: 'abcdefg' })).index, 0);
});

t.test('a choice that is impossible only after the prior scores Infinity', async (t) => {
  class TwoLM extends DiceLM {
    protected override async greedyImpl(tokens: Int32Array) {
      // After 'a': a or b; after anything else: b or c.
      const half = Math.log(0.5);
      const never = -Infinity;
      return tokens.at(-1) === 0
        ? Float32Array.of(half, half, never, never, never, never)
        : Float32Array.of(never, half, half, never, never, never);
    }
  }
  const options = { prior: 'b' };
  const choice = await new TwoLM().choose('a', ['a', 'b', 'c', 'd'], options);
  t.same(
    choice.choices.map(({ score }) => score),
    [Infinity, 0, -Infinity, -Infinity],
  );
  t.same(
    choice.choices.map(({ probability }) => probability),
    [1, 0, 0, 0],
  );
  t.same([choice.text, choice.margin], ['a', Infinity]);
  const two = await new TwoLM().choose('a', ['aa', 'ab', 'b'], options);
  t.same(
    two.choices.map(({ probability }) => probability),
    [0.5, 0.5, 0],
  );
  t.equal(two.margin, 0);
});
