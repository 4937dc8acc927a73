// A set of tokens as bits. `completion-tokens.ts` creates them; the searches read them.

/** A set of token ids below `size`. */
export class TokenSet {
  /** One bit per token, the lowest first. */
  readonly bits: Uint8Array;
  readonly size: number;

  constructor(size: number, bits = new Uint8Array(Math.ceil(size / 8))) {
    this.size = size;
    this.bits = bits;
  }

  has(token: number): boolean {
    return (((this.bits[token >> 3] ?? 0) >> (token & 7)) & 1) === 1;
  }

  /** The log-probabilities with −Infinity for all other tokens. */
  mask(logprobs: Float32Array): Float32Array {
    return logprobs.map((logprob, token) => (this.has(token) ? logprob : -Infinity));
  }
}
