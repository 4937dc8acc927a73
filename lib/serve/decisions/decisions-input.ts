// The field `input` of `/v1/decisions`: a text, or a list of messages, calls of functions and their
// outputs.

import { jsonText } from '../../decide/json-text.js';
import type { DecisionState } from '../../decide/state.js';
import { Fields, list, type Reader, text } from '../http/fields.js';
import { HttpError, invalidField } from '../http/http-error.js';

interface Turn {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

const roles: Readonly<Record<string, Turn['role']>> = {
  user: 'user',
  system: 'system',
  developer: 'system',
  assistant: 'assistant',
};

/** The keys that calls and their outputs have: the type of the output by that of the call. */
const calls: Readonly<Record<string, string>> = {
  function_call: 'function_call_output',
  custom_tool_call: 'custom_tool_call_output',
};

/** Parts of a content, by type: the text of each. */
const textFields: Readonly<Record<string, string>> = {
  input_text: 'text',
  output_text: 'text',
  refusal: 'refusal',
};

/** Reads the input: a single text of the user, or a conversation. */
export const readInput: Reader<DecisionState> = (value, name) => {
  if (typeof value === 'string') return value;
  const known = new Set<string>();
  const turns = list((item, at) => readItem(item, at, known))(value, name);
  const merged: Turn[] = [];
  for (const { role, content } of turns) {
    const last = merged.at(-1);
    // Templates want the roles to alternate.
    if (last?.role === role) last.content = `${last.content}\n\n${content}`;
    else merged.push({ role, content });
  }
  const [first] = merged;
  if (first === undefined) throw invalidField('at least one item', name, value);
  return merged.length === 1 && first.role === 'user' ? first.content : merged;
};

function readItem(value: unknown, name: string, known: Set<string>): Turn {
  const fields = new Fields(value, name, `${name}.`);
  const type = fields.get('type', text) ?? 'message';
  if (Object.hasOwn(calls, type)) {
    known.add(`${calls[type]}:${fields.require('call_id', text)}`);
    const content = fields.get('arguments', text) ?? fields.get('input', text) ?? '';
    return { role: 'assistant', content: `${fields.require('name', text)}(${content})` };
  }
  if (Object.values(calls).includes(type)) {
    const id = fields.require('call_id', text);
    if (!known.has(`${type}:${id}`)) {
      throw invalidField('the call_id of a call before it', `${name}.call_id`, id);
    }
    return { role: 'user', content: fields.require('output', readContent) };
  }
  if (type !== 'message') {
    throw invalidField('a message, a call or its output', `${name}.type`, type);
  }
  const role = fields.require('role', text);
  const speaker = Object.hasOwn(roles, role) ? roles[role] : undefined;
  if (speaker === undefined) {
    throw invalidField(`one of ${Object.keys(roles).join(', ')}`, `${name}.role`, role);
  }
  return { role: speaker, content: fields.require('content', readContent) };
}

/** A text, or parts of texts and JSON. */
export const readContent: Reader<string> = (value, name) => {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw invalidField('a string or an array of parts', name, value);
  return list(readPart)(value, name).join('\n');
};

const readPart: Reader<string> = (value, name) => {
  const fields = new Fields(value, name, `${name}.`);
  const type = fields.require('type', text);
  if (Object.hasOwn(textFields, type)) return fields.require(textFields[type] as string, text);
  if (type === 'input_json') return fields.require('data', jsonText);
  if (type === 'input_image') {
    const message = `Images are not supported: ${name}`;
    throw new HttpError(400, message, { param: name, code: 'not_supported' });
  }
  throw invalidField("'input_text' or 'input_json'", `${name}.type`, type);
};
