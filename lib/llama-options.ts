// The options of `new LLaMa` and `LLaMa.load`, and the validation of the latter.

import { checkOptions } from './common/arguments.js';
import { pick } from './common/pick.js';
import {
  type ContextOptions,
  contextOptionNames,
  readContextOptions,
} from './context/context-options.js';
import { type EmbeddingOptions, readEmbeddingOptions } from './embedding/embedding-options.js';
import {
  type CompletionDefaults,
  readCompletionDefaults,
} from './generation/completion-options.js';
import { type ModelOptions, modelOptionNames, readModelOptions } from './model/model-options.js';

/** Options of a LLaMa. */
export interface LLaMaOptions extends ContextOptions {
  /** Defaults of `complete`. */
  completion?: CompletionDefaults | undefined;
  /** Options of `LLaMa.embed`. Default: those of an `Embedder`, with the LM's threads. */
  embeddings?: EmbeddingOptions | undefined;
}

/** Options of `LLaMa.load`: those of the model and of the LLaMa. */
export interface LLaMaLoadOptions extends ModelOptions, LLaMaOptions {}

/** The names of {@link LLaMaOptions}. */
export const llamaOptionNames = [...contextOptionNames, 'completion', 'embeddings'] as const;

/** Checks the options of `LLaMa.load` before time is spent on loading a model. */
export function readLoadOptions(options: LLaMaLoadOptions | undefined): {
  modelOptions: ModelOptions;
  given: LLaMaLoadOptions;
} {
  const given = checkOptions(options, 'options', [...modelOptionNames, ...llamaOptionNames]);
  const modelOptions = pick(given, modelOptionNames);
  readModelOptions(modelOptions);
  readContextOptions(pick(given, contextOptionNames), undefined);
  readCompletionDefaults(given.completion ?? {});
  readEmbeddingOptions(given.embeddings, 0);
  return { modelOptions, given };
}
