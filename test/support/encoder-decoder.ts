// An encoder-decoder as the shared suite tests it: the suite computes its reference values by
// `greedy` after the prompt's tokens and those of a continuation, joined.

import { LLaMa, type LLaMaOptions, type Model, type Prompt } from 'autocog-lm';

/** The log-probabilities of all tokens after a prompt and its continuation. */
export async function logprobsAfter(
  lm: LLaMa,
  prompt: Int32Array,
  continuation: Int32Array,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { logits } = await lm.eval(prompt, { continuation, signal });
  const top = logits.reduce((max, logit) => Math.max(max, logit), -Infinity);
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
  return logits.map((logit) => logit - top - total);
}

/** A LLaMa whose `greedy` reads the tokens after the first EOS as the decoder's. */
export class EncoderDecoderLM extends LLaMa {
  readonly #eos: number;

  constructor(model: Model, options: LLaMaOptions) {
    super(model, options);
    this.#eos = model.vocab.eos as number;
  }

  override async greedy(prompt: Prompt, options = {}): Promise<Float32Array> {
    const end = typeof prompt === 'string' ? -1 : prompt.indexOf(this.#eos) + 1;
    if (end < 1 || end === prompt.length) return super.greedy(prompt, options);
    const tokens = prompt as Int32Array;
    return logprobsAfter(this, tokens.subarray(0, end), tokens.subarray(end));
  }
}
