// The public names of `autocog-lm/openai`. The core of the package does not import it.

export { RemoteError } from '../errors.js';
export type { RemoteChooseTask } from './choose-many.js';
export { defaultInstruction, type RemoteChooseOptions } from './choose-options.js';
export type { RemoteChoice } from './choose-result.js';
export type { EncodingName } from './encodings.js';
export type { OpenAIClient } from './exchange.js';
export { OpenAI } from './openai.js';
export type { ApiKind, OpenAIOptions, TextTokenizer } from './options.js';
export type { ServerFeatures } from './probe.js';
export type { Strategy, StrategyOption } from './remote-engine.js';
