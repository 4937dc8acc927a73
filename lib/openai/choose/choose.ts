// Choosing over a server: by which strategy, and what makes a Choice of what it finds. The class
// OpenAI hands its `choose`, `chooseMany`, `score` and `probe` on to this.

import { ChoiceStream } from '../../choose/choice-stream.js';
import {
  checkQuestion,
  type Engine,
  type Prepared,
  prepare,
  runChoose,
} from '../../choose/choose.js';
import { tasksOf } from '../../choose/choose-many.js';
import { PriorCache } from '../../choose/priors.js';
import { checkScore, runScore, type Score } from '../../choose/score.js';
import { raceAbort } from '../../common/abort.js';
import type { Prompt } from '../../common/arguments.js';
import { type CallOptions, readSignal } from '../../common/call-options.js';
import { NotSupportedError } from '../../common/errors.js';
import { askEach } from '../http/parallel.js';
import { type Chooses, outcomesOf, type RemoteChooseTask } from './choose-many.js';
import {
  checkSupported,
  defaultInstruction,
  type RemoteChooseOptions,
  type RemoteChooseRequest,
  readRemoteOptions,
} from './choose-options.js';
import { Requests } from './choose-requests.js';
import { numbered, type RemoteChoice, unnumbered } from './choose-result.js';
import { Probe, type ServerFeatures } from './probe.js';
import type { RemoteEngine, Strategy, StrategyOption } from './remote-engine.js';
import { walkByBias } from './strategy-bias.js';
import { scoreByEcho } from './strategy-echo.js';
import { scoreByLogprobs } from './strategy-logprobs.js';
import { chooseByLabel } from './strategy-prompted.js';

/** What each strategy needs of a server. */
const needs: Record<Strategy, { what: string; has(features: ServerFeatures): boolean }> = {
  echo: { what: 'the log-probabilities of an echoed prompt', has: ({ echo }) => echo !== false },
  logprobs: {
    what: 'the log-probabilities of the likeliest next tokens',
    has: ({ topLogprobs }) => topLogprobs > 0,
  },
  bias: {
    what: 'logit_bias',
    has: ({ completions, logitBias, chatBias }) => (completions ? logitBias : chatBias),
  },
  prompted: { what: 'chat completions', has: ({ chat }) => chat },
};

/** The order in which `'auto'` tries them: the more their numbers say, the earlier. */
const preferred = ['echo', 'logprobs', 'bias', 'prompted'] as const;

function strategyOf(option: StrategyOption, features: ServerFeatures): Strategy {
  const wanted = option === 'auto' ? preferred : [option];
  // A bias in a chat has no text to go on with: labels are read as they are meant.
  const isUsual = (strategy: Strategy): boolean =>
    option !== 'auto' || strategy !== 'bias' || features.completions;
  const found = wanted.find((strategy) => isUsual(strategy) && needs[strategy].has(features));
  if (found !== undefined) return found;
  if (option === 'auto') throw new NotSupportedError('The server has no way to choose');
  const { what } = needs[option];
  throw new NotSupportedError(`Strategy '${option}' needs ${what}, which the server does not give`);
}

/** `choose` and its kin over one server. */
export class RemoteChooser {
  readonly #engine: RemoteEngine;
  readonly #probe: Probe;
  readonly #priors = new PriorCache();

  constructor(engine: RemoteEngine) {
    this.#engine = engine;
    this.#probe = new Probe(engine);
  }

