// BaseLLM: a text generator with options, a chat history, metrics, a log and checkpoints. A subclass
// implements `run`; LocalLLM is the one over the LMs of this package.

import { raceAbort } from '../common/abort.js';
import {
  checkOptions,
  checkSignal,
  checkString,
  checkStrings,
  wrongRange,
} from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import { checkPath } from '../model/model-options.js';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { EventLog } from './event-log.js';
import { type GenerationStats, speedOf } from './generation-stats.js';
import { continued, type History, type HistoryMessage, transcriptOf } from './history.js';
import { type BaseLLMOptions, type RunOptions, readRunOptions } from './options.js';
import { type ModelResources, ProcessMeter, type ResourceUtilization } from './resources.js';
import { LLMSettings } from './settings.js';
import { checkOnProgress, type SummaryOptions, summarize } from './summary.js';

/**
 * A text generator. A subclass implements {@link run} and reads its options from its attributes;
 * everything else works then, except for counts of tokens, which need {@link countTokens}.
 *
 * @example
 * class Echo extends BaseLLM {
 *   async run(task = '') {
 *     return task.toUpperCase();
 *   }
 * }
 * await new Echo().batchRun(['a', 'b']); // ['A', 'B']
 */
export abstract class BaseLLM extends LLMSettings {
  readonly #log = new EventLog();
  readonly #meter = new ProcessMeter();
  readonly #ownRun: BaseLLM['run'];
  readonly #measuredRun: BaseLLM['run'];
  #history: readonly HistoryMessage[] = Object.freeze([]);
  #clears = 0;
  #chats: Promise<unknown> = Promise.resolve();
  #stats: GenerationStats | undefined;
  #text = '';
  #reportsStats = false;

  /** @throws TypeError, RangeError for invalid options */
  constructor(options?: BaseLLMOptions) {
    super(options);
    this.#ownRun = this.run;
    // The instance's `run` checks, measures and logs that of its class, and needs no `this`.
    this.#measuredRun = async (task, runOptions) => {
      if (task !== undefined) checkString(task, 'task');
      return this.measure(runOptions, (checked) => this.#run(task, checked));
    };
    this.run = this.#measuredRun;
  }

  /** Generates a text for a task. Called only with valid arguments. */
  abstract run(task?: string, options?: RunOptions): Promise<string>;

  /** {@link run}. */
  arun(task?: string, options?: RunOptions): Promise<string> {
    return this.run(task, options);
  }

  /** {@link run}. */
  call(task?: string, options?: RunOptions): Promise<string> {
    return this.run(task, options);
  }

  /** Generates a text for each task, in order. */
  async batchRun(tasks: readonly string[], options?: RunOptions): Promise<string[]> {
    const list = checkStrings(tasks, 'tasks');
    return this.measure(options, (checked) => this.runMany(list, checked));
  }

  /** {@link batchRun}. */
  abatchRun(tasks: readonly string[], options?: RunOptions): Promise<string[]> {
    return this.batchRun(tasks, options);
  }

