// What a call cost, in tokens and in time. Every result that took model time carries both.

/**
 * Token and call counts of one call. With `prior`, all but the first two include the cost of
 * scoring the prior.
 */
export interface Usage {
  /** Tokens of the prompt as it was used. */
  promptTokens: number;
  /** How many of them were found in the prefix cache. */
  cachedTokens: number;
  /**
   * Tokens that were decoded, in the prompt and after it. A tree whose prompt is cached costs its
   * inner nodes. An LM in TypeScript counts the tokens that it passed to `greedyImpl` in each call,
   * an encoder-decoder also those that it encoded.
   */
  decodedTokens: number;
  /** Tokens decoded only for the engine's numerical consistency. */
  paddingTokens: number;
  /** Calls of the engine: of `llama_decode` and `llama_encode`, or of `greedyImpl` for an LM in TypeScript. */
  decodeCalls: number;
}

/** Where a call's time went, in milliseconds. */
export interface Timings {
  /** Waiting for earlier calls. */
  queueMs: number;
  tokenizeMs: number;
  /**
   * Decoding the uncached part of the prompt, unless it was decoded in one batch with what follows
   * the prompt.
   */
  promptMs: number;
  /** Decoding after the prompt. */
  decodeMs: number;
  /** Computing probabilities from logits. */
  readMs: number;
  /** From the call to its result. */
  totalMs: number;
}

/** What a call cost. */
export interface Cost {
  usage: Usage;
  timings: Timings;
}

/** A cost of zero, to add to. */
export function noCost(): Cost {
  return {
    usage: { promptTokens: 0, cachedTokens: 0, decodedTokens: 0, paddingTokens: 0, decodeCalls: 0 },
    timings: { queueMs: 0, tokenizeMs: 0, promptMs: 0, decodeMs: 0, readMs: 0, totalMs: 0 },
  };
}

/**
 * The cost of a tree including its choices' priors: the engine's work is added up, the counts of
 * prompt tokens stay those of the tree.
 */
export function addPrior({ usage, timings }: Cost, prior: Cost): Cost {
  return {
    usage: {
      ...usage,
      decodedTokens: usage.decodedTokens + prior.usage.decodedTokens,
      paddingTokens: usage.paddingTokens + prior.usage.paddingTokens,
      decodeCalls: usage.decodeCalls + prior.usage.decodeCalls,
    },
    timings: {
      ...timings,
      queueMs: timings.queueMs + prior.timings.queueMs,
      promptMs: timings.promptMs + prior.timings.promptMs,
      decodeMs: timings.decodeMs + prior.timings.decodeMs,
      readMs: timings.readMs + prior.timings.readMs,
    },
  };
}

/** Times one call: created when it starts, notified after tokenization, read at its end. */
export class Stopwatch {
  #start = performance.now();
  #tokenizeMs = 0;

  /** Marks the end of tokenization. */
  tokenized(): void {
    this.#tokenizeMs = performance.now() - this.#start;
  }

  /** The engine's cost, completed with the times that were measured here. */
  complete({ usage, timings }: Cost): Cost {
    const totalMs = performance.now() - this.#start;
    return { usage, timings: { ...timings, tokenizeMs: this.#tokenizeMs, totalMs } };
  }
}
