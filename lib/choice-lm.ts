// ChoiceLM: exact scores of given continuations, derived from greedyImpl alone. LLaMa and TfLM
// extend it; LLaMa scores trees natively instead. `lib/choose/choose.ts` has the steps of `choose`.

import type { ChoiceTokenizer } from './choose/boundary.js';
import type { Choice } from './choose/choice.js';
import { ChoiceStream } from './choose/choice-stream.js';
import { checkQuestion, type Engine, runChoose } from './choose/choose.js';
import type { ChooseTask } from './choose/choose-group.js';
import { outcomesOf, readManyOptions, tasksOf } from './choose/choose-many.js';
import { type ChooseOptions, readChooseOptions } from './choose/choose-options.js';
import { scoreByGreedy } from './choose/greedy-tree.js';
import { PriorCache } from './choose/priors.js';
import { checkScore, runScore, type Score } from './choose/score.js';
import type { Prompt } from './common/arguments.js';
import type { CallOptions } from './common/call-options.js';
import { findGuard, type Guard, tokenizeContinuation } from './common/continuation.js';
import type { Cost } from './common/usage.js';
import { GreedyLM } from './greedy-lm.js';
import type { TokenChoiceTree } from './tree/token-choice-tree.js';
import type { TreeRequest, TreeScores, TreeTask } from './tree/tree-scoring.js';

/**
 * An LM that chooses. A subclass implements `tokenize`, `detokenize` and `greedyImpl`, and inherits
 * everything else.
 */
export abstract class ChoiceLM extends GreedyLM {
  #priors = new PriorCache();
  #guard: Promise<Guard | undefined> | undefined;
  #priorsRevision = 0;

  /** Changes whenever the LM's probabilities change, which invalidates cached priors. */
  get revision(): number {
    return 0;
  }

  /** The token that stands for an empty context, such as BOS. None by default. */
  get beginToken(): number | undefined {
    return undefined;
  }

  /**
   * Scores every choice as a continuation of the prompt, and picks the best.
   *
   * @param choices non-empty; either all texts or all token ids
   * @throws TypeError, RangeError for invalid options, for no choices and, without a terminator,
   * for an empty choice; ContextOverflowError, before anything is decoded, if the prompt or prior
   * does not fit together with the deepest choice; NotSupportedError for terminator `'eog'` if the
   * LM has no end-of-generation token, and for boundary `'healed'` if the tokenizer does not
   * reproduce texts
   * @example
   * const { text, probability } = await lm.choose('The sky is', [' blue', ' green']);
   */
  async choose(
    prompt: Prompt,
    choices: readonly string[] | readonly Int32Array[],
    options?: ChooseOptions,
  ): Promise<Choice> {
    const engine = this.#engine;
    return runChoose(engine, checkQuestion(engine, prompt, choices, readChooseOptions(options)));
  }