  /**
   * Continues the conversation of {@link history}, to which the task and the answer are added. A
   * call that fails adds nothing. Calls run one at a time.
   *
   * @param history another conversation to continue, which replaces the present one: messages, or
   * a text that precedes the task. Default, and `''`: the present one
   */
  async chat(task: string, history: History = '', options?: RunOptions): Promise<string> {
    checkString(task, 'task');
    const other = history === '' ? undefined : continued(history, task);
    const checked = readRunOptions(options);
    return this.enqueue(checked.signal, async () => {
      const messages = other ?? continued(this.#history, task);
      const clears = this.#clears;
      const answer = await this.#measure(checked.signal, () => this.converse(messages, checked));
      if (clears === this.#clears) {
        this.#history = continued(messages, answer, 'assistant');
      }
      return answer;
    });
  }

  /** The conversation of {@link chat}, oldest message first. Without the system prompt. */
  get history(): readonly HistoryMessage[] {
    return this.#history;
  }

  /** Forgets the conversation, and the answer that is being generated. */
  clearHistory(): void {
    this.#clears++;
    this.#history = Object.freeze([]);
  }

  /**
   * Summarizes a text: in parts, and then their summaries, if it does not fit in the context.
   *
   * @throws RangeError for an empty text; ContextOverflowError if the context is too small
   */
  async generateSummary(text: string, options?: SummaryOptions): Promise<string> {
    if (checkString(text, 'text').trim() === '') throw wrongRange('a text', 'text', text);
    const known = ['signal', 'onProgress'] as const;
    const { signal, onProgress } = checkOptions(options, 'options', known);
    const request = {
      signal: checkSignal(signal, 'signal'),
      onProgress: checkOnProgress(onProgress),
    };
    return this.#measure(request.signal, () => this.summaryOf(text, request));
  }

  /**
   * The number of tokens of a text.
   *
   * @throws NotSupportedError unless the subclass implements it
   */
  async countTokens(text: string): Promise<number> {
    checkString(text, 'text');
    throw new NotSupportedError(
      'This LLM has no tokenizer: its class does not implement countTokens',
    );
  }

  /**
   * Generated tokens per second of the last generation, its prompt included; undefined before the
   * first one.
   *
   * @throws NotSupportedError if the LLM cannot count tokens
   */
  async tokensPerSecond(): Promise<number | undefined> {
    if (this.#stats === undefined) return undefined;
    const { durationMs, tokens } = this.#stats;
    return speedOf(tokens ?? (await this.countTokens(this.#text)), durationMs);
  }

  /** Generates a text for a task; returns how long it took, in milliseconds. */
  async timeForGeneration(task: string, options?: RunOptions): Promise<number> {
    checkString(task, 'task');
    const start = performance.now();
    await this.run(task, options);
    return performance.now() - start;
  }

  /** How long the last generation took, in milliseconds; undefined before the first one. */
  getGenerationTime(): number | undefined {
    return this.#stats?.durationMs;
  }

  /** Milliseconds to the first token of the last generation; undefined if unknown. */
  timeToFirstToken(): number | undefined {
    return this.#stats?.firstTokenMs;
  }

  /** What the last generation took; undefined before the first one. */
  get lastGeneration(): Readonly<GenerationStats> | undefined {
    return this.#stats;
  }

  /**
   * Appends events to a file from now on, one JSON object per line: every generation and failure,
   * changed options, checkpoints, and those of {@link logEvent}. No event has prompts or answers.
   *
   * @throws LMError `LOG_NOT_WRITTEN` if the file cannot be written
   */
  async enableLogging(logFile = 'model.log'): Promise<void> {
    await this.#log.enable(checkPath(logFile, 'logFile'));
  }

  /** Ends logging; resolves when everything is written. */
  disableLogging(): Promise<void> {
    return this.#log.disable();
  }

  /** Appends a message to the log. Rejects with `LOG_NOT_WRITTEN` unless logging is enabled. */
  async logEvent(message: string): Promise<void> {
    await this.#log.write('message', { message: checkString(message, 'message') });
  }

  /**
   * Saves the history, the options, and the state of the model's prompt where there is one, after
   * running chats. Creates the folder. Returns the path of the checkpoint.
   *
   * @throws LMError `STATE_NOT_SAVED`
   */
  async saveCheckpoint(checkpointDir = 'checkpoints'): Promise<string> {
    checkPath(checkpointDir, 'checkpointDir');
    return this.enqueue(undefined, async () => {
      const facts = await this.checkpointFacts();
      const content = { facts, settings: this.storedSettings(), history: this.#history };
      const path = await writeCheckpoint(checkpointDir, content, (file) => {
        return this.saveStateTo(file);
      });
      this.#log.report('checkpoint saved', { path });
      return path;
    });
  }

  /**
   * Restores history, options and the state of the prompt, after running chats. The model and the
   * device stay as they are.
   *
   * @throws LMError `STATE_MISMATCH` if the checkpoint is incomplete, altered, or of another model
   * or class; nothing is changed then
   */
  async loadCheckpoint(checkpointPath: string): Promise<void> {
    checkPath(checkpointPath, 'checkpointPath');
    await this.enqueue(undefined, async () => {
      const facts = await this.checkpointFacts();
      const { statePath, history, settings } = await readCheckpoint(checkpointPath, facts);
      if (statePath !== undefined) await this.loadStateFrom(statePath);
      this.restoreSettings(settings);
      this.clearHistory();
      this.#history = Object.freeze([...history]);
      this.#log.report('checkpoint loaded', { path: checkpointPath });
    });
  }

  /** Measures what the process, the model and its context use now. */
  async trackResourceUtilization(): Promise<ResourceUtilization> {
    const report = { ...this.#meter.measure(), ...(await this.modelResources()) };
    this.#log.report('resources', report);
    return report;
  }

  /** Implements {@link batchRun}: by default, one {@link run} after the other. */
  protected async runMany(tasks: readonly string[], options: RunOptions): Promise<string[]> {
    const texts: string[] = [];
    for (const task of tasks) {
      options.signal?.throwIfAborted();
      texts.push(await this.#run(task, options));
    }
    return texts;
  }

  /** Implements {@link chat}: by default, {@link run} continues the conversation's transcript. */
  protected converse(messages: readonly HistoryMessage[], options: RunOptions): Promise<string> {
    const { role, systemPrompt = '' } = this;
    const system = systemPrompt === '' ? [] : [{ role: 'system', content: systemPrompt } as const];
    return this.#run(transcriptOf([...system, ...messages], role), options);
  }

  /** Implements {@link generateSummary}: by default, any text fits in one prompt. */
  protected summaryOf(text: string, options: SummaryOptions): Promise<string> {
    const run = (prompt: string) => this.#run(prompt, { signal: options.signal });
    return summarize(text, { fits: async () => true, run }, options);
  }

  /**
   * Reports what a generation took. An LLM that calls it in `run` is not measured with a clock.
   */
  protected reportGeneration(stats: GenerationStats): void {
    this.#reportsStats = true;
    this.#record(stats);
  }

  /** Checks the options of a call, runs its work under its signal, measures and logs it. */
  protected async measure<T extends string | string[]>(
    options: RunOptions | undefined,
    work: (options: RunOptions) => Promise<T>,
  ): Promise<T> {
    const checked = readRunOptions(options);
    return this.#measure(checked.signal, () => work(checked));
  }

  /** What identifies the model in a checkpoint. */
  protected async checkpointFacts(): Promise<Checkpoint['facts']> {
    return { llm: this.constructor.name, modelName: this.modelName ?? '' };
  }

  /** Saves the prompt's state to a file; false if there is none. */
  protected async saveStateTo(_path: string): Promise<boolean> {
    return false;
  }

  /** Loads the prompt's state from a file. */
  protected async loadStateFrom(_path: string): Promise<void> {}

  /** What the model in this process uses. */
  protected async modelResources(): Promise<ModelResources> {
    return { modelBytes: undefined, cacheBytes: undefined, devices: [] };
  }

  protected override settingsChanged(names: readonly string[]): void {
    this.#log.report('options', { changed: names });
  }

  /** Runs work after running chats, and before later ones. */
  protected async enqueue<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const previous = this.#chats;
    const result = raceAbort(previous, signal).then(work);
    // A call that was aborted while it waited does not let the next one overtake.
    this.#chats = Promise.allSettled([previous, result]);
    return result;
  }

  async #run(task: string | undefined, options: RunOptions): Promise<string> {
    // A class may define `run` as a field, after this class's constructor.
    const run = this.run === this.#measuredRun ? this.#ownRun : this.run;
    return checkString(await run.call(this, task, options), 'the result of run');
  }

  /** Runs a generation under its signal, measures it unless it does so itself, and logs it. */
  async #measure<T extends string | string[]>(
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const start = performance.now();
    try {
      const result = await raceAbort(work(), signal);
      if (!this.#reportsStats) {
        this.#text = [result].flat().join('');
        this.#record({ durationMs: performance.now() - start });
      }
      return result;
    } catch (error) {
      const { name, code } = Object(error) as { name?: unknown; code?: unknown };
      this.#log.report('failure', { name, code });
      throw error;
    }
  }

  #record(stats: GenerationStats): void {
    this.#stats = Object.freeze({ ...stats });
    this.#log.report('generation', stats);
  }
}
