// Choosing over a server that echoes returns the numbers of an LM in process, with all options.

import { LLaMa, type Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { RemoteChooser } from '../../lib/openai/choose/choose.js';
import { at } from '../suite/oracle.js';
import { exact, loadForm } from '../support/forms.js';
import { EchoServer, type ServerAbilities } from './echo-server.js';
import { engineOver } from './fetch-api.js';

const prompt = 'The capital of France is';
/** Shared prefixes, prefixes of others, duplicates, one token and many, non-ASCII bytes. */
const texts = [
  ' Paris',
  ' Paris is the capital of France.',
  ' Paris is a city',
  ' London',
  ' Lon',
  '!',
  ' Paris',
  'é😀 ünïcode',
];

const options: ChooseOptions[] = [
  {},
  { normalize: 'tokens' },
  { normalize: 'bytes' },
  { normalize: 'chars' },
  { prior: '' },
  { prior: 'The answer is', normalize: 'tokens' },
  { boundary: 'joint' },
  { boundary: 'healed' },
  { boundary: 'joint', prior: 'Say' },
  { terminator: 'eog' },
  { terminator: '.' },
  { terminator: 'eog', boundary: 'healed', prior: 'It is', normalize: 'tokens' },
  { merges: true },
  { top: 2, search: 'bound' },
  { tolerance: 0.1 },
  { batching: 'sequential' },
];

type ChooseOptions = NonNullable<Parameters<RemoteChooser['choose']>[2]>;

interface Pair {
  lm: LLaMa;
  server: EchoServer;
  engine: ReturnType<typeof engineOver>;
  chooser: RemoteChooser;
}

async function withServer(
  model: Model,
  abilities: ServerAbilities,
  use: (pair: Pair) => Promise<void>,
  more: Parameters<typeof engineOver>[1] = {},
): Promise<void> {
  await using lm = new LLaMa(model, exact);
  await using server = await EchoServer.start(lm, abilities);
  const engine = engineOver(server.address, {
    endOfGeneration: lm.endOfGeneration,
    beginToken: lm.beginToken,
    ...more,
  });
  await use({ lm, server, engine, chooser: new RemoteChooser(engine) });
}

async function checkSame(t: Test, { lm, chooser }: Pair, bound: number): Promise<void> {
  for (const chooseOptions of options) {
    const found = await chooser.choose(prompt, texts, chooseOptions);
    const expected = await lm.choose(prompt, texts, { ...chooseOptions, search: 'exhaustive' });
    const what = JSON.stringify(chooseOptions);
    t.equal(found.strategy, 'echo');
    t.equal(found.numbers, 'exact', what);
    t.equal(found.search, 'exhaustive');
    t.same(found.boundary, expected.boundary, `the boundary with ${what}`);
    let worst = 0;
    const compare = (a: number | undefined, b: number | undefined): void => {
      if (a !== b) worst = Math.max(worst, Math.abs((a ?? Number.NaN) - (b ?? Number.NaN)));
      if (Number.isNaN(worst)) throw new Error(`${a} is not ${b} with ${what}`);
    };
    for (const [index, choice] of expected.choices.entries()) {
      const actual = at(found.choices, index);
      t.same(actual.tokens, choice.tokens);
      t.equal(actual.logprobs.length, choice.logprobs.length);
      for (const [position, logprob] of choice.logprobs.entries())
        compare(actual.logprobs[position], logprob);
      compare(actual.logprob, choice.logprob);
      compare(actual.score, choice.score);
      compare(actual.endLogprob, choice.endLogprob);
      compare(actual.priorLogprob, choice.priorLogprob);
      compare(actual.probability, choice.probability);
      if (bound < 0.01) t.equal(actual.rank, choice.rank, `rank of ${choice.text} with ${what}`);
    }
    compare(found.mass, expected.mass);
    compare(found.margin, expected.margin);
    t.ok(worst <= bound, `with ${what} ${worst} is within ${bound}`);
  }
}

for (const [type, bound] of [
  ['F32', 1e-3],
  ['Q8_0', 6e-1],
] as const) {
  t.test(`with ${type} weights every option returns the numbers of an LM in process`, async (t) => {
    const model = await loadForm(t, type);
    await withServer(model, {}, (pair) => checkSame(t, pair, bound));
  });
}

t.test('with F32 weights', async (t) => {
  const model = await loadForm(t, 'F32');
  const variants: [string, ServerAbilities][] = [
    ['that must generate a token', { echo: 'written-to' }],
    ['that accepts one prompt at a time', { promptLists: false }],
    ['that does not report token ids', { tokenIds: false }],
    ['that accepts only text', { tokenPrompts: false, tokenIds: false }],
  ];
  for (const [name, abilities] of variants) {
    await t.test(`a server ${name} returns the same`, (t) => {
      return withServer(model, abilities, async ({ lm, chooser }) => {
        const choices = [' London', ' Paris', ' four', ' Paris.'];
        const found = await chooser.choose(prompt, choices);
        const expected = await lm.choose(prompt, choices);
        for (const [index, { logprob, rank }] of expected.choices.entries()) {
          const actual = at(found.choices, index);
          t.ok(Math.abs(actual.logprob - logprob) < 1e-3, `${actual.logprob} is ${logprob}`);
          t.equal(actual.rank, rank);
        }
      });
    });
  }

  await t.test('a server that accepts only text, and identifies top tokens by text', (t) => {
    const abilities = {
      echo: false,
      tokenPrompts: false,
      tokenIds: false,
      topLogprobs: 1024,
    } as const;
    return withServer(
      model,
      abilities,
      async ({ lm, chooser }) => {
        const choices = [' London', ' Paris', ' four', ' Paris.'];
        const found = await chooser.choose(prompt, choices);
        t.same([found.strategy, found.numbers], ['logprobs', 'exact']);
        const expected = await lm.choose(prompt, choices);
        for (const [index, { logprob }] of expected.choices.entries()) {
          t.ok(Math.abs(at(found.choices, index).logprob - logprob) < 1e-3);
        }
        const letters = await Promise.all([...' Paris'].map((letter) => lm.tokenize(letter)));
        const apart = Int32Array.from(letters.flatMap((tokens) => [...tokens]));
        const other = [apart, Int32Array.of(...apart.slice(0, -1), 7)];
        const refused = chooser.choose(prompt, other, { boundary: 'separate' });
        await t.rejects(refused, {
          code: 'NOT_SUPPORTED',
          message: /reads \d+ tokens in a text of \d+ tokens/,
        });
      },
      { topLogprobsLimit: 1024 },
    );
  });

  await t.test('prefixes of other paths are not requested, and one request has all paths', (t) => {
    return withServer(model, {}, async ({ server, chooser, engine }) => {
      await chooser.probe();
      const before = [server.requests, server.prompts];
      const { usage, tree } = await chooser.choose(prompt, texts);
      t.equal(server.requests - at(before, 0), 1);
      t.equal(server.prompts - at(before, 1), tree.childless);
      t.ok(tree.childless < new Set(texts).size, 'some are prefixes of others');
      t.equal(usage.decodeCalls, 1);
      t.ok(usage.decodedTokens > 5 * usage.promptTokens);
      t.equal(engine.api.sent.at(-1)?.max_tokens, 0);
    });
  });

  await t.test('thousands of choices are split into requests of limited size', (t) => {
    return withServer(model, {}, async ({ lm, chooser, engine }) => {
      const many = Array.from({ length: 1024 }, (_, id) => Int32Array.of(id));
      const all = [...many, ...many.map(([id]) => Int32Array.of(1023 - (id as number), 7))];
      const features = await chooser.probe();
      const start = engine.api.sent.length;
      const found = await chooser.choose('The', all);
      t.equal(features.echo, 'alone');
      t.equal(engine.api.sent.length - start, 8, '128 prompts each');
      const expected = await lm.choose('The', all);
      const off = found.choices.map(({ logprob }, index) =>
        Math.abs(logprob - at(expected.choices, index).logprob),
      );
      t.ok(Math.max(...off) < 1e-3, `${Math.max(...off)} is near`);
    });
  });

  await t.test('score returns the log-probabilities of one continuation', (t) => {
    return withServer(model, {}, async ({ lm, chooser }) => {
      const found = await chooser.score(prompt, ' Paris, of course');
      const expected = await lm.score(prompt, ' Paris, of course');
      t.same(found.tokens, expected.tokens);
      t.ok(Math.abs(found.logprob - expected.logprob) < 1e-3);
      t.equal(found.logprobs.length, expected.logprobs.length);
      await t.rejects(chooser.score(prompt, ''), RangeError);
    });
  });

  await t.test('empty choices have the value of their terminator', (t) => {
    return withServer(model, {}, async ({ lm, chooser }) => {
      const choices = ['', ' Paris', ''];
      const found = await chooser.choose(prompt, choices, { terminator: 'eog' });
      const expected = await lm.choose(prompt, choices, { terminator: 'eog' });
      for (const [index, { logprob, rank }] of expected.choices.entries()) {
        t.ok(Math.abs(at(found.choices, index).logprob - logprob) < 1e-3);
        t.equal(at(found.choices, index).rank, rank);
      }
      await t.rejects(chooser.choose(prompt, choices), RangeError);
    });
  });

  await t.test('unsupported options and missing values are errors', async (t) => {
    await withServer(model, {}, async ({ chooser }) => {
      await t.rejects(chooser.choose(prompt, texts, { details: true }), { code: 'NOT_SUPPORTED' });
      await t.rejects(chooser.choose('a '.repeat(700), texts), { code: 'CONTEXT_OVERFLOW' });
      await t.rejects(chooser.choose(prompt, texts, { instruction: 'Choose' }), {
        code: 'NOT_SUPPORTED',
      });
    });
    const strategy = 'echo';
    for (const forgets of ['results', 'values'] as const) {
      await withServer(model, { forgets }, async ({ chooser }) => {
        await t.rejects(chooser.choose(prompt, texts, { strategy }), { code: 'REMOTE' });
      });
    }
    await withServer(model, { echo: false }, async ({ chooser }) => {
      await t.rejects(chooser.choose(prompt, texts, { strategy }), { code: 'NOT_SUPPORTED' });
      await t.rejects(chooser.score(prompt, ' Paris'), { code: 'NOT_SUPPORTED' });
    });
    const small = { contextSize: 30 };
    const inSmall = async ({ chooser }: Pair): Promise<void> => {
      const message = /prompt of \d+ tokens and the deepest choice of \d+/;
      const error = { code: 'CONTEXT_OVERFLOW', message };
      await t.rejects(chooser.choose('a '.repeat(20), texts), error);
    };
    await withServer(model, {}, inSmall, small);
  });

  await t.test('a text that the server tokenizes differently is rejected', (t) => {
    return withServer(model, { tokenPrompts: false, tokenIds: false }, async ({ lm, chooser }) => {
      const letters = await Promise.all([...' Paris'].map((letter) => lm.tokenize(letter)));
      const apart = Int32Array.from(letters.flatMap((tokens) => [...tokens]));
      await t.rejects(chooser.choose(prompt, [apart]), { code: 'NOT_SUPPORTED' });
    });
  });

  await t.test('an abort ends a call at once, and the next one works', (t) => {
    return withServer(model, {}, async ({ chooser }) => {
      await chooser.probe();
      const controller = new AbortController();
      const call = chooser.choose(prompt, texts, { signal: controller.signal });
      controller.abort(new Error('enough'));
      await t.rejects(call, { message: 'enough' });
      t.equal((await chooser.choose(prompt, texts)).numbers, 'exact');
    });
  });
});