  /**
   * Runs many `choose` tasks. Results come in order, each as soon as it is available, while the
   * next tasks are tokenized and scored; an engine may score several in one batch. Backpressure:
   * only a few tasks are taken ahead of the reader, and nothing starts before the first read.
   * Leaving the loop, or an abort, ends all running and waiting tasks.
   *
   * @param tasks an array, a generator, an object stream or any other iterable of tasks
   * @param options defaults for tasks that do not have their own
   * @throws TypeError, RangeError for invalid options or `tasks`
   * @example
   * for await (const { text } of lm.chooseMany([{ prompt: 'The sky is', choices: [' blue', ' red'] }])) {
   *   console.log(text);
   * }
   */
  chooseMany(
    tasks: Iterable<ChooseTask> | AsyncIterable<ChooseTask>,
    options?: ChooseOptions,
  ): ChoiceStream {
    const shared = readManyOptions(options);
    const source = tasksOf(tasks);
    return new ChoiceStream(shared.signal, (signal) => {
      return outcomesOf(this.#engine, source(), shared, signal);
    });
  }

  /**
   * The log-probability of one given continuation, which is tokenized on its own.
   *
   * @throws RangeError for a prompt or continuation without tokens; ContextOverflowError
   */
  async score(prompt: Prompt, continuation: Prompt, options?: CallOptions): Promise<Score> {
    const engine = this.#engine;
    return runScore(engine, checkScore(engine, prompt, continuation, options));
  }

  /** Scores the nodes of a tree after a prompt: all of them, or those that a search requests. */
  protected scoreTree(
    prompt: Int32Array,
    tree: TokenChoiceTree,
    request: TreeRequest,
  ): Promise<TreeScores & Cost> {
    const next = (tokens: Int32Array) => this.nextLogprobs(tokens, request.signal);
    return scoreByGreedy(prompt, tree, request, next);
  }

  /** {@link scoreTree} of each task, in order. An engine that {@link packs} them uses one batch. */
  protected async scoreTrees(
    tasks: readonly TreeTask[],
    _signal: AbortSignal | undefined,
  ): Promise<(TreeScores & Cost)[]> {
    const results: (TreeScores & Cost)[] = [];
    for (const { prompt, tree, request } of tasks) {
      results.push(await this.scoreTree(prompt, tree, request));
    }
    return results;
  }

  /**
   * Whether these tasks, none of them a search or sequential, may be scored in one batch. Returns
   * false from some number of tasks on.
   */
  protected packs(tasks: readonly TreeTask[]): boolean {
    return tasks.length <= 1;
  }

  /** Whether the whole tree fits in one batch, so that a search would save nothing. */
  protected holdsInOneBatch(_tree: TokenChoiceTree, _request: TreeRequest): boolean {
    return false;
  }

  /** The tokens of texts, each at the beginning of a prompt. */
  protected tokenizePrompts(texts: readonly string[], signal?: AbortSignal): Promise<Int32Array[]> {
    return Promise.all(texts.map((text) => this.tokenizePrompt(text, signal)));
  }

  /** The tokens of texts, each without special tokens. */
  protected tokenizeTexts(texts: readonly string[], signal?: AbortSignal): Promise<Int32Array[]> {
    return this.#tokenizeContinuations(texts, signal);
  }

  /** Guards continuations if `tokenize` does not by itself. */
  async #tokenizeContinuations(
    texts: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Int32Array[]> {
    // Other calls use the guard, too: it is found whatever this one's signal does.
    const probe = (text: string) => this.tokenize(text, { continuation: true });
    const tokenize = (text: string) => this.tokenize(text, { continuation: true, signal });
    this.#guard ??= findGuard((probes) => Promise.all(probes.map(probe)));
    const guard = await this.#guard.catch((error: unknown) => {
      this.#guard = undefined;
      throw error;
    });
    return Promise.all(texts.map((text) => tokenizeContinuation(tokenize, guard, text)));
  }

  #tokenizerFor(signal: AbortSignal | undefined): ChoiceTokenizer {
    return {
      prompt: (prompt) => this.promptTokens(prompt, signal),
      prompts: (texts) => this.tokenizePrompts(texts, signal),
      texts: (texts) => this.tokenizeTexts(texts, signal),
      textOf: (tokens, special) => (special ? this.textOf(tokens) : this.detokenize(tokens)),
    };
  }

  #freshPriors(): PriorCache {
    if (this.#priorsRevision !== this.revision) this.#priors = new PriorCache();
    this.#priorsRevision = this.revision;
    return this.#priors;
  }

  get #engine(): Engine {
    const lm = this;
    return {
      tokenizerFor: (signal) => this.#tokenizerFor(signal),
      // A getter, since a new revision of the LM has new priors.
      get priors() {
        return lm.#freshPriors();
      },
      // Getters, since an engine that is still being built may only know these later.
      get vocabularySize() {
        return lm.vocabularySize;
      },
      get contextSize() {
        return lm.contextSize;
      },
      get endOfGeneration() {
        return lm.endOfGeneration;
      },
      get beginToken() {
        return lm.beginToken;
      },
      admit: (signal) => this.admit(signal),
      tokenTexts: (tokens) => this.tokenTexts(tokens),
      holdsInOneBatch: (tree, request) => this.holdsInOneBatch(tree, request),
      packs: (tasks) => this.packs(tasks),
      scoreTrees: (tasks, signal) => this.scoreTrees(tasks, signal),
    };
  }
}
