// Builds the body of a generation request for either endpoint, and refuses what that endpoint
// cannot express. `remote-completion.ts` sends it.

import { wrongType } from '../../common/arguments.js';
import { NotSupportedError } from '../../common/errors.js';
import type { CompletionRequest } from '../../generation/completion-options.js';
import type { Spare } from '../http/capabilities.js';
import type { WritingApi } from '../http/client.js';
import type { RemoteSampling } from './sampling.js';

/** The validated request for a completion. */
export interface Wanted {
  request: CompletionRequest;
  sampling: RemoteSampling;
  jsonSchema: object | boolean | undefined;
}

/** The prompt; chats take text only. */
export type RemotePrompt = string | readonly number[];

/** Throws NotSupportedError for options that neither endpoint supports. */
export function checkWanted({ request }: Wanted): void {
  if (request.grammar !== '') {
    throw new NotSupportedError(
      "The API has no word for a grammar: a server's own goes into the option extraBody",
    );
  }
  if (request.contextShift !== undefined) {
    throw new NotSupportedError('A server keeps its own context: no contextShift');
  }
}

/**
 * Removes the schema from the options, as `readCompleteOptions` would convert it into a grammar.
 */
export function takeSchema<T extends { jsonSchema?: unknown; grammar?: unknown }>(
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
    throw wrongType('a grammar or', 'jsonSchema, not both', jsonSchema);
  }
  return { jsonSchema, rest: rest as T };
}

/** The fields that the request may omit. */
export function sparesOf({ request, sampling }: Wanted): ReadonlySet<Spare> {
  const spare = new Set<Spare>();
  if (!sampling.isTemperatureChosen) spare.add('temperature');
  if (request.topLogprobs === 0) spare.add('logprobs');
  return spare;
}

/** The `max_tokens` to request; undefined to leave the limit to the server. */
function limitOf({ request }: Wanted, kind: WritingApi, room: number | undefined) {
  // Servers reject a limit that may overflow the context. So it is capped here, and an overflow is
  // an error only if the generation reaches it.
  const most = room === undefined ? Infinity : Math.max(1, room);
  const limit = Math.min(request.maxTokens, most);
  if (limit !== Infinity) return limit;
  if (kind === 'chat') return undefined;
  throw new NotSupportedError(
    'maxTokens: Infinity needs the option contextSize, as completions end early without a number',
  );
}

/**
 * The body of a request for one completion.
 *
 * @param remaining how many tokens the context has left after the prompt, if known
 */
export function bodyOf(
  kind: WritingApi,
  prompt: RemotePrompt,
  wanted: Wanted,
  { room, systemPrompt }: { room: number | undefined; systemPrompt: string | undefined },
): Record<string, unknown> {
  const { request, sampling, jsonSchema } = wanted;
  const limit = limitOf(wanted, kind, room);
  const common = {
    ...(limit === undefined ? {} : { max_tokens: limit }),
    ...sampling.fields,
  };
  const top = Math.max(1, request.topLogprobs);
  if (kind === 'completions') {
    if (jsonSchema !== undefined) {
      throw new NotSupportedError("jsonSchema is for chats alone: the option api 'chat'");
    }
    return { prompt, ...common, logprobs: top };
  }
  const system = systemPrompt === undefined ? [] : [{ role: 'system', content: systemPrompt }];
  const messages = [...system, { role: 'user', content: prompt }];
  const body = { messages, ...common, logprobs: true, top_logprobs: top };
  if (jsonSchema === undefined) return body;
  const schema = jsonSchema === true ? {} : jsonSchema === false ? { not: {} } : jsonSchema;
  const format = { name: 'answer', strict: true, schema };
  return { ...body, response_format: { type: 'json_schema', json_schema: format } };
}
