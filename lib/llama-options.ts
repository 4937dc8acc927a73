// The options of a LLaMa and of `LLaMa.load`.

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
  /** Of `LLaMa.embed`. Default: as of an `Embedder`, with the LM's threads. */
  embeddings?: EmbeddingOptions | undefined;
}

/** Options of `LLaMa.load`: those of its model and its own. */
export interface LLaMaLoadOptions extends ModelOptions, LLaMaOptions {}

/** The names of {@link LLaMaOptions}. */
export const llamaOptionNames = [...contextOptionNames, 'completion', 'embeddings'] as const;

/** Checks what `LLaMa.load` is given before minutes are spent on a model. */
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
