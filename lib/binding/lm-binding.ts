// LMBinding: a binding over an LM of this package. It generates, tokenizes and embeds with it, and
// replaces it when a model is built or settings have changed.

import { raceAbort } from '../common/abort.js';
import { checkString, checkTokens, wrongType } from '../common/arguments.js';
import { type CallOptions, readSignal } from '../common/call-options.js';
import type { Completion } from '../common/completion.js';
import { ClosedError } from '../common/errors.js';
import type { LM } from '../lm.js';
import { SamplerSettings } from '../sampling/sampler-settings.js';
import { CallbackCaller, type CallbackMetadata } from './callback.js';
import { type ConfigValue, isEqual } from './config/config-value.js';
import {
  type GenerateOptions,
  type GenerateRequest,
  readGenerateOptions,
  type SamplingOptions,
  withSeed,
} from './generate-options.js';
import { LLMBinding } from './llm-binding.js';
import { LMLease } from './lm-lease.js';

/** What `settingsUpdated` found and did. */
export interface SettingsUpdate {
  /** The names of the settings that have changed since the model was built. */
  readonly changed: readonly string[];
  /** What was loaded anew. */
  readonly reloaded: 'model' | 'context' | 'nothing';
}

/** An LM that a binding has opened. */
export interface OpenedLM {
  lm: LM;
  /** Frees the LM. Default: closes it. */
  free?: (() => Promise<void>) | undefined;
}

const defaultNPredict = 128;

/** A binding over any LM: a subclass opens it. */
export abstract class LMBinding extends LLMBinding {
  #lease: LMLease | undefined;
  /** The settings that the LM was opened with. */
  #applied: { modelName: string; values: Readonly<Record<string, ConfigValue>> } | undefined;
  /** Builds, updates and destructions, one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  /** The LM, for what a binding has no method for. Throws ClosedError without a model. */
  get lm(): LM {
    return this.#open().lm;
  }

  /** Whether a model is built. */
  get hasModel(): boolean {
    return this.#lease !== undefined;
  }

  /** The name of the model that is built. */
  get modelName(): string | undefined {
    return this.#applied?.modelName;
  }

