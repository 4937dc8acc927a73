// The request for a text, in the words of either API: what the API cannot do is refused here.
// The class OpenAI sends it by `writing.ts`.

import { wrongType } from '../../common/arguments.js';
import { NotSupportedError } from '../../common/errors.js';
import type { CompletionRequest } from '../../generation/completion-options.js';
import type { Spare } from '../http/capabilities.js';
import type { WritingApi } from '../http/client.js';
import type { RemoteSampling } from './sampling.js';

/** What is to be written, checked. */
export interface Wanted {
  request: CompletionRequest;
  sampling: RemoteSampling;
  jsonSchema: object | boolean | undefined;
}

/** What a text goes on from: of chats, text alone. */
export type RemotePrompt = string | readonly number[];

/** Throws NotSupportedError for what no server can be asked for, whichever its API. */
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

/** Takes the schema out of the options of `complete`, which would make a grammar of it. */
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

/** What an answer may do without. */
export function sparesOf({ request, sampling }: Wanted): ReadonlySet<Spare> {
  const spare = new Set<Spare>();
  if (!sampling.isTemperatureChosen) spare.add('temperature');
  if (request.topLogprobs === 0) spare.add('logprobs');
  return spare;
}

/** How many tokens to ask for; undefined for as many as the server gives by itself. */
function limitOf({ request }: Wanted, kind: WritingApi, room: number | undefined) {
  // Servers refuse what may become too long; here it is too long when it is.
  const most = room === undefined ? Infinity : Math.max(1, room);
  const limit = Math.min(request.maxTokens, most);
  if (limit !== Infinity) return limit;
  if (kind === 'chat') return undefined;
  throw new NotSupportedError(
    'maxTokens: Infinity needs the option contextSize, as completions end early without a number',
  );
}

/**
 * The body of a request for one text.
 *
 * @param room what the context has left beside the prompt, if that is known
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
