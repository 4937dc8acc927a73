// ChoiceLM: exact scores of given continuations, derived from greedyImpl alone. LLaMa and TfLM
// extend it; LLaMa scores trees natively instead. `lib/choose/choose.ts` has the steps of `choose`.

import type { Automaton } from './automaton/automaton.js';
import type { TokenSource } from './automaton/token-source.js';
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
import { raceAbort } from './common/abort.js';
import type { Prompt } from './common/arguments.js';
import type { CallOptions } from './common/call-options.js';
import { findGuard, type Guard, tokenizeContinuation } from './common/continuation.js';
import type { Cost } from './common/usage.js';
import type { Decision } from './decide/answer.js';
import { checkDecision, runDecide } from './decide/decide.js';
import { type DecideOptions, readDecideOptions } from './decide/decide-options.js';
import type { DecisionQuestions } from './decide/question.js';
import { readQuestions } from './decide/read-questions.js';
import { type DecisionState, readState } from './decide/state.js';
import { GreedyLM } from './greedy-lm.js';
import { beginningsOf } from './thoughts/completion-tokens.js';
import { runAutomaton, type ThinkingEngine } from './thoughts/evaluate.js';
import type { EvaluateOptions } from './thoughts/evaluate-options.js';
import type { PlanRun, Thoughts } from './thoughts/search-types.js';
import { searchThoughts } from './thoughts/thought-search.js';
import type { ThoughtTree } from './thoughts/thought-tree.js';
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
   * LM has no end-of-generation token, for boundary `'healed'` if the tokenizer does not reproduce
   * texts, and for any boundary but `'separate'` in an encoder-decoder
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
   * Answers typed questions about one state, each by a probability per option. All of them are scored
   * together: the state is decoded once.
   *
   * @param state a text, JSON, or messages
   * @param questions by name; the answers have the same names, and types that follow from theirs
   * @throws TypeError, RangeError for invalid arguments, and for options that are the same tokens;
   * ContextOverflowError, before anything is decoded, if the state does not fit in the context with
   * the longest question; NotSupportedError for a chat template that rejects the messages, and for
   * terminator `'eog'` without such a token; LMError `INVALID_LOGPROBS` if all options of a question
   * are impossible
   * @example
   * const { answers } = await lm.decide('The service was slow and the soup cold.', {
   *   mood: { type: 'choice', instructions: 'How does the guest feel?', criteria: ['happy', 'angry'] },
   * });
   * answers.mood.choice; // 'happy' | 'angry'
   */
  async decide<const Q extends DecisionQuestions>(
    state: DecisionState,
    questions: Q,
    options?: DecideOptions,
  ): Promise<Decision<Q>> {
    const request = readDecideOptions(options);
    const task = { state: readState(state), questions: readQuestions(questions), request };
    checkDecision(task);
    return runDecide<Q>(this.#engine, this, task);
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

  /**
   * Runs an automaton: completes its entry by its texts, choices and completions, and follows the
   * best thoughts.
   *
   * @throws TypeError, RangeError for invalid options, and for what {@link Automaton} cannot know
   * without a model: cycles without a limit, empty sets of tokens, stops that no allowed tokens
   * produce; ContextOverflowError, before anything is decoded, for an action that no thought can
   * reach within the context; NotSupportedError for terminator `'eog'` without such a token. Each
   * names the action.
   * @example
   * const thoughts = await lm.evaluate(automaton);
   * console.log(thoughts.best()?.text);
   */
  evaluate(automaton: Automaton, options?: EvaluateOptions): Promise<ThoughtTree> {
    return runAutomaton((signal) => this.#thinker(signal), automaton, options);
  }

  /** Implements {@link evaluate}: runs a plan. */
  protected evaluateImpl(...run: PlanRun): Promise<Thoughts> {
    return searchThoughts(this.#thinker(run[2]), ...run);
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

  /**
   * The natural log-probability of every token to follow `tokens`, by token id, for an automaton that
   * considers only the `allowed` ones: bit n & 7 of byte n >> 3 is token n; undefined allows all. The
   * entries of other tokens are not read. By default all are as those of `greedy`.
   */
  protected nextAllowed(
    tokens: Int32Array,
    _allowed: Uint8Array | undefined,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    return this.nextLogprobs(tokens, signal);
  }

  /** The vocabulary, as the token sets of automata see it. */
  protected get tokenSource(): TokenSource {
    const textOf = (token: number) => this.detokenize(Int32Array.of(token), { continuation: true });
    return {
      owner: this,
      size: async (signal) => {
        // An LM that does not know shows it in any distribution.
        const tokens = async () => (await this.tokenizePrompt('a')).subarray(0, 1);
        return this.vocabularySize ?? (await this.nextLogprobs(await tokens(), signal)).length;
      },
      texts: (tokens) => Promise.all(Array.from(tokens, textOf)),
      tokenize: (texts) => this.tokenizeTexts(texts),
      tokenizeSpecial: (text) => this.tokenize(text, { parseSpecial: true, continuation: true }),
      endOfGeneration: this.endOfGeneration,
    };
  }

  /** The tokens of texts that an {@link encoderDecoder}'s decoder begins with. */
  protected tokenizeDecoderTexts(texts: readonly string[]): Promise<Int32Array[]> {
    return Promise.all(texts.map((text) => this.tokenize(text)));
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
      decoderTexts: this.encoderDecoder ? (texts) => this.tokenizeDecoderTexts(texts) : undefined,
      textOf: (tokens, special) => (special ? this.textOf(tokens) : this.detokenize(tokens)),
    };
  }

  #freshPriors(): PriorCache {
    if (this.#priorsRevision !== this.revision) this.#priors = new PriorCache();
    this.#priorsRevision = this.revision;
    return this.#priors;
  }

  #thinker(signal: AbortSignal | undefined): ThinkingEngine {
    const lm = this;
    return {
      tokenizer: this.#tokenizerFor(signal),
      get encoderDecoder() {
        return lm.encoderDecoder;
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
      get tokenSource() {
        return lm.tokenSource;
      },
      beginnings: (prefix, count, signal) => {
        return beginningsOf(this.tokenSource, prefix, count, signal);
      },
      packs: (tasks) => this.packs(tasks),
      scoreTrees: (tasks, signal) => this.scoreTrees(tasks, signal),
      nextAllowed: (tokens, allowed, signal) => this.nextAllowed(tokens, allowed, signal),
      detokenize: (tokens, signal) => {
        return raceAbort(this.detokenize(tokens, { continuation: true }), signal);
      },
      evaluate: (...run) => this.evaluateImpl(...run),
    };
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
      get encoderDecoder() {
        return lm.encoderDecoder;
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
