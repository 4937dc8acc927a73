// An LM with a real model's tokenizer but no weights.

import { GreedyLM, Model, NotSupportedError } from 'autocog-lm';
import type { Test } from 'tap';

export class VocabularyLM extends GreedyLM {
  readonly model: Model;
  readonly #contextSize: number | undefined;

  constructor(model: Model, contextSize?: number) {
    super();
    this.model = model;
    this.#contextSize = contextSize;
  }

  override get vocabularySize() {
    return this.model.vocab.size;
  }

  override get contextSize() {
    return this.#contextSize;
  }

  tokenize(text: string, options?: { addSpecial?: boolean; parseSpecial?: boolean }) {
    return this.model.tokenize(text, options);
  }

  detokenize(tokens: Int32Array, options?: { special?: boolean }) {
    return this.model.detokenize(tokens, options);
  }

  async choose(): Promise<never> {
    throw new NotSupportedError('There are no weights');
  }

  protected async greedyImpl(): Promise<never> {
    throw new NotSupportedError('There are no weights');
  }
}

/** The vocabulary of one of llama.cpp's files; closed when the test ends. */
export async function loadVocabulary(t: Test, name: string): Promise<Model> {
  const path = `llama.cpp/models/ggml-vocab-${name}.gguf`;
  const model = await Model.load(path, { vocabOnly: true });
  t.teardown(() => model.close());
  return model;
}
