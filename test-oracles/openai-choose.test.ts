// Choosing over llama.cpp's own server: the values that it reports equal those of an LM in process,
// and bounds hold for those that it does not report.

import { join } from 'node:path';
import { defaultModelPath, LLaMa, Model, quantize } from 'autocog-lm';
import t, { type Test } from 'tap';
import { RemoteError } from '../lib/common/errors.js';
import { RemoteChooser } from '../lib/openai/choose/choose.js';
import type { RemoteChooseOptions } from '../lib/openai/choose/choose-options.js';
import type { RemoteEngine } from '../lib/openai/choose/remote-engine.js';
import type { Api, ApiResponse, ChatBody } from '../lib/openai/http/api.js';
import { heldOutQuestions } from '../models/questions.mjs';
import { engineOver } from '../test/openai/fetch-api.js';
import { walkGreedily } from '../test/openai/greedy-walk.js';
import { at } from '../test/suite/oracle.js';
import { exact } from '../test/support/forms.js';
import { Random } from './support/random.js';
import { Server } from './support/server.js';
import { wordsOf } from './support/tasks.js';
import { report } from './support/tools.js';

interface Pair {
  model: Model;
  lm: LLaMa;
  server: Server;
  make(more?: Partial<RemoteEngine>): RemoteChooser;
}

async function withPair(t: Test, type: string, use: (pair: Pair) => Promise<void>): Promise<void> {
  const path = join(t.testdir(), `${type}.gguf`);
  await quantize(defaultModelPath, path, type);
  await using model = await Model.load(path);
  await using lm = new LLaMa(model, exact);
  await using server = await Server.start(path, 512);
  const { endOfGeneration, beginToken, vocabularySize } = lm;
  const make = (more: Partial<RemoteEngine> = {}): RemoteChooser =>
    new RemoteChooser(
      engineOver(server.address, { endOfGeneration, beginToken, vocabularySize, ...more }),
    );
  await use({ model, lm, server, make });
}

interface Task {
  prompt: string;
  choices: readonly string[];
}

/**
 * Questions like those of the model's training, and random words, with prefixes and duplicates
 * among them.
 */
function tasksOf(model: Model): Task[] {
  const random = new Random(11);
  const words = wordsOf(model);
  const line = (max: number): string => random.several(words, random.between(1, max)).join(' ');
  const questions = heldOutQuestions(4, 12).map(({ prompt, choices }) => ({ prompt, choices }));
  const mixed = Array.from({ length: 12 }, () => {
    const some = Array.from({ length: random.between(2, 8) }, () => ` ${line(4)}`);
    const longer = some.slice(0, 2).map((text) => `${text} ${line(2)}`);
    return { prompt: line(30), choices: [...some, ...longer, some[0] as string] };
  });
  const texts = [' Paris', ' Paris is', ' London', '!', ' Paris', 'é😀 ünïcode', ' 你好', '你们'];
  return [...questions, ...mixed, { prompt: 'The capital of France is', choices: texts }];
}

/** Options that need exact numbers. */
const settings: RemoteChooseOptions[] = [
  {},
  { normalize: 'tokens', terminator: 'eog' },
  { prior: 'The answer is', boundary: 'joint' },
  { boundary: 'healed', terminator: '.' },
  { normalize: 'bytes', batching: 'sequential' },
];

/** The tolerance per weight type. Quantized weights as in test/lm/quantized.test.ts. */
const types = [
  ['F32', 1e-3],
  ['Q8_0', 6e-1],
] as const;

