// The body of `POST /v1/chat/completions`, read.

import { Message } from '../../chat-template/message.js';
import { checkOneOf } from '../../common/arguments.js';
import { Fields, flag, integer, list, object, type Reader, text } from '../http/fields.js';
import { badField, HttpError } from '../http/http-error.js';
import type { Served } from '../served.js';
import { alternatives, readWriting, type WritingRequest } from './generation-request.js';

/** What is asked of a chat. */
export interface ChatRequest extends WritingRequest {
  messages: Message[];
  /** What the answer begins with, which was said already: the last message, if it is the bot's. */
  prefix: string;
  /** How many of the likeliest tokens to tell; undefined for no log-probabilities. */
  logprobs: number | undefined;
  /** Infinity for as many as there is room for. */
  maxTokens: number;
}

const roles: Readonly<Record<string, string>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
};

/** Reads the fields; throws HttpError. */
export function readChat(served: Served, fields: Fields): ChatRequest {
  served.checkModel(fields.get('model', text));
  const messages = fields.need('messages', list(readMessage));
  if (messages.length === 0) throw badField('at least one message', 'messages', messages);
  const request: ChatRequest = {
    messages,
    prefix: messages.at(-1)?.role === 'bot' ? (messages.pop()?.content ?? '') : '',
    logprobs: readLogprobs(fields),
    maxTokens: readMaxTokens(fields),
    ...readWriting(fields, served.lm.model),
  };
  fields.finish();
  return request;
}

const readMessage: Reader<Message> = (value, name) => {
  const fields = new Fields(value, name, `${name}.`);
  const role = fields.need('role', text);
  const speaker = Object.hasOwn(roles, role) ? roles[role] : undefined;
  if (speaker === undefined) {
    const known = Object.keys(roles).join(', ');
    throw badField(`one of ${known}`, `${name}.role`, role);
  }
  const content = fields.need('content', readContent);
  // lm-evaluation-harness marks its messages so.
  fields.get('type', (type, at) => checkOneOf(type, at, ['text']));
  fields.finish();
  return new Message(speaker, content);
};

/** A text, or its parts. */
const readContent: Reader<string> = (value, name) => {
  if (typeof value === 'string') return value;
  const part: Reader<string> = (item, at) => {
    const fields = new Fields(object(item, at), at, `${at}.`);
    const type = fields.need('type', text);
    if (type !== 'text') throw badField("'text'", `${at}.type`, type);
    const piece = fields.need('text', text);
    fields.finish();
    return piece;
  };
  if (!Array.isArray(value)) throw badField('a string or an array of parts', name, value);
  return list(part)(value, name).join('');
};

function readLogprobs(fields: Fields): number | undefined {
  const wanted = fields.get('logprobs', flag) ?? false;
  const top = fields.get('top_logprobs', alternatives);
  if (top !== undefined && !wanted) {
    throw badField('nothing, without logprobs,', 'top_logprobs', top);
  }
  return wanted ? (top ?? 0) : undefined;
}

/** By either of its names. */
function readMaxTokens(fields: Fields): number {
  const old = fields.get('max_tokens', integer(1));
  const limit = fields.get('max_completion_tokens', integer(1));
  if (old !== undefined && limit !== undefined && old !== limit) {
    const message = `Expected one limit, got max_tokens ${old} and max_completion_tokens ${limit}`;
    throw new HttpError(400, message, { param: 'max_tokens', code: 'invalid_value' });
  }
  return limit ?? old ?? Infinity;
}
