// The public names of `autocog-lm/openai`. The core of the package does not import it.

export { RemoteError } from '../errors.js';
export type { EncodingName } from './encodings.js';
export type { OpenAIClient } from './exchange.js';
export { OpenAI } from './openai.js';
export type { ApiKind, OpenAIOptions, StrategyName, TextTokenizer } from './options.js';