for (const [type, bound] of types) {
  t.test(`with ${type} weights`, (t) =>
    withPair(t, type, async ({ model, lm, make }) => {
      await t.test('a server that reports all tokens agrees with an LM in process', async (t) => {
        const chooser = make({ topLogprobsLimit: model.vocab.size });
        let [worst, values] = [0, 0];
        for (const [index, { prompt, choices }] of tasksOf(model).entries()) {
          const options = at(settings, index % settings.length);
          const found = await chooser.choose(prompt, choices, options);
          const expected = await lm.choose(prompt, choices, { ...options, search: 'exhaustive' });
          t.equal(found.strategy, 'logprobs');
          t.equal(found.numbers, 'exact');
          t.same(found.boundary, expected.boundary);
          for (const [position, choice] of expected.choices.entries()) {
            const own = at(found.choices, position);
            t.same(own.tokens, choice.tokens);
            for (const [token, logprob] of choice.logprobs.entries()) {
              worst = Math.max(worst, Math.abs(at(own.logprobs, token) - logprob));
              values++;
            }
            for (const value of ['endLogprob', 'priorLogprob'] as const) {
              worst = Math.max(worst, Math.abs((own[value] ?? 0) - (choice[value] ?? 0)));
            }
            if (bound < 0.01)
              t.equal(own.rank, choice.rank, `the rank of ${JSON.stringify(own.text)}`);
          }
        }
        t.ok(worst <= bound, `${worst} is within ${bound}`);
        await report(`openai-choose-${type}`, [
          `llama-server /v1/completions, ${type}: ${values} log-probabilities of choices, ` +
            `furthest ${worst.toExponential(1)}`,
        ]);
      });

      await t.test('one that reports five tokens bounds the others', async (t) => {
        const chooser = make({ topLogprobsLimit: 5 });
        const counts = { exact: 0, bounded: 0, certified: 0 };
        for (const { prompt, choices } of tasksOf(model)) {
          for (const terminator of ['none', 'eog']) {
            const found = await chooser.choose(prompt, choices, { terminator });
            const expected = await lm.choose(prompt, choices, { terminator, search: 'exhaustive' });
            const [least, highest] = found.massInterval ?? [found.mass, found.mass];
            t.ok(
              expected.mass >= least * (1 - bound) - 1e-6 && expected.mass <= highest * (1 + bound),
            );
            for (const [position, { exact, logprob, interval }] of found.choices.entries()) {
              const truth = at(expected.choices, position);
              // Errors add up over the tokens of a path.
              const slack = bound * (1 + truth.tokens.length);
              counts[exact ? 'exact' : 'bounded']++;
              const off = truth.logprob - logprob;
              t.ok(exact ? Math.abs(off) <= slack : off <= slack, `${truth.logprob}, ${logprob}`);
              const [low, high] = interval ?? [0, 1];
              const isWithin =
                truth.probability >= low - slack && truth.probability <= high + slack;
              t.ok(isWithin, `${truth.probability} is from ${low} to ${high}`);
            }
            if (bound < 0.01 && found.certified > 0) {
              t.equal(found.index, expected.index, 'a certified winner wins');
              counts.certified++;
            }
          }
        }
        t.ok(counts.exact > 10 && counts.bounded > 20, JSON.stringify(counts));
        if (bound < 0.01) t.ok(counts.certified > 5, `${counts.certified} are certified`);
      });

      await t.test('a search finds the same winner with fewer prompts', async (t) => {
        const chooser = make({ topLogprobsLimit: model.vocab.size });
        let [all, some] = [0, 0];
        for (const { prompt, choices } of tasksOf(model).slice(0, 12)) {
          const whole = await chooser.choose(prompt, choices);
          const found = await chooser.choose(prompt, choices, { search: 'bound', top: 1 });
          t.equal(found.search, 'bound');
          if (bound < 0.01) t.equal(found.index, whole.index);
          all += whole.usage.decodedTokens + whole.usage.cachedTokens;
          some += found.usage.decodedTokens + found.usage.cachedTokens;
        }
        t.ok(some <= all, `${some} of ${all}`);
      });

      await t.test('bias follows the most likely token', async (t) => {
        const chooser = make({ strategy: 'bias' });
        for (const { prompt, choices } of tasksOf(model)) {
          for (const terminator of ['none', 'eog', '.']) {
            const texts = choices.filter((text) => !/[^\0-\x7f]/.test(text));
            const found = await chooser.choose(prompt, texts, { terminator });
            const index = await walkGreedily(lm, prompt, texts, terminator, bound);
            t.equal(found.numbers, 'none');
            t.equal(found.strategy, 'bias');
            if (index !== undefined) t.equal(found.text, texts[index], `${prompt}, ${terminator}`);
            t.same(
              found.choices.map(({ rank }) => rank),
              texts.map((text) => (text === found.text ? 1 : 2)),
            );
            t.ok(found.choices.every(({ logprob, exact }) => Number.isNaN(logprob) && !exact));
          }
        }
      });

      await t.test('hundreds of candidates are biased in rounds', async (t) => {
        const every = Array.from({ length: 900 }, (_, id) => Int32Array.of(id));
        const { rawLogprobs } = await make().probe();
        t.ok(rawLogprobs);
        const prompt = 'The capital of France is';
        const found = await make({ strategy: 'bias' }).choose(prompt, every);
        const row = (await lm.greedy(prompt)).slice(0, 900);
        t.equal(found.index, row.indexOf(Math.max(...row)));
        t.equal(found.usage.decodeCalls, 4, 'three groups and their winners');
      });

      await t.test('prompted returns one of the choices', async (t) => {
        const chooser = make({ strategy: 'prompted' });
        for (const { prompt, choices } of tasksOf(model).slice(0, 6)) {
          const found = await chooser.choose(prompt, choices, { instruction: 'Which one?' });
          t.ok(choices.includes(found.text));
          t.equal(found.strategy, 'prompted');
          t.equal(at(found.choices, found.index).rank, 1);
          t.equal(found.usage.decodeCalls, 1);
        }
      });
    }),
  );
}

