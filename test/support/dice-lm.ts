// An LM that is fast enough for thousands of random cases, with awkward distributions: five letters
// and an end token, few distinct probabilities so that there are ties, and zeros.

import { ChoiceLM, logSoftmax } from 'autocog-lm';

const letters = 'abcde';
const end = letters.length;

export class DiceLM extends ChoiceLM {
  /** The number of calls of greedyImpl. */
  calls = 0;
  readonly #seed: number;

  constructor(seed = 0) {
    super();
    this.#seed = seed;
  }

  override get vocabularySize(): number {
    return end + 1;
  }

  override get beginToken(): number {
    return 0;
  }

  override get endOfGeneration(): Int32Array {
    return Int32Array.of(end);
  }

  async tokenize(text: string) {
    return Int32Array.from(text, (letter) => letters.indexOf(letter));
  }

  async detokenize(tokens: Int32Array) {
    return Array.from(tokens, (token) => letters[token] ?? '').join('');
  }

  protected async greedyImpl(tokens: Int32Array) {
    this.calls++;
    const mix = (hash: number, value: number): number => {
      const mixed = Math.imul(hash ^ (value + 1), 0x9e3779b1);
      return mixed ^ (mixed >>> 15);
    };
    const state = tokens.slice(-3).reduce(mix, this.#seed);
    const faces = [-Infinity, 0, 0, 1, 3, 6];
    const logits = Array.from({ length: end + 1 }, (_, token) => {
      return faces[(mix(mix(state, token), 17) >>> 8) % faces.length] as number;
    });
    // At least one token always has a positive probability.
    logits[(state >>> 8) % logits.length] = 2;
    return logSoftmax(logits);
  }
}
