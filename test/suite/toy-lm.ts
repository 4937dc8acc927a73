// A minimal LM: bytes as tokens, and next-token log-probabilities from a hash of the last four. It
// proves that ChoiceLM derives everything else from these three methods.

import { ChoiceLM, type DetokenizeOptions, logSoftmax, type TokenizeOptions } from 'autocog-lm';

export const toyBegin = 256;
export const toyEnd = 257;

export class ToyLM extends ChoiceLM {
  override get endOfGeneration(): Int32Array {
    return Int32Array.of(toyEnd);
  }

  async tokenize(text: string, { addSpecial = false }: TokenizeOptions = {}) {
    const bytes = new TextEncoder().encode(text);
    return Int32Array.from(addSpecial ? [toyBegin, ...bytes] : bytes);
  }

  async detokenize(tokens: Int32Array, { special = false }: DetokenizeOptions = {}) {
    const controls = new Map([
      [toyBegin, '<begin>'],
      [toyEnd, '<end>'],
    ]);
    const bytes = [...tokens].flatMap((token) => {
      const control = controls.get(token);
      if (control === undefined) return [token];
      return special ? [...new TextEncoder().encode(control)] : [];
    });
    return new TextDecoder().decode(Uint8Array.from(bytes));
  }

  protected async greedyImpl(tokens: Int32Array) {
    const seed = tokens.slice(-4).reduce((hash, token) => Math.imul(hash ^ token, 16777619), 7);
    return logSoftmax(
      Float64Array.from({ length: 258 }, (_, token) => {
        const hash = Math.imul(seed ^ (token + 1), 2654435761);
        return ((Math.imul(hash ^ (hash >>> 15), 2246822519) >>> 8) / 2 ** 24) * 8;
      }),
    );
  }
}
