// Builds the body of a generation request for either endpoint, and refuses what that endpoint
// cannot express. `remote-completion.ts` sends it.

import { wrongType } from '../../common/arguments.js';
import { NotSupportedError } from '../../common/errors.js';
import type { CompletionRequest } from '../../generation/completion-options.js';
import type { OptionalField } from '../http/capabilities.js';
import type { Endpoint } from '../http/client.js';
import type { RemoteSampling } from './sampling.js';

/** The validated request for a completion. */
export interface RequestedCompletion {
  request: CompletionRequest;
  sampling: RemoteSampling;
  jsonSchema: object | boolean | undefined;
}

/** A message as the API takes it. */
export interface RemoteMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** The prompt; chats take messages, or a text as the user's message. */
export type RemotePrompt = string | readonly number[] | readonly RemoteMessage[];

/** Whether a prompt is a conversation. */
export const isConversation = (prompt: unknown): prompt is readonly RemoteMessage[] =>
  Array.isArray(prompt) && typeof prompt[0] === 'object';

/** Throws NotSupportedError for options that neither endpoint supports. */
export function refuseUnsupported({ request }: RequestedCompletion): void {
  if (request.grammar !== '') {
    throw new NotSupportedError(
      "The API does not support grammars: pass the server's own field in the option extraBody",
    );
  }
  if (request.contextShift !== undefined) {
    throw new NotSupportedError(
      'contextShift is not supported: the server manages its own context',
    );
  }
}

/**
 * Removes the schema from the options, as `readCompleteOptions` would convert it into a grammar.
 */
export function extractSchema<T extends { jsonSchema?: unknown; grammar?: unknown }>(
  options: T | undefined,
): { jsonSchema: object | boolean | undefined; rest: T | undefined } {
  if (typeof options !== 'object' || options === null || options.jsonSchema === undefined) {
    return { jsonSchema: undefined, rest: options };
  }
  const { jsonSchema, ...rest } = options;
  const isSchema =
    typeof jsonSchema === 'boolean' ||
    (typeof jsonSchema === 'object' && jsonSchema !== null && !Array.isArray(jsonSchema));
  if (!isSchema) throw wrongType('a JSON Schema', 'jsonSchema', jsonSchema);
  if (options.grammar !== undefined) {
    throw wrongType('no value alongside grammar', 'jsonSchema', jsonSchema);
  }
  return { jsonSchema, rest: rest as T };
}

/** The fields that the request may omit. */
export function optionalFieldsOf({
  request,
  sampling,
}: RequestedCompletion): ReadonlySet<OptionalField> {
  const optional = new Set<OptionalField>();
  if (!sampling.isTemperatureExplicit) optional.add('temperature');
  if (request.topLogprobs === 0) optional.add('logprobs');
  return optional;
}

/** The `max_tokens` to request; undefined to leave the limit to the server. */
function maxTokensOf(
  { request }: RequestedCompletion,
  endpoint: Endpoint,
  remaining: number | undefined,
) {
  // Servers reject a limit that may overflow the context. So it is capped here, and an overflow is
  // an error only if the generation reaches it.
  const capacity = remaining === undefined ? Infinity : Math.max(1, remaining);
  const limit = Math.min(request.maxTokens, capacity);
  if (limit !== Infinity) return limit;
  if (endpoint === 'chat') return undefined;
  throw new NotSupportedError(
    'maxTokens: Infinity requires the option contextSize: without a limit, servers end completions early',
  );
}

/**
 * The body of a request for one completion.
 *
 * @param remaining how many tokens the context has left after the prompt, if known
 */
export function bodyOf(
  endpoint: Endpoint,
  prompt: RemotePrompt,
  requested: RequestedCompletion,
  { remaining, systemPrompt }: { remaining: number | undefined; systemPrompt: string | undefined },
): Record<string, unknown> {
  const { request, sampling, jsonSchema } = requested;
  const limit = maxTokensOf(requested, endpoint, remaining);
  const common = {
    ...(limit === undefined ? {} : { max_tokens: limit }),
    ...sampling.fields,
  };
  const top = Math.max(1, request.topLogprobs);
  if (endpoint === 'completions') {
    if (jsonSchema !== undefined) {
      throw new NotSupportedError("jsonSchema is supported only with the option api 'chat'");
    }
    return { prompt, ...common, logprobs: top };
  }
  const turns = isConversation(prompt) ? prompt : [{ role: 'user', content: prompt }];
  const hasOwnSystem = turns[0]?.role === 'system';
  const system =
    systemPrompt === undefined || hasOwnSystem ? [] : [{ role: 'system', content: systemPrompt }];
  const messages = [...system, ...turns];
  const body = { messages, ...common, logprobs: true, top_logprobs: top };
  if (jsonSchema === undefined) return body;
  const schema = jsonSchema === true ? {} : jsonSchema === false ? { not: {} } : jsonSchema;
  const format = { name: 'answer', strict: true, schema };
  return { ...body, response_format: { type: 'json_schema', json_schema: format } };
}
