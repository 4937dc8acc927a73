// Choosing over a server: selects a strategy and builds a RemoteChoice from its result. The class
// OpenAI delegates `choose`, `chooseMany`, `score` and `probe` to it.

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
import { mapConcurrently } from '../../common/parallel.js';
import { type ChooseFunction, outcomesOf, type RemoteChooseTask } from './choose-many.js';
import {
  checkSupported,
  defaultInstruction,
  type RemoteChooseOptions,
  type RemoteChooseRequest,
  readRemoteOptions,
} from './choose-options.js';
import { Requests } from './choose-requests.js';
import { type RemoteChoice, withNumbers, withoutNumbers } from './choose-result.js';
import { Probe, type ServerFeatures } from './probe.js';
import type { RemoteEngine, Strategy, StrategyOption } from './remote-engine.js';
import { walkByBias } from './strategy-bias.js';
import { scoreByEcho } from './strategy-echo.js';
import { scoreByLogprobs } from './strategy-logprobs.js';
import { chooseByLabel } from './strategy-prompted.js';

/** The server features that each strategy requires. */
const requirements: Record<Strategy, { what: string; has(features: ServerFeatures): boolean }> = {
  echo: { what: 'the log-probabilities of an echoed prompt', has: ({ echo }) => echo !== false },
  logprobs: {
    what: 'the log-probabilities of the top next tokens',
    has: ({ topLogprobs }) => topLogprobs > 0,
  },
  bias: {
    what: 'logit_bias',
    has: ({ completions, logitBias, chatBias }) => (completions ? logitBias : chatBias),
  },
  prompted: { what: 'chat completions', has: ({ chat }) => chat },
};

/** The order of preference of `'auto'`: the most informative numbers first. */
const autoOrder = ['echo', 'logprobs', 'bias', 'prompted'] as const;

function strategyOf(option: StrategyOption, features: ServerFeatures): Strategy {
  const candidates = option === 'auto' ? autoOrder : [option];
  // A chat reply does not continue the prompt, so biasing it scores the wrong thing. Labels work as
  // intended.
  const isAllowed = (strategy: Strategy): boolean =>
    option !== 'auto' || strategy !== 'bias' || features.completions;
  const found = candidates.find(
    (strategy) => isAllowed(strategy) && requirements[strategy].has(features),
  );
  if (found !== undefined) return found;
  if (option === 'auto') throw new NotSupportedError('The server supports none of the strategies');
  const { what } = requirements[option];
  throw new NotSupportedError(
    `Strategy '${option}' requires ${what}, which the server does not support`,
  );
}

/** Implements `choose`, `chooseMany`, `score` and `probe` over one server. */
export class RemoteChooser {
  readonly #engine: RemoteEngine;
  readonly #probe: Probe;
  readonly #priors = new PriorCache();

  constructor(engine: RemoteEngine) {
    this.#engine = engine;
    this.#probe = new Probe(engine);
  }

