// Embedders, and LMs that embed, as the AI SDK's embedding models.

import type { CallOptions } from '../common/call-options.js';
import type { Cost } from '../common/usage.js';
import type { ModelIdentity } from './provider-settings.js';
import type {
  EmbeddingModelV4,
  EmbeddingModelV4CallOptions,
  EmbeddingModelV4Result,
  SharedV4Warning,
} from './sdk-types.js';

/** An Embedder, a LLaMa or an OpenAI. */
export interface TextEmbedder {
  embed(
    texts: readonly string[],
    options?: CallOptions,
  ): Promise<{ embeddings: readonly Float32Array[] } & Cost>;
}

/** An embedding model of the AI SDK. */
export class EmbeddingModel implements EmbeddingModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider: string;
  readonly modelId: string;
  /** Any number of texts: they are batched as far as they fit. */
  readonly maxEmbeddingsPerCall = undefined;
  readonly supportsParallelCalls = true;
  readonly #embedder: TextEmbedder;

  /** @internal */
  constructor(embedder: TextEmbedder, { provider, modelId }: ModelIdentity) {
    this.provider = `${provider}.embedding`;
    this.modelId = modelId;
    this.#embedder = embedder;
  }

  async doEmbed({
    values,
    dimensions,
    abortSignal,
  }: EmbeddingModelV4CallOptions): Promise<EmbeddingModelV4Result> {
    const warnings: SharedV4Warning[] = [];
    if (dimensions !== undefined) warnings.push({ type: 'unsupported', feature: 'dimensions' });
    const { embeddings, usage } = await this.#embedder.embed(values, {
      ...(abortSignal && { signal: abortSignal }),
    });
    return {
      embeddings: embeddings.map((embedding) => [...embedding]),
      usage: { tokens: usage.promptTokens },
      warnings,
    };
  }
}
