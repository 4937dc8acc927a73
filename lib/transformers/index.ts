// The public API of `autocog-lm/transformers`. The core of the package does not import it.

export { ChoiceLM } from '../choice-lm.js';
export { TfLM } from './tflm.js';
export type { TfLMLoadOptions } from './tflm-options.js';
