// ChoiceLM: exact scores of given continuations, from nothing but greedyImpl. LLaMa and
// TfLM extend it; LLaMa replaces the scoring of trees by native code. What a `choose` does
// step by step stands in `lib/choose/choose.ts`.

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
import type { Cost } from './common/usage.js';
import { GreedyLM } from './greedy-lm.js';
import type { TokenChoiceTree } from './tree/token-choice-tree.js';
import type { TreeRequest, TreeScores, TreeTask } from './tree/tree-scoring.js';

/**
 * An LM that chooses. A subclass gives `tokenize`, `detokenize` and `greedyImpl`, and has
 * everything else from here.
 */
export abstract class ChoiceLM extends GreedyLM {
  #priors = new PriorCache();
  #priorsFor = 0;

  /** Another number whenever the LM's probabilities change: what is kept of them is forgotten. */
  get revision(): number {
    return 0;
  }

  /** The token that stands where nothing is before a text. None unless a subclass says so. */
  get beginToken(): number | undefined {
    return undefined;
  }

  /**
   * Scores every choice as a continuation of the prompt, and picks the best.
   *
   * @param choices at least one; all texts, or all token ids
   * @throws TypeError, RangeError for what `ChooseOptions` does not allow, for no choices and,
   * without a terminator, for an empty choice; ContextOverflowError where prompt or prior and
   * the deepest choice do not fit, before anything is decoded; NotSupportedError for terminator
   * `'eog'` where the LM has no end-of-generation token, and for boundary `'healed'` where the
   * tokenizer does not give texts back
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
   * Answers one `choose` after another, in their order and each as soon as it is there, with
   * the next ones being tokenised and scored meanwhile; an engine may score several in one go.
   * No more than a few are taken from `tasks` ahead of the reader, and nothing starts before the
   * reader does. Leaving the loop, or an abort, ends all that runs and waits.
   *
   * @param tasks what to choose, or what makes it: an array, a generator, a stream of objects
   * @param options of every task that does not have its own
   * @throws TypeError, RangeError for options and `tasks` that are none
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
   * The log-probability of one given continuation, tokenised alone.
   *
   * @throws RangeError for a prompt or continuation without tokens; ContextOverflowError
   */
  async score(prompt: Prompt, continuation: Prompt, options?: CallOptions): Promise<Score> {
    const engine = this.#engine;
    return runScore(engine, checkScore(engine, prompt, continuation, options));
  }

  /** The values of the nodes of a tree after a prompt: of all, or of those a search asks for. */
  protected scoreTree(
    prompt: Int32Array,
    tree: TokenChoiceTree,
    request: TreeRequest,
  ): Promise<TreeScores & Cost> {
    const next = (tokens: Int32Array) => this.nextLogprobs(tokens, request.signal);
    return scoreByGreedy(prompt, tree, request, next);
  }

  /** {@link scoreTree} of each task, in order. An engine that {@link packs} them does all in one go. */
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
   * Whether these tasks, in which nothing is searched or in sequence, may be scored in one go.
   * There is a number of tasks from which on it says no.
   */
  protected packs(tasks: readonly TreeTask[]): boolean {
    return tasks.length <= 1;
  }

  /** Whether the whole tree costs no more than a part of it, so that a search saves nothing. */
  protected holdsInOneBatch(_tree: TokenChoiceTree, _request: TreeRequest): boolean {
    return false;
  }

  /** The tokens of texts that each begin a prompt. */
  protected tokenizePrompts(texts: readonly string[]): Promise<Int32Array[]> {
    return Promise.all(texts.map((text) => this.tokenizePrompt(text)));
  }

  /** The tokens of texts that each continue something. */
  protected tokenizeTexts(texts: readonly string[]): Promise<Int32Array[]> {
    return Promise.all(texts.map((text) => this.tokenize(text)));
  }

  get #tokenizer(): ChoiceTokenizer {
    return {
      prompt: (prompt) => this.promptTokens(prompt),
      prompts: (texts) => this.tokenizePrompts(texts),
      texts: (texts) => this.tokenizeTexts(texts),
      textOf: (tokens, special) => (special ? this.textOf(tokens) : this.detokenize(tokens)),
    };
  }

  #freshPriors(): PriorCache {
    if (this.#priorsFor !== this.revision) this.#priors = new PriorCache();
    this.#priorsFor = this.revision;
    return this.#priors;
  }

  get #engine(): Engine {
    const lm = this;
    return {
      tokenizer: this.#tokenizer,
      // Others, once the LM computes otherwise.
      get priors() {
        return lm.#freshPriors();
      },
      // An engine in the making may know these better later.
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
