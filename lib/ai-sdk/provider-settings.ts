// What a provider is created with.

import type { Format } from '../chat-template/format.js';
import type { Embedder } from '../embedding/embedder.js';
import type { LM } from '../lm.js';

/** How a model is named: `provider` is the provider's name. */
export interface ModelIdentity {
  provider: string;
  modelId: string;
}

/** How messages are rendered. */
export interface ProviderChat {
  format: Readonly<Format> | undefined;
  template: string | undefined;
  mergeSystem: boolean;
}

/** Settings of `createAutocogLM`. */
export interface ProviderSettings {
  /** The models by their ids. They stay the caller's: the provider does not close them. */
  models: Readonly<Record<string, LM | Embedder>>;
  /** The provider's name, the beginning of each model's `provider`. Default `'autocog-lm'`. */
  name?: string | undefined;
  /** A prompt format, instead of a chat template. */
  format?: Readonly<Format> | undefined;
  /** A Jinja chat template, instead of the model's. */
  template?: string | undefined;
  /** Merges system messages into the user messages after them. Default false. */
  mergeSystem?: boolean | undefined;
}
