// ModelBuilder: builds the model of a binding, and keeps it.

import { wrongType } from '../common/arguments.js';
import { ClosedError } from '../common/errors.js';
import { LLMBinding } from './llm-binding.js';

/**
 * Builds the model of a binding.
 *
 * @example
 * const builder = new ModelBuilder(binding);
 * await builder.build('default');
 * await builder.getModel().generate('The sky is');
 */
export class ModelBuilder<B extends LLMBinding = LLMBinding> {
  readonly #binding: B;
  #model: B | undefined;

  /** @throws TypeError unless it is given a binding */
  constructor(binding: B) {
    if (!(binding instanceof LLMBinding)) throw wrongType('an LLMBinding', 'binding', binding);
    this.#binding = binding;
  }

  /** Builds the model with the name, or that of the binding's `config`. */
  async build(modelName?: string): Promise<B> {
    this.#model = await this.#binding.buildModel(modelName);
    return this.#model;
  }

  /** What `build` built: the binding with its model. Throws ClosedError before. */
  getModel(): B {
    if (this.#model !== undefined) return this.#model;
    throw new ClosedError('There is no model yet: call build');
  }
}