  /**
   * What the server can do. Found out by a few tiny requests when it is first asked for, and kept.
   *
   * @throws RemoteError where the server fails; it is asked again then, next time
   */
  async probe(options?: CallOptions): Promise<ServerFeatures> {
    const signal = readSignal(options);
    await this.#engine.admit(signal);
    return { ...(await raceAbort(this.#probe.features(), signal)) };
  }

  /**
   * Chooses among continuations of a prompt, by the strategy that was asked for.
   *
   * @throws NotSupportedError where server or strategy cannot do what the options ask for;
   * RemoteError where the server answers what makes no sense; and as every `choose` does
   */
  async choose(
    prompt: Prompt,
    choices: readonly string[] | readonly Int32Array[],
    options?: RemoteChooseOptions,
  ): Promise<RemoteChoice> {
    const asked = readRemoteOptions(options, this.#engine.strategy);
    const early = checkQuestion(this.#engine, prompt, choices, asked.request);
    const { signal } = asked.request;
    await this.#engine.admit(signal);
    // How many tokens there are may be known only now.
    const question = checkQuestion(this.#engine, early.prompt, early.choices, asked.request);
    const features = await raceAbort(this.#probe.features(), signal);
    const strategy = strategyOf(asked.strategy, features);
    checkSupported(strategy, asked);
    const engine = this.#engineFor(strategy, features);
    if (strategy === 'bias' || strategy === 'prompted') {
      const prepared = await prepare(engine, question);
      return this.#pick(prepared, strategy, features, asked);
    }
    // A server that echoes scores all of a tree in one go: there is nothing to search.
    const request = { ...question.request };
    if (strategy === 'echo') request.search = 'exhaustive';
    return numbered(await runChoose(engine, { ...question, request }), strategy);
  }

  /**
   * Answers one `choose` after another, in their order, a few of them at a time. Nothing starts
   * before the result is read; leaving the loop, or an abort, ends all that runs and waits.
   *
   * @param tasks what to choose, or what makes it: an array, a generator, a stream of objects
   * @param options of every task that does not have its own
   * @throws TypeError, RangeError for options and `tasks` that are none
   */
  chooseMany(
    tasks: Iterable<RemoteChooseTask> | AsyncIterable<RemoteChooseTask>,
    options?: RemoteChooseOptions,
  ): ChoiceStream<RemoteChoice> {
    const { signal } = readRemoteOptions(options, this.#engine.strategy).request;
    const source = tasksOf(tasks);
    const choose: Chooses = (...task) => this.choose(...task);
    return new ChoiceStream(signal, (signal) => outcomesOf(choose, source(), options, signal));
  }

  /**
   * The log-probability of one given continuation, tokenised alone, where the server echoes.
   *
   * @throws RangeError for a prompt or continuation without tokens; ContextOverflowError;
   * NotSupportedError where the server does not echo
   */
  async score(prompt: Prompt, continuation: Prompt, options?: CallOptions): Promise<Score> {
    const question = checkScore(this.#engine, prompt, continuation, options);
    const { signal } = question;
    await this.#engine.admit(signal);
    const features = await raceAbort(this.#probe.features(), signal);
    return runScore(this.#engineFor(strategyOf('echo', features), features), question);
  }

  /** What `lib/choose/choose.ts` needs, with trees scored by a strategy that has numbers. */
  #engineFor(strategy: Strategy, features: ServerFeatures): Engine {
    const engine = this.#engine;
    const score = strategy === 'echo' ? scoreByEcho : scoreByLogprobs;
    return {
      vocabularySize: engine.vocabularySize,
      contextSize: engine.contextSize,
      endOfGeneration: engine.endOfGeneration,
      beginToken: engine.beginToken,
      tokenizer: engine.tokenizer,
      priors: this.#priors,
      admit: (signal) => engine.admit(signal),
      tokenTexts: (tokens) => textsOf(engine, tokens),
      holdsInOneBatch: () => false,
      packs: (tasks) => tasks.length <= 1,
      scoreTrees: (tasks, signal) => {
        const requests = new Requests(engine, features, signal);
        return raceAbort(score(engine, features, tasks, requests), signal);
      },
    };
  }

  async #pick(
    prepared: Prepared,
    strategy: 'bias' | 'prompted',
    features: ServerFeatures,
    { instruction, request: { signal } }: RemoteChooseRequest,
  ): Promise<RemoteChoice> {
    const engine = this.#engine;
    const { question, task, texts } = prepared;
    const requests = new Requests(this.#engine, features, signal);
    requests.cost.usage.promptTokens = task.prompt.length;
    let winners: boolean[];
    if (strategy === 'bias') {
      const node = await raceAbort(walkByBias(engine, features, task, requests), signal);
      winners = Array.from(task.tree.ends, (end) => end === node);
    } else {
      const distinct = [...new Set(texts)];
      const found =
        distinct.length === 1
          ? 0
          : await raceAbort(
              this.#label(question.prompt, distinct, instruction, requests, features),
              signal,
            );
      winners = texts.map((text) => text === distinct[found]);
    }
    const tokenTexts = await raceAbort(textsOf(engine, task.tree.tokens.subarray(1)), signal);
    return unnumbered(prepared, winners, tokenTexts, requests.cost, strategy);
  }

  async #label(
    prompt: Prompt,
    texts: readonly string[],
    instruction: string | undefined,
    requests: Requests,
    features: ServerFeatures,
  ): Promise<number> {
    const { tokenizer } = this.#engine;
    const text = typeof prompt === 'string' ? prompt : await tokenizer.textOf(prompt, false);
    const what = instruction ?? defaultInstruction;
    return chooseByLabel(tokenizer, features, text, what, texts, requests);
  }
}

async function textsOf(
  engine: Pick<RemoteEngine, 'textOf'>,
  tokens: Iterable<number>,
): Promise<Map<number, string>> {
  const ids = [...new Set(tokens)];
  const texts = await askEach(ids, (token) => engine.textOf(token));
  return new Map(ids.map((token, index) => [token, texts[index] as string]));
}
