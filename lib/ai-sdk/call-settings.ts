// The settings of a call to a language model, as options of `complete`.

import { checkInteger, checkOptions } from '../common/arguments.js';
import type { CompleteOptions } from '../generation/completion-options.js';
import type { SamplerOptions } from '../sampling/sampler-settings.js';
import { UnsupportedFunctionalityError } from './errors.js';
import type {
  LanguageModelV4CallOptions,
  SharedV4ProviderOptions,
  SharedV4Warning,
} from './sdk-types.js';

/** The key of this provider in `providerOptions` and `providerMetadata`. */
export const metadataKey = 'autocogLM';

/** What `providerOptions.autocogLM` may have. */
export interface LanguageModelOptions {
  /** How many of the most likely tokens to report per generated token. Default: no log-probabilities. */
  topLogprobs?: number;
}

/** The options for `complete`, and what of the call they do not cover. */
export interface CallSettings {
  options: CompleteOptions;
  /** Whether to report log-probabilities. */
  logprobs: boolean;
  warnings: SharedV4Warning[];
}

/**
 * Reads the settings of a call. Without any of the sampling settings, the LM's own defaults hold:
 * greedy decoding, unless it was created with others.
 *
 * @throws UnsupportedFunctionalityError for tools that must be called
 */
export function readSettings(call: LanguageModelV4CallOptions): CallSettings {
  const { maxOutputTokens, stopSequences, responseFormat, abortSignal } = call;
  const { topLogprobs } = readProviderOptions(call.providerOptions);
  const sampler = samplerOf(call);
  return {
    options: {
      maxTokens: maxOutputTokens ?? Infinity,
      ...(stopSequences && { stop: stopSequences }),
      ...(sampler && { sampler }),
      ...(responseFormat?.type === 'json' && {
        jsonSchema: responseFormat.schema ?? { type: 'object' },
      }),
      ...(topLogprobs !== undefined && { topLogprobs }),
      ...(abortSignal && { signal: abortSignal }),
    },
    logprobs: topLogprobs !== undefined,
    warnings: warningsOf(call),
  };
}

function readProviderOptions(options: SharedV4ProviderOptions | undefined): LanguageModelOptions {
  const name = `providerOptions.${metadataKey}`;
  const given: LanguageModelOptions | undefined = options?.[metadataKey];
  const { topLogprobs } = checkOptions(given, name, ['topLogprobs']);
  if (topLogprobs === undefined) return {};
  return { topLogprobs: checkInteger(topLogprobs, `${name}.topLogprobs`, 0) };
}

/** The sampler of a call: the model's own distribution where it says nothing else. */
function samplerOf(call: LanguageModelV4CallOptions): SamplerOptions | undefined {
  const given: SamplerOptions = {
    ...(call.temperature !== undefined && { temperature: call.temperature }),
    ...(call.topP !== undefined && { topP: call.topP }),
    ...(call.topK !== undefined && { topK: call.topK }),
    ...(call.presencePenalty !== undefined && { presencePenalty: call.presencePenalty }),
    ...(call.frequencyPenalty !== undefined && { frequencyPenalty: call.frequencyPenalty }),
    ...(call.seed !== undefined && { seed: call.seed }),
  };
  if (Object.keys(given).length === 0) return undefined;
  return { temperature: 1, topP: 1, topK: 0, minP: 0, ...given };
}

function warningsOf({
  tools = [],
  toolChoice,
  reasoning,
}: LanguageModelV4CallOptions): SharedV4Warning[] {
  const warnings: SharedV4Warning[] = [];
  if (tools.length > 0) {
    const { type = 'auto' } = toolChoice ?? {};
    if (type === 'required' || type === 'tool') {
      throw new UnsupportedFunctionalityError(`toolChoice '${type}'`);
    }
    if (type === 'auto') warnings.push({ type: 'unsupported', feature: 'tools' });
  }
  if (reasoning !== undefined && reasoning !== 'provider-default' && reasoning !== 'none') {
    warnings.push({ type: 'unsupported', feature: 'reasoning' });
  }
  return warnings;
}