/** A server that supports only chats. */
class ChatApi implements Api {
  readonly model = 'model';
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async completions(): Promise<never> {
    throw new RemoteError('There are no completions', { status: 404 });
  }

  chat(body: ChatBody, signal: AbortSignal | undefined): Promise<ApiResponse> {
    return this.#api.chat(body, signal);
  }
}

t.test('a server with only chats is prompted for labels, or biased', (t) =>
  withPair(t, 'F32', async ({ server, lm }) => {
    const engine = engineOver(server.address, { endOfGeneration: lm.endOfGeneration });
    const chooser = new RemoteChooser({ ...engine, api: new ChatApi(engine.api) });
    const { completions, chat } = await chooser.probe();
    t.same([completions, chat], [false, true]);
    const prompt = 'What is the capital of France?';
    const labelled = await chooser.choose(prompt, ['Paris', 'Rome', 'Madrid', 'Rome']);
    t.equal(labelled.strategy, 'prompted');
    t.ok(['Paris', 'Rome', 'Madrid'].includes(labelled.text));
    const biased = await chooser.choose(prompt, ['Rome', 'Paris', 'Madrid'], { strategy: 'bias' });
    t.equal(biased.strategy, 'bias');
    t.equal(biased.text, 'Paris', 'the model was trained to answer so');
    for (const strategy of ['echo', 'logprobs'] as const) {
      const refused = chooser.choose(prompt, ['Paris', 'Rome'], { strategy });
      await t.rejects(refused, { code: 'NOT_SUPPORTED' });
    }
  }),
);

t.test('a prompt beyond the context of the server is an overflow', (t) =>
  withPair(t, 'F32', async ({ make }) => {
    const long = 'a '.repeat(600);
    for (const strategy of ['logprobs', 'bias', 'prompted'] as const) {
      const call = make().choose(long, [' b', ' c'], { strategy });
      await t.rejects(call, { code: 'CONTEXT_OVERFLOW' });
    }
  }),
);

t.test('the server is probed once', (t) =>
  withPair(t, 'F32', async ({ server, lm }) => {
    const engine = engineOver(server.address, { endOfGeneration: lm.endOfGeneration });
    const chooser = new RemoteChooser(engine);
    const [features, again] = await Promise.all([chooser.probe(), chooser.probe()]);
    t.same(features, {
      completions: true,
      tokenPrompts: true,
      promptLists: true,
      echo: false,
      topLogprobs: 1000,
      tokenNames: 'ids',
      tokenIds: false,
      logitBias: true,
      rawLogprobs: true,
      wholeToken: features.wholeToken,
      chat: true,
      chatTemperature: true,
      chatBias: true,
      chatLogprobs: true,
    });
    t.same(again, features);
    const requests = engine.api.sent.length;
    await chooser.probe();
    t.equal(engine.api.sent.length, requests, 'no further request');
    t.ok(requests <= 12, `${requests} requests`);
    const choice = await chooser.choose('The sky is', [' blue', ' green']);
    t.equal(choice.strategy, 'logprobs', 'the best supported one');
  }),
);
