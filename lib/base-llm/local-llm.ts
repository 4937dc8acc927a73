// LocalLLM: a BaseLLM over any LM of this package. It turns options into a plan, tasks and chats
// into prompts, and leaves the rest to the LM.

import { checkString, wrongType } from '../common/arguments.js';
import { type LMError, NotSupportedError } from '../common/errors.js';
import type { LLaMaLoadOptions } from '../llama-options.js';
import type { LM } from '../lm.js';
import { BaseLLM } from './base-llm.js';
import type { Checkpoint } from './checkpoint.js';
import { checkPlan, generateTexts } from './generate-texts.js';
import { checkGiven, factsOf, hasStates, nameOf, resourcesOf } from './given-lm.js';
import type { HistoryMessage } from './history.js';
import { LMHolder, type OpenLM } from './lm-holder.js';
import { type LocalLLMOptions, readStyle, splitOptions } from './local-options.js';
import { llamaOpener } from './open-llama.js';
import type { RunOptions } from './options.js';
import { type Plan, planOf } from './plan.js';
import { type PromptStyle, Prompts } from './prompts.js';
import type { ModelResources } from './resources.js';
import { type SummaryOptions, summarize } from './summary.js';

/** A part of a text that is summarized leaves this share of the context for its summary. */
const summaryShare = 16;
/** The tokens of the answer in the prompt of a summary, unless `maxTokens` is set. */
const summaryReserve = 128;

/**
 * A text generator over an LM. Every option takes effect, or the constructor or the next call throws
 * a NotSupportedError.
 *
 * @example
 * await using llm = await LocalLLM.load({ modelName: 'model.gguf', maxTokens: 50 });
 * const text = await llm.run('Translate to French: Hello, world.');
 */
export class LocalLLM extends BaseLLM implements AsyncDisposable {
  readonly #holder: LMHolder;
  readonly #style: PromptStyle;
  readonly #prompts = new WeakMap<LM, Prompts>();
  /** The tokens of the last prompt, for checkpoints without a history. */
  readonly #lastPrompt = new WeakMap<LM, Int32Array>();
  #opened: LM | undefined;

  /**
   * @param source an LM, which the caller keeps; or a function that opens the LM of a name on a
   * device. It is called at the first call, and again after the name or the device has changed;
   * the LLM closes what it returns
   * @throws TypeError, RangeError for invalid options; NotSupportedError for options that the LM
   * does not support, or that have no effect together
   */
  constructor(source: LM | OpenLM, options?: LocalLLMOptions) {
    const { base, style } = splitOptions(options);
    super(base);
    this.#holder = new LMHolder(source);
    this.#style = readStyle(style);
    const plan = planOf(this.settings);
    const lm = this.#holder.given;
    if (lm === undefined) return;
    checkGiven(lm, { modelName: this.modelName, device: this.device });
    checkPlan(lm, plan);
    this.#promptsOf(lm).check(plan, this.role);
    if (this.modelName === undefined) this.set({ modelName: nameOf(lm) });
  }

  /**
   * Loads a GGUF file, `modelName`, on `device`; both may be changed later. Default: the embedded
   * model, on the engine's choice of devices.
   *
   * @param context options of `LLaMa.load`
   * @throws ModelLoadError; NotSupportedError if there is no such device; what `LLaMa.load` throws
   */
  static async load(
    options: LocalLLMOptions = {},
    context: Omit<LLaMaLoadOptions, 'completion'> = {},
  ): Promise<LocalLLM> {
    const { base } = splitOptions(options);
    const opener = await llamaOpener(context);
    const modelName = base.modelName ?? opener.defaultModelPath;
    const llm = new LocalLLM(opener.open, { ...options, modelName });
    try {
      await llm.open();
    } catch (error) {
      await llm.close();
      throw error;
    }
    return llm;
  }

  /** Opens the LM if that has not happened yet, and returns it. */
  open(): Promise<LM> {
    return this.#use(undefined, async (lm) => lm);
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#holder.closed;
  }

