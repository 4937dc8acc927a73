// What a call cost, in tokens and in time. Every result that took model time carries both.

/** What a call cost, as counts; with `prior`, all but the first two count the prior's part, too. */
export interface Usage {
  /** Tokens of the prompt, as it was used. */
  promptTokens: number;
  /** How many of them were found in the prefix cache. */
  cachedTokens: number;
  /**
   * Tokens that were decoded, of the prompt and beyond it. A tree whose prompt is cached costs
   * its inner nodes. An LM in TypeScript counts what it handed to `greedyImpl`, call by call.
   */
  decodedTokens: number;
  /** Tokens decoded for nothing but the engine's numerical consistency. */
  paddingTokens: number;
  /** Calls into the engine: `llama_decode`, or `greedyImpl` of an LM in TypeScript. */
  decodeCalls: number;
}

/** Where a call's time went, in milliseconds. */
export interface Timings {
  /** Waiting for calls before it. */
  queueMs: number;
  tokenizeMs: number;
  /**
   * Decoding what the prefix cache did not have of the prompt, unless that was decoded in one
   * go with what comes after it.
   */
  promptMs: number;
  /** Decoding beyond the prompt. */
  decodeMs: number;
  /** Reading probabilities from logits. */
  readMs: number;
  /** From the call to its result. */
  totalMs: number;
}

/** What a call cost. */
export interface Cost {
  usage: Usage;
  timings: Timings;
}

/** Nothing spent yet, to add to. */
export function noCost(): Cost {
  return {
    usage: { promptTokens: 0, cachedTokens: 0, decodedTokens: 0, paddingTokens: 0, decodeCalls: 0 },
    timings: { queueMs: 0, tokenizeMs: 0, promptMs: 0, decodeMs: 0, readMs: 0, totalMs: 0 },
  };
}

/**
 * The cost of a tree and of its choices' priors: what the engine did is added up; the prompt's
 * own tokens stay what they are.
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

/** Times one call: made when it begins, told when its tokens are known, asked at its end. */
export class Stopwatch {
  #start = performance.now();
  #tokenizeMs = 0;

  /** The tokens are known. */
  tokenized(): void {
    this.#tokenizeMs = performance.now() - this.#start;
  }

  /** The engine's cost, completed by what passed on this side of it. */
  complete({ usage, timings }: Cost): Cost {
    const totalMs = performance.now() - this.#start;
    return { usage, timings: { ...timings, tokenizeMs: this.#tokenizeMs, totalMs } };
  }
}
