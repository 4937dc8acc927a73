// What a server offers besides generation: its list of models, and embeddings. `openai.ts` calls it.

import { type Prompt, wrongRange } from '../common/arguments.js';
import { RemoteError } from '../common/errors.js';
import { noCost, type Usage } from '../common/usage.js';
import type { Client } from './http/client.js';

/** A model of a server. */
export interface RemoteModel {
  /** Its name on the server, for the option `model`. */
  id: string;
  /** The maximum number of tokens, if the server reports one. */
  contextSize: number | undefined;
  /** When it was created, if the server reports it. */
  created: Date | undefined;
  ownedBy: string | undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const malformed = (what: string): RemoteError =>
  new RemoteError(`The response cannot be used: ${what}`);

function listIn(response: Record<string, unknown>): Record<string, unknown>[] {
  const { data } = response;
  if (Array.isArray(data) && data.every(isObject)) return data;
  throw malformed('its field data is not a list of objects');
}

/** The models that a server lists. */
export async function readModels(
  client: Client,
  signal: AbortSignal | undefined,
): Promise<RemoteModel[]> {
  return listIn(await client.get('/models', signal)).map((model) => {
    const { id, created, owned_by: ownedBy, max_model_len: length } = model;
    if (typeof id !== 'string') throw malformed('a model has no id');
    const seconds =
      typeof created === 'number' && Math.abs(created) < 8.64e12 ? created : undefined;
    return {
      id,
      contextSize: Number.isSafeInteger(length) ? (length as number) : undefined,
      created: seconds === undefined ? undefined : new Date(seconds * 1000),
      ownedBy: typeof ownedBy === 'string' ? ownedBy : undefined,
    };
  });
}

/** The vectors of checked texts, in their order. */
export async function embedTexts(
  client: Client,
  texts: readonly Prompt[],
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ embeddings: Float32Array[]; usage: Usage }> {
  const empty = texts.findIndex((text) => text.length === 0);
  if (empty >= 0) throw wrongRange('at least one token', names[empty] as string, texts[empty]);
  const { usage } = noCost();
  const embeddings: Float32Array[] = [];
  // A request holds texts or tokens, not both.
  for (const group of groupsOf(texts)) {
    const input = group.map((text) => (typeof text === 'string' ? text : Array.from(text)));
    const body = { model: client.model, input, encoding_format: 'float' };
    const response = await client.post('/embeddings', body, signal);
    embeddings.push(...readVectors(response, group.length));
    const count = isObject(response.usage) ? response.usage.prompt_tokens : 0;
    if (Number.isSafeInteger(count)) usage.promptTokens += count as number;
    usage.decodeCalls++;
  }
  return { embeddings, usage };
}

/** Neighbors of one kind. */
function groupsOf(texts: readonly Prompt[]): Prompt[][] {
  const groups: Prompt[][] = [];
  for (const text of texts) {
    const last = groups.at(-1);
    if (last !== undefined && typeof last[0] === typeof text) last.push(text);
    else groups.push([text]);
  }
  return groups;
}

function readVectors(response: Record<string, unknown>, count: number): Float32Array[] {
  const list = listIn(response);
  const vectors = new Array<Float32Array | undefined>(count).fill(undefined);
  for (const [position, { index = position, embedding }] of list.entries()) {
    if (!Array.isArray(embedding) || !embedding.every((value) => typeof value === 'number')) {
      throw malformed('an embedding is not a list of numbers');
    }
    if (typeof index === 'number' && index in vectors)
      vectors[index] = Float32Array.from(embedding);
  }
  if (list.length === count && vectors.every((vector) => vector !== undefined)) {
    return vectors as Float32Array[];
  }
  throw malformed(`expected ${count} embeddings, got ${list.length}`);
}