  /**
   * What the server supports: determined by a few tiny requests on first use, then cached.
   *
   * @throws RemoteError if the server fails; nothing is cached then, and the next call probes again
   */
  async probe(options?: CallOptions): Promise<ServerFeatures> {
    const signal = readSignal(options);
    await this.#engine.admit(signal);
    return { ...(await raceAbort(this.#probe.features(), signal)) };
  }

  /**
   * Chooses among continuations of a prompt, using the requested strategy.
   *
   * @throws NotSupportedError if the server or the strategy cannot honor the options; RemoteError
   * for an invalid response; and whatever every `choose` throws
   */
  async choose(
    prompt: Prompt,
    choices: readonly string[] | readonly Int32Array[],
    options?: RemoteChooseOptions,
  ): Promise<RemoteChoice> {
    const requested = readRemoteOptions(options, this.#engine.strategy);
    const checked = checkQuestion(this.#engine, prompt, choices, requested.request);
    const { signal } = requested.request;
    await this.#engine.admit(signal);
    // The vocabulary size may be known only now.
    const question = checkQuestion(
      this.#engine,
      checked.prompt,
      checked.choices,
      requested.request,
    );
    const features = await raceAbort(this.#probe.features(), signal);
    const strategy = strategyOf(requested.strategy, features);
    checkSupported(strategy, requested);
    const engine = this.#engineFor(strategy, features);
    if (strategy === 'bias' || strategy === 'prompted') {
      const prepared = await prepare(engine, question);
      return this.#chooseWithoutNumbers(prepared, strategy, features, requested);
    }
    // A server that echoes scores the whole tree in one pass, so a search saves nothing.
    const request = { ...question.request };
    if (strategy === 'echo') request.search = 'exhaustive';
    return withNumbers(await runChoose(engine, { ...question, request }), strategy);
  }

  /**
   * Runs many `choose`, a few concurrently, and yields the results in task order. Nothing starts
   * before the result is read; leaving the loop or an abort ends all that is running or waiting.
   *
   * @param tasks an array, a generator or an object stream of tasks
   * @param options defaults for tasks without options of their own
   * @throws TypeError, RangeError for invalid options or `tasks`
   */
  chooseMany(
    tasks: Iterable<RemoteChooseTask> | AsyncIterable<RemoteChooseTask>,
    options?: RemoteChooseOptions,
  ): ChoiceStream<RemoteChoice> {
    const { signal } = readRemoteOptions(options, this.#engine.strategy).request;
    const source = tasksOf(tasks);
    const choose: ChooseFunction = (...task) => this.choose(...task);
    return new ChoiceStream(signal, (signal) => outcomesOf(choose, source(), options, signal));
  }

  /**
   * The log-probability of one given continuation, tokenized on its own. Needs a server that
   * supports `echo`.
   *
   * @throws RangeError for a prompt or continuation without tokens; ContextOverflowError;
   * NotSupportedError if the server does not support `echo`
   */
  async score(prompt: Prompt, continuation: Prompt, options?: CallOptions): Promise<Score> {
    const question = checkScore(this.#engine, prompt, continuation, options);
    const { signal } = question;
    await this.#engine.admit(signal);
    const features = await raceAbort(this.#probe.features(), signal);
    return runScore(this.#engineFor(strategyOf('echo', features), features), question);
  }

  /**
   * An engine that scores trees with numbers, by the strategy of the LM.
   *
   * @throws NotSupportedError if the server or the strategy has no log-probabilities
   */
  async scorer(signal: AbortSignal | undefined): Promise<{ engine: Engine; strategy: Strategy }> {
    await this.#engine.admit(signal);
    const features = await raceAbort(this.#probe.features(), signal);
    const strategy = strategyOf(this.#engine.strategy, features);
    if (strategy === 'bias' || strategy === 'prompted') {
      throw new NotSupportedError(`Strategy '${strategy}' has no probabilities`);
    }
    return { engine: this.#engineFor(strategy, features), strategy };
  }

  /** The engine for `lib/choose/choose.ts`, with trees scored by the given strategy. */
  #engineFor(strategy: Strategy, features: ServerFeatures): Engine {
    const engine = this.#engine;
    const score = strategy === 'echo' ? scoreByEcho : scoreByLogprobs;
    return {
      vocabularySize: engine.vocabularySize,
      encoderDecoder: false,
      contextSize: engine.contextSize,
      endOfGeneration: engine.endOfGeneration,
      beginToken: engine.beginToken,
      tokenizerFor: (signal) => engine.tokenizerFor(signal),
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

  async #chooseWithoutNumbers(
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
              this.#chooseLabel(question.prompt, distinct, instruction, requests, features),
              signal,
            );
      winners = texts.map((text) => text === distinct[found]);
    }
    const tokenTexts = await raceAbort(textsOf(engine, task.tree.tokens.subarray(1)), signal);
    return withoutNumbers(prepared, winners, tokenTexts, requests.cost, strategy);
  }

  async #chooseLabel(
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
  const texts = await mapConcurrently(ids, (token) => engine.textOf(token));
  return new Map(ids.map((token, index) => [token, texts[index] as string]));
}
