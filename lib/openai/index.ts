// Public exports of `autocog-lm/openai`. The package's core does not import this module.

export { RemoteError } from '../common/errors.js';
export type { RemoteChooseTask } from './choose/choose-many.js';
export { defaultInstruction, type RemoteChooseOptions } from './choose/choose-options.js';
export type { RemoteChoice } from './choose/choose-result.js';
export type { ServerFeatures } from './choose/probe.js';
export type { Strategy, StrategyOption } from './choose/remote-engine.js';
export type { DecideWay, RemoteDecideOptions } from './decide/decide-options.js';
export type { RemoteDecision } from './decide/decide-result.js';
export type { OpenAIClient } from './http/exchange.js';
export { OpenAI } from './openai.js';
export type { ApiKind, OpenAIOptions, TextTokenizer } from './options.js';
export type { RemoteModel } from './resources.js';
export type { EncodingName } from './tokenizer/encodings.js';