  /**
   * Loads a model, and then closes the one before, once its generations have ended: if the new one
   * cannot be loaded, the old one stays. Where memory is short for both, call `destroyModel` first.
   *
   * @param modelName default: `config.modelName`
   * @throws ModelLoadError; what the LM's class throws; TypeError if there is no name
   */
  override buildModel(modelName?: string): Promise<this> {
    return this.#enqueue(async () => {
      const before = this.config.modelName;
      try {
        await super.buildModel(modelName);
        await this.#replace(this.#wantedName(), 'model');
      } catch (error) {
        if (modelName !== undefined) this.#restoreName(before);
        this.error(error as Error);
        throw error;
      }
      this.success(`Loaded ${this.modelName}`);
      return this;
    });
  }

  /**
   * Applies changes of `bindingConfig` and `config`: loads the model anew if something has changed
   * that needs it, or only its context; sampling settings take effect anyway. Does nothing without a
   * model.
   *
   * @throws as {@link buildModel} does; the model stays as it was then
   */
  override settingsUpdated(): Promise<SettingsUpdate> {
    return this.#enqueue(async () => {
      const applied = this.#applied;
      if (applied === undefined) return { changed: [], reloaded: 'nothing' };
      const name = this.#wantedName();
      const values = this.bindingConfig.toJSON() as Record<string, ConfigValue>;
      const changed = Object.keys(values).filter(
        (key) => !isEqual(values[key], applied.values[key]),
      );
      const isOther = name !== applied.modelName;
      const reloaded = isOther ? 'model' : this.reloads(changed);
      try {
        if (reloaded !== 'nothing') await this.#replace(name, reloaded);
        else this.#applied = { modelName: name, values };
      } catch (error) {
        this.error(error as Error);
        throw error;
      }
      if (reloaded !== 'nothing') this.success(`Applied ${changed.join(', ') || name}`);
      return { changed: isOther ? ['modelName', ...changed] : changed, reloaded };
    });
  }

  /** Frees the model at once; what uses it rejects with ClosedError. */
  override async destroyModel(): Promise<void> {
    // A build that is under way ends first. What runs on the model must not wait for it.
    const lease = this.#lease;
    this.#lease = undefined;
    this.#applied = undefined;
    await lease?.free();
    await this.#enqueue(async () => {
      const later = this.#lease;
      this.#lease = undefined;
      this.#applied = undefined;
      await later?.free();
      await this.modelDestroyed();
    });
  }

  override async generate(prompt: string, options?: GenerateOptions): Promise<string> {
    checkString(prompt, 'prompt');
    const request = readGenerateOptions(options, this.checkedConfig().nPredict);
    const sampling = this.#seeded(this.samplingOf(request.sampling));
    request.signal?.throwIfAborted();
    return this.#open().use((lm) => {
      return this.runGeneration(sampling?.seed ?? -1, (stopped, stop) => {
        const generating = this.#generate(lm, prompt, request, sampling, stopped, stop);
        return raceAbort(generating, request.signal, stop);
      });
    });
  }

  override async tokenize(text: string, options?: CallOptions): Promise<Int32Array> {
    checkString(text, 'text');
    const signal = readSignal(options);
    return this.#open().use((lm) => lm.tokenize(text, { signal }));
  }

  override async detokenize(
    tokens: Int32Array | readonly number[],
    options?: CallOptions,
  ): Promise<string> {
    const list = tokensOf(tokens);
    const signal = readSignal(options);
    return this.#open().use((lm) => lm.detokenize(list, { signal }));
  }

  /**
   * Opens the LM of a name with the current settings.
   *
   * @param scope `'context'`: only settings of the context have changed
   */
  protected abstract openLM(name: string, scope: 'model' | 'context'): Promise<OpenedLM>;

  /** Which of an LM's parts must be loaded anew for these settings. Here: the model for any. */
  protected reloads(changed: readonly string[]): SettingsUpdate['reloaded'] {
    return changed.length > 0 ? 'model' : 'nothing';
  }

  /**
   * The sampling of a call: the binding's settings under what the call names. Undefined: greedy.
   */
  protected samplingOf(named: SamplingOptions): SamplingOptions | undefined {
    return Object.keys(named).length > 0 ? named : undefined;
  }

  /** Called when the model was destroyed. */
  protected async modelDestroyed(): Promise<void> {}

  /** Runs a work on the LM, which stays open until it ends. Throws ClosedError without a model. */
  protected async useLM<T>(work: (lm: LM) => Promise<T>): Promise<T> {
    return this.#open().use(work);
  }

  #open(): LMLease {
    if (this.#lease !== undefined) return this.#lease;
    throw new ClosedError(`${this.name} has no model: call buildModel`);
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const running = this.#queue.then(work, work);
    this.#queue = running.catch(() => {});
    return running;
  }

  #wantedName(): string {
    const { modelName } = this.checkedConfig();
    if (modelName === undefined || modelName === '') {
      throw wrongType('the name of a model, here or in config,', 'modelName', modelName);
    }
    return modelName;
  }

  #restoreName(name: string | undefined): void {
    if (name === undefined) delete this.config.modelName;
    else this.config.modelName = name;
  }

  async #replace(name: string, scope: 'model' | 'context'): Promise<void> {
    const values = this.bindingConfig.toJSON() as Record<string, ConfigValue>;
    const { lm, free = () => lm.close() } = await this.openLM(name, scope);
    const before = this.#lease;
    this.#lease = new LMLease(lm, free);
    this.#applied = { modelName: name, values };
    // Not awaited: it may be in use for as long as its generations take.
    void before?.retire().catch((error: Error) => this.error(error));
  }

  /** Draws a seed if the sampling is random and has none. */
  #seeded(sampling: SamplingOptions | undefined): SamplingOptions | undefined {
    if (sampling === undefined) return undefined;
    const seeded = withSeed(sampling);
    if (new SamplerSettings(seeded).hasChance) return seeded;
    const { seed: _, ...greedy } = sampling;
    return greedy;
  }

  async #generate(
    lm: LM,
    prompt: string,
    request: GenerateRequest,
    sampling: SamplingOptions | undefined,
    stopped: AbortSignal,
    stop: () => void,
  ): Promise<string> {
    const { callback, nPredict, verbose, passed } = request;
    const caller = callback === undefined ? undefined : new CallbackCaller(callback, stop);
    const progress = new Progress(nPredict ?? defaultNPredict, sampling?.temperature);
    let completion: Completion | undefined;
    try {
      completion = await lm.complete(prompt, {
        ...passed,
        ...(nPredict === undefined ? {} : { maxTokens: nPredict }),
        ...(sampling === undefined ? {} : { sampler: sampling }),
        signal: stopped,
        stopOnAbort: true,
        onToken: ({ text, tokens }) => {
          const metadata = progress.after(tokens.length);
          if (text !== '') caller?.call(text, metadata);
          return caller?.isStopped !== true;
        },
      });
    } catch (error) {
      // Stopped before anything was generated.
      if (!stopped.aborted || error !== stopped.reason) throw error;
    }
    const { text = '', stopReason = 'abort' } = completion ?? {};
    // Not after the caller has given up, and been told so.
    if (!request.signal?.aborted) {
      caller?.call('', { ...progress.after(0), finishReason: stopReason });
    }
    await caller?.settle();
    if (verbose && completion !== undefined) this.info(summary(completion));
    return text;
  }
}

/** Counts the tokens of a generation. */
class Progress {
  #tokensGenerated = 0;
  readonly #maxTokens: number;
  readonly #temperature: number | undefined;

  constructor(maxTokens: number, temperature: number | undefined) {
    this.#maxTokens = maxTokens;
    this.#temperature = temperature;
  }

  after(tokenCount: number): CallbackMetadata {
    this.#tokensGenerated += tokenCount;
    const maxTokens = this.#maxTokens;
    const temperature = this.#temperature;
    return {
      ...(maxTokens === Infinity ? {} : { progress: this.#tokensGenerated / maxTokens }),
      tokensGenerated: this.#tokensGenerated,
      maxTokens,
      tokenCount,
      ...(temperature === undefined ? {} : { temperature }),
    };
  }
}

function summary({ tokens, usage, timings, performance: speed, stopReason }: Completion): string {
  return (
    `${tokens.length} tokens after ${usage.promptTokens} (${usage.cachedTokens} cached) in ` +
    `${timings.totalMs.toFixed(0)} ms, ${speed.tokensPerSecond.toFixed(1)} tokens per second; ` +
    `ended by ${stopReason}`
  );
}

function tokensOf(tokens: unknown): Int32Array {
  if (!Array.isArray(tokens)) return checkTokens(tokens, 'tokens');
  for (const [index, token] of tokens.entries()) {
    if (!Number.isInteger(token)) throw wrongType('a token id', `tokens[${index}]`, token);
    checkTokens(Int32Array.of(token), `tokens[${index}]`);
  }
  return Int32Array.from(tokens as number[]);
}
