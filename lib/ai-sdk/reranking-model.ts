// Rerankers as the AI SDK's reranking models.

import type { Embedder } from '../embedding/embedder.js';
import type { ModelIdentity } from './provider-settings.js';
import type {
  RerankingModelV4,
  RerankingModelV4CallOptions,
  RerankingModelV4Result,
} from './sdk-types.js';

/** A reranking model of the AI SDK over an Embedder with pooling `'rank'`. */
export class RerankingModel implements RerankingModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider: string;
  readonly modelId: string;
  readonly #embedder: Embedder;

  /** @internal */
  constructor(embedder: Embedder, { provider, modelId }: ModelIdentity) {
    this.provider = `${provider}.reranking`;
    this.modelId = modelId;
    this.#embedder = embedder;
  }

  /** Objects are ranked by their JSON. `relevanceScore` is the score of `rerank`, unchanged. */
  async doRerank({
    documents,
    query,
    topN,
    abortSignal,
  }: RerankingModelV4CallOptions): Promise<RerankingModelV4Result> {
    const texts =
      documents.type === 'text'
        ? documents.values
        : documents.values.map((value) => JSON.stringify(value));
    const { results } = await this.#embedder.rerank(query, texts, {
      ...(topN !== undefined && { topN }),
      ...(abortSignal && { signal: abortSignal }),
    });
    return {
      ranking: results.map(({ index, score }) => ({ index, relevanceScore: score })),
      warnings: [],
    };
  }
}
