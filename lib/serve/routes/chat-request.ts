// Parses the body of `POST /v1/chat/completions`.

import { Message } from '../../chat-template/message.js';
import { checkOneOf } from '../../common/arguments.js';
import { Pace } from '../../common/yield-to-event-loop.js';
import { Fields, flag, integer, list, object, type Reader, text } from '../http/fields.js';
import { HttpError, invalidField } from '../http/http-error.js';
import type { Served } from '../served.js';
import { alternatives, type GenerationRequest, readGeneration } from './generation-request.js';

/** A parsed chat request. */
export interface ChatRequest extends GenerationRequest {
  messages: Message[];
  /** Prefix of the response to continue: the last message, if it is the assistant's. */
  prefix: string;
  /** Number of top tokens to report; undefined for no log-probabilities. */
  logprobs: number | undefined;
  /** Infinity for as many as fit in the context. */
  maxTokens: number;
}

const roles: Readonly<Record<string, string>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
};

/** Parses the fields, with pauses as there may be many messages; throws HttpError. */
export async function readChat(
  served: Served,
  fields: Fields,
  signal: AbortSignal,
): Promise<ChatRequest> {
  served.checkModel(fields.get('model', text));
  const given = fields.require(
    'messages',
    list((value) => value),
  );
  const messages: Message[] = [];
  const pace = new Pace(signal);
  for (const [index, value] of given.entries()) {
    messages.push(readMessage(value, `messages[${index}]`));
    if (index % 64 === 63 && pace.isDue) await pace.pause();
  }
  if (messages.length === 0) throw invalidField('at least one message', 'messages', messages);
  const request: ChatRequest = {
    messages,
    prefix: messages.at(-1)?.role === 'bot' ? (messages.pop()?.content ?? '') : '',
    logprobs: readLogprobs(fields),
    maxTokens: readMaxTokens(fields),
    ...readGeneration(fields, served.lm.model),
  };
  fields.finish();
  return request;
}

function readMessage(value: unknown, name: string): Message {
  const fields = new Fields(value, name, `${name}.`);
  const role = fields.require('role', text);
  const speaker = Object.hasOwn(roles, role) ? roles[role] : undefined;
  if (speaker === undefined) {
    const known = Object.keys(roles).join(', ');
    throw invalidField(`one of ${known}`, `${name}.role`, role);
  }
  const content = fields.require('content', readContent);
  // lm-evaluation-harness sends this field.
  fields.get('type', (type, at) => checkOneOf(type, at, ['text']));
  fields.finish();
  return new Message(speaker, content);
}

/** A string, or an array of text parts. */
const readContent: Reader<string> = (value, name) => {
  if (typeof value === 'string') return value;
  const part: Reader<string> = (item, at) => {
    const fields = new Fields(object(item, at), at, `${at}.`);
    const type = fields.require('type', text);
    if (type !== 'text') throw invalidField("'text'", `${at}.type`, type);
    const piece = fields.require('text', text);
    fields.finish();
    return piece;
  };
  if (!Array.isArray(value)) throw invalidField('a string or an array of parts', name, value);
  return list(part)(value, name).join('');
};

function readLogprobs(fields: Fields): number | undefined {
  const enabled = fields.get('logprobs', flag) ?? false;
  const top = fields.get('top_logprobs', alternatives);
  if (top !== undefined && !enabled) {
    throw invalidField('no value without logprobs', 'top_logprobs', top);
  }
  return enabled ? (top ?? 0) : undefined;
}

/** Reads the limit under either of its names. */
function readMaxTokens(fields: Fields): number {
  const old = fields.get('max_tokens', integer(1));
  const limit = fields.get('max_completion_tokens', integer(1));
  if (old !== undefined && limit !== undefined && old !== limit) {
    const message = `Expected one limit, got max_tokens ${old} and max_completion_tokens ${limit}`;
    throw new HttpError(400, message, { param: 'max_tokens', code: 'invalid_value' });
  }
  return limit ?? old ?? Infinity;
}
