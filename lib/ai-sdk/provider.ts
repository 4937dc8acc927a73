// createAutocogLM: LMs and Embedders as a provider of the AI SDK.

import type { ChoiceLM } from '../choice-lm.js';
import { checkBoolean, checkOptions, checkString, wrongType } from '../common/arguments.js';
import type { Embedder } from '../embedding/embedder.js';
import type { LM } from '../lm.js';
import { DecisionModel } from './decision-model.js';
import { EmbeddingModel, type TextEmbedder } from './embedding-model.js';
import { NoSuchModelError } from './errors.js';
import { LanguageModel } from './language-model.js';
import type { ModelIdentity, ProviderSettings } from './provider-settings.js';
import { RerankingModel } from './reranking-model.js';

type Kind = 'languageModel' | 'decisionModel' | 'embeddingModel' | 'rerankingModel' | 'imageModel';

/** A provider of the AI SDK; called, it returns a language model. */
export interface AutocogLMProvider {
  (modelId: string): LanguageModel;
  readonly specificationVersion: 'v4';
  /** @throws NoSuchModelError for an id without an LM, here and below */
  languageModel(modelId: string): LanguageModel;
  /** Over a ChoiceLM: typed questions, answered by `decide`. */
  decisionModel(modelId: string): DecisionModel;
  /** Over an Embedder, or an LM that embeds. */
  embeddingModel(modelId: string): EmbeddingModel;
  /** Over an Embedder with pooling `'rank'`. */
  rerankingModel(modelId: string): RerankingModel;
  /** @throws NoSuchModelError always: this package has no image models */
  imageModel(modelId: string): never;
}

/**
 * Makes loaded models available to the AI SDK (the package `ai`, version 7).
 *
 * @throws TypeError for wrong settings
 *
 * @example
 * const lm = await LLaMa.load('model.gguf');
 * const autocog = createAutocogLM({ models: { local: lm } });
 * const { text } = await generateText({ model: autocog('local'), prompt: 'Hello' });
 */
export function createAutocogLM(settings: ProviderSettings): AutocogLMProvider {
  const names = ['models', 'name', 'format', 'template', 'mergeSystem'] as const;
  const { models, name, format, template, mergeSystem } = checkOptions(settings, 'settings', names);
  if (typeof models !== 'object' || models === null) {
    throw wrongType('an object with models by their ids', 'settings.models', models);
  }
  for (const [id, model] of Object.entries(models)) {
    if (isLM(model) || isEmbedder(model)) continue;
    throw wrongType('an LM or an Embedder', `settings.models[${JSON.stringify(id)}]`, model);
  }
  const provider = checkString(name ?? 'autocog-lm', 'settings.name');
  const chat = {
    format,
    template: template === undefined ? undefined : checkString(template, 'settings.template'),
    mergeSystem: checkBoolean(mergeSystem ?? false, 'settings.mergeSystem'),
  };
  /** The model of an id, if it is of the right kind. */
  const find = <T>(modelId: string, kind: Kind, is: (model: unknown) => model is T): T => {
    const model = Object.hasOwn(models, modelId) ? models[modelId] : undefined;
    if (is(model)) return model;
    const known = Object.keys(models).filter((id) => is(models[id]));
    const list = known.length === 0 ? 'none' : known.map((id) => JSON.stringify(id)).join(', ');
    const message = `No such ${kind}: ${modelId} (available: ${list})`;
    throw new NoSuchModelError(modelId, kind, message);
  };
  const identity = (modelId: string): ModelIdentity => ({ provider, modelId });
  const languageModel = (id: string): LanguageModel =>
    new LanguageModel(find(id, 'languageModel', isLM), identity(id), chat);
  return Object.assign((id: string) => languageModel(id), {
    specificationVersion: 'v4' as const,
    languageModel,
    decisionModel: (id: string) =>
      new DecisionModel(find(id, 'decisionModel', decides), identity(id), chat.template),
    embeddingModel: (id: string) =>
      new EmbeddingModel(find(id, 'embeddingModel', embeds), identity(id)),
    rerankingModel: (id: string) =>
      new RerankingModel(find(id, 'rerankingModel', isEmbedder), identity(id)),
    imageModel: (id: string): never => find(id, 'imageModel', isNothing),
  });
}

const hasMethod = (value: unknown, method: string): boolean =>
  typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function';

const isLM = (value: unknown): value is LM =>
  hasMethod(value, 'complete') && hasMethod(value, 'tokenize');
const decides = (value: unknown): value is ChoiceLM => hasMethod(value, 'decide');
const embeds = (value: unknown): value is TextEmbedder => hasMethod(value, 'embed');
const isEmbedder = (value: unknown): value is Embedder => hasMethod(value, 'rerank');
const isNothing = (_value: unknown): _value is never => false;
