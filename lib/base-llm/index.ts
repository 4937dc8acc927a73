// The public API of `autocog-lm/base-llm`. The core of the package does not import it.

export { BaseLLM } from './base-llm.js';
export type { GenerationStats } from './generation-stats.js';
export type { History, HistoryMessage } from './history.js';
export type { OpenLM, OpenRequest } from './lm-holder.js';
export { LocalLLM } from './local-llm.js';
export type { LocalLLMOptions } from './local-options.js';
export type { BaseLLMOptions, RunOptions, Settings } from './options.js';
export type { ResourceUtilization } from './resources.js';
export { LLMSettings } from './settings.js';
export type { SummaryOptions, SummaryProgress } from './summary.js';