  /** Ends the use of the LM. Closes it, unless the caller gave it. Idempotent. */
  close(): Promise<void> {
    return this.#holder.close();
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Generates a text: the answer to the task, or the continuation of its text if the model has no
   * chat template. Without leading and trailing whitespace.
   *
   * @param task may be omitted if there is a system prompt
   * @throws ContextOverflowError for a task that is too long; NotSupportedError for options that
   * the LM does not support; errors of the LM
   */
  async run(task?: string, options: RunOptions = {}): Promise<string> {
    const plan = planOf(this.settings);
    const sequences = plan.beams === undefined ? 1 : plan.sequences;
    const [texts = []] = await this.#generate([this.#turn(task)], { ...plan, sequences }, options);
    return texts[0] as string;
  }

  /**
   * Generates `numReturnSequences` texts for a task: the best ones of a beam search, best first, or
   * as many samples. The first is that of {@link run}.
   */
  async sequences(task?: string, options: RunOptions = {}): Promise<string[]> {
    if (task !== undefined) checkString(task, 'task');
    return this.measure(options, async (checked) => {
      const [texts = []] = await this.#generate([this.#turn(task)], planOf(this.settings), checked);
      return texts;
    });
  }

  /** The number of tokens of a text as a prompt, with the special tokens that the model adds. */
  override countTokens(text: string): Promise<number> {
    return this.#use(undefined, (lm) => lm.countTokens(text));
  }

  /** All tasks in shared decodes, if the LM can; the n-th is sampled with the seed plus n. */
  protected override async runMany(
    tasks: readonly string[],
    options: RunOptions,
  ): Promise<string[]> {
    if (tasks.length === 0) return [];
    const plan = planOf(this.settings);
    const sequences = plan.beams === undefined ? 1 : plan.sequences;
    const turns = tasks.map((task) => this.#turn(task));
    const texts = await this.#generate(turns, { ...plan, sequences }, options);
    return texts.map(([first]) => first as string);
  }

  protected override async converse(
    messages: readonly HistoryMessage[],
    options: RunOptions,
  ): Promise<string> {
    const plan = { ...planOf(this.settings), sequences: 1 };
    const turns = [[...this.#system(), ...messages]];
    const [texts = []] = await this.#generate(turns, plan, options, true);
    return texts[0] as string;
  }

  protected override async summaryOf(text: string, options: SummaryOptions): Promise<string> {
    const { signal } = options;
    const settings = this.settings;
    return this.#use(signal, async (lm) => {
      const plan = { ...planOf(settings), sequences: 1 };
      const size = await this.#limitOf(lm, plan);
      const reserve = Math.min(plan.maxTokens ?? summaryReserve, Math.floor(size / 4));
      const short = Math.max(1, Math.floor(size / summaryShare));
      return summarize(
        text,
        {
          fits: async (prompt) =>
            size === Infinity || (await this.#length(lm, prompt, size)) + reserve <= size,
          run: async (prompt, isOnly) => {
            const maxTokens = isOnly ? plan.maxTokens : Math.min(plan.maxTokens ?? short, short);
            const turns = [this.#turn(prompt)];
            const [texts = []] = await this.#generateOn(
              lm,
              turns,
              { ...plan, maxTokens },
              { signal },
            );
            return texts[0] as string;
          },
        },
        options,
      );
    });
  }

  protected override async checkpointFacts(): Promise<Checkpoint['facts']> {
    const facts = await this.#use(undefined, factsOf);
    return { llm: this.constructor.name, ...facts };
  }

  /** Saves the state of the history, or else that of the last prompt. */
  protected override async saveStateTo(path: string): Promise<boolean> {
    return this.#use(undefined, async (lm) => {
      if (!hasStates(lm)) return false;
      try {
        const tokens = await this.#stateTokens(lm);
        if (tokens === undefined || tokens.length === 0) return false;
        await lm.saveState(path, tokens);
        return true;
      } catch (error) {
        // The rest of the checkpoint restores all but the time that the prompt takes.
        if (error instanceof NotSupportedError) return false;
        throw error;
      }
    });
  }

  protected override async loadStateFrom(path: string): Promise<void> {
    await this.#use(undefined, async (lm) => {
      if (hasStates(lm)) await lm.loadState(path);
    });
  }

  protected override async modelResources(): Promise<ModelResources> {
    const lm = this.#opened ?? this.#holder.given;
    return (lm && (await resourcesOf(lm))) ?? super.modelResources();
  }

  /** Calls `work` with the LM that the options name. */
  #use<T>(signal: AbortSignal | undefined, work: (lm: LM) => Promise<T>): Promise<T> {
    const { modelName, device } = this.settings;
    return this.#holder.use({ modelName, device }, signal, async (lm) => {
      if (lm === this.#holder.given) checkGiven(lm, { modelName, device });
      this.#opened = lm;
      return work(lm);
    });
  }

  #promptsOf(lm: LM): Prompts {
    const known = this.#prompts.get(lm);
    if (known !== undefined) return known;
    const prompts = new Prompts(lm, this.#style);
    this.#prompts.set(lm, prompts);
    return prompts;
  }

  #system(): HistoryMessage[] {
    const { systemPrompt = '' } = this;
    return systemPrompt === '' ? [] : [{ role: 'system', content: systemPrompt }];
  }

  /** The messages of a task. */
  #turn(task: string | undefined): HistoryMessage[] {
    const system = this.#system();
    if (task !== undefined) return [...system, { role: 'user', content: task }];
    if (system.length === 0) throw wrongType('a string, without a system prompt,', 'task', task);
    return system;
  }

  #generate(
    turns: readonly (readonly HistoryMessage[])[],
    plan: Plan,
    options: RunOptions,
    isDialog = false,
  ): Promise<string[][]> {
    return this.#use(options.signal, (lm) => this.#generateOn(lm, turns, plan, options, isDialog));
  }

  async #generateOn(
    lm: LM,
    turns: readonly (readonly HistoryMessage[])[],
    plan: Plan,
    options: RunOptions,
    isDialog = false,
  ): Promise<string[][]> {
    const start = performance.now();
    const { role } = this;
    const prompts = this.#promptsOf(lm);
    const ready = await Promise.all(
      turns.map((messages) => prompts.prepare(messages, plan, role, isDialog)),
    );
    const preparedMs = performance.now() - start;
    const { texts, tokens, promptTokens, firstTokenMs } = await generateTexts(
      lm,
      ready,
      plan,
      options,
    );
    const last = ready.at(-1);
    if (last !== undefined && 'tokens' in last) this.#lastPrompt.set(lm, last.tokens);
    this.reportGeneration({
      durationMs: performance.now() - start,
      ...(firstTokenMs === undefined ? {} : { firstTokenMs: preparedMs + firstTokenMs }),
      tokens,
      promptTokens,
    });
    return texts;
  }

  /** The maximum number of tokens of a prompt and its answer; Infinity if unknown. */
  async #limitOf(lm: LM, { maxLength = Infinity }: Plan): Promise<number> {
    // The tokenizer of a server reports it at the first call.
    if (lm.contextSize === undefined) {
      await lm.countTokens(' ').catch((error: unknown) => {
        const { code } = error as LMError;
        if (code !== 'NOT_SUPPORTED' && code !== 'PEER_MISSING') throw error;
      });
    }
    return Math.min(lm.contextSize ?? Infinity, maxLength);
  }

  /** The tokens of a task's prompt; Infinity if it is far longer than the context. */
  async #length(lm: LM, task: string, size: number): Promise<number> {
    // Hardly any text averages this many characters per token; cut too short, it is still right.
    if (task.length > 16 * size) return Infinity;
    const tokens = await this.#promptsOf(lm).tokensOf(this.#turn(task), this.role);
    // A server adds a few tokens per message.
    return tokens?.length ?? (await lm.countTokens(task)) + 32;
  }

  async #stateTokens(lm: LM): Promise<Int32Array | undefined> {
    if (this.history.length === 0) return this.#lastPrompt.get(lm);
    const messages = [...this.#system(), ...this.history];
    const tokens = await this.#promptsOf(lm).tokensOf(messages, this.role);
    const { contextSize = Infinity } = lm;
    return tokens !== undefined && tokens.length <= contextSize ? tokens : this.#lastPrompt.get(lm);
  }
}
