// LLMSettings: the attributes of a BaseLLM and their setters. BaseLLM extends it. A setter checks
// the value; it takes effect at the next call.

import { checkBoolean } from '../common/arguments.js';
import { type BaseLLMOptions, readBaseOptions, type Settings } from './options.js';

/** What creative mode samples with. Every server knows these two. */
const creativeSampling = { doSample: true, temperature: 1.2, topP: 0.95 } as const;

/** What creative mode replaces, and restores when it is switched off. */
const creativeNames = ['doSample', 'temperature', 'topP', 'topK'] as const;

/** The settings of a checkpoint, and those that creative mode has replaced. */
export interface StoredSettings {
  settings: Settings;
  beforeCreative?: Settings;
}

/** The settings that are set, frozen. */
const keep = (settings: Settings): Settings => {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.freeze(Object.fromEntries(entries));
};

/** The attributes of a {@link BaseLLM}, as its options describe them. Undefined if not set. */
export abstract class LLMSettings {
  #settings: Settings;
  #beforeCreative: Settings | undefined;

  /** @throws TypeError, RangeError for invalid options */
  constructor(options?: BaseLLMOptions) {
    this.#settings = keep(readBaseOptions(options));
  }

  /** All options that are set. */
  get settings(): Settings {
    return this.#settings;
  }

  get modelName(): string | undefined {
    return this.#settings.modelName;
  }

  get maxTokens(): number | undefined {
    return this.#settings.maxTokens;
  }

  get maxLength(): number | undefined {
    return this.#settings.maxLength;
  }

  get temperature(): number | undefined {
    return this.#settings.temperature;
  }

  get topK(): number | undefined {
    return this.#settings.topK;
  }

  get topP(): number | undefined {
    return this.#settings.topP;
  }

  get doSample(): boolean | undefined {
    return this.#settings.doSample;
  }

  get seed(): number | undefined {
    return this.#settings.seed;
  }

  get frequencyPenalty(): number | undefined {
    return this.#settings.frequencyPenalty;
  }

  get presencePenalty(): number | undefined {
    return this.#settings.presencePenalty;
  }

  get repetitionPenalty(): number | undefined {
    return this.#settings.repetitionPenalty;
  }

  /** {@link repetitionPenalty}. */
  get repitionPenalty(): number | undefined {
    return this.#settings.repetitionPenalty;
  }

  get numBeams(): number | undefined {
    return this.#settings.numBeams;
  }

  /** {@link numBeams}. */
  get beamWidth(): number | undefined {
    return this.#settings.numBeams;
  }

  get numReturnSequences(): number | undefined {
    return this.#settings.numReturnSequences;
  }

  get lengthPenalty(): number | undefined {
    return this.#settings.lengthPenalty;
  }

  get earlyStopping(): boolean | 'never' | undefined {
    return this.#settings.earlyStopping;
  }

  get stopToken(): string | number | undefined {
    return this.#settings.stopToken;
  }

  get systemPrompt(): string | undefined {
    return this.#settings.systemPrompt;
  }

  get role(): string | undefined {
    return this.#settings.role;
  }

  get padTokenId(): number | undefined {
    return this.#settings.padTokenId;
  }

  get eosTokenId(): number | undefined {
    return this.#settings.eosTokenId;
  }

  get bosTokenId(): number | undefined {
    return this.#settings.bosTokenId;
  }

  get device(): string | undefined {
    return this.#settings.device;
  }

  /** Whether {@link toggleCreativeMode} has switched creative mode on. */
  get creativeMode(): boolean {
    return this.#beforeCreative !== undefined;
  }

  /**
   * Changes several options at once; undefined unsets one. If one is invalid, none is changed.
   *
   * @throws TypeError, RangeError
   */
  set(options: BaseLLMOptions): void {
    const changed = readBaseOptions(options);
    this.#settings = keep({ ...this.#settings, ...changed });
    this.settingsChanged(Object.keys(changed));
  }

  setModelName(modelName: string | undefined): void {
    this.set({ modelName });
  }

  setMaxTokens(maxTokens: number | undefined): void {
    this.set({ maxTokens });
  }

  setMaxLength(maxLength: number | undefined): void {
    this.set({ maxLength });
  }

  setTemperature(temperature: number | undefined): void {
    this.set({ temperature });
  }

  setTopK(topK: number | undefined): void {
    this.set({ topK });
  }

  setTopP(topP: number | undefined): void {
    this.set({ topP });
  }

  setDoSample(doSample: boolean | undefined): void {
    this.set({ doSample });
  }

  setSeed(seed: number | undefined): void {
    this.set({ seed });
  }

  setFrequencyPenalty(frequencyPenalty: number | undefined): void {
    this.set({ frequencyPenalty });
  }

  setPresencePenalty(presencePenalty: number | undefined): void {
    this.set({ presencePenalty });
  }

  setRepetitionPenalty(repetitionPenalty: number | undefined): void {
    this.set({ repetitionPenalty });
  }

  setNumBeams(numBeams: number | undefined): void {
    this.set({ numBeams });
  }

  setLengthPenalty(lengthPenalty: number | undefined): void {
    this.set({ lengthPenalty });
  }

  setEarlyStopping(earlyStopping: boolean | 'never' | undefined): void {
    this.set({ earlyStopping });
  }

  setStopToken(stopToken: string | number | undefined): void {
    this.set({ stopToken });
  }

  setSystemPrompt(systemPrompt: string | undefined): void {
    this.set({ systemPrompt });
  }

  setRole(role: string | undefined): void {
    this.set({ role });
  }

  setDevice(device: string | undefined): void {
    this.set({ device });
  }

  /**
   * Switches creative mode on or off. On, it samples with a temperature of 1.2 and a top-p of 0.95;
   * off, it restores `doSample`, `temperature`, `topP` and `topK` as they were before.
   */
  toggleCreativeMode(enable: boolean): void {
    const enabled = checkBoolean(enable, 'enable');
    if (enabled === this.creativeMode) return;
    const sampling = (settings: Settings): Settings =>
      Object.fromEntries(creativeNames.map((name) => [name, settings[name]]));
    const before = this.#beforeCreative;
    this.#beforeCreative = before === undefined ? sampling(this.#settings) : undefined;
    // What was not set before is unset again.
    this.set({ ...sampling({}), ...(before ?? creativeSampling) });
  }

  /** Called when options have changed, with their names. */
  protected settingsChanged(_names: readonly string[]): void {}

  /** All settings but the model and the device, which belong to this machine. */
  protected storedSettings(): StoredSettings {
    const { modelName: _model, device: _device, ...settings } = this.#settings;
    const beforeCreative = this.#beforeCreative;
    return beforeCreative === undefined ? { settings } : { settings, beforeCreative };
  }

  /** Replaces all settings but the model and the device. They are checked already. */
  protected restoreSettings({ settings, beforeCreative }: StoredSettings): void {
    const { modelName, device } = this.#settings;
    this.#settings = keep({ ...settings, modelName, device });
    this.#beforeCreative = beforeCreative;
    this.settingsChanged(Object.keys(settings));
  }
}
