// The state of `decide`: a text, a JSON value or a conversation, and what is left of it when it is
// cut to fit the context.

import { type Message, type MessageLike, readMessage } from '../chat-template/message.js';
import { wrongType } from '../common/arguments.js';
import { jsonText } from './json-text.js';

/**
 * What questions are about: a text; an object or array, which the model reads as JSON text; or
 * messages, each an object with exactly a role and a content.
 */
export type DecisionState = string | object | readonly MessageLike[];

/** A state as the model reads it. */
export interface CheckedState {
  /** Of a conversation: its last message, if the user wrote it, else `''`. */
  readonly text: string;
  /** The messages before that text; empty unless the state is a conversation. */
  readonly messages: readonly Message[];
}

/** No state: what a prior is conditioned on. */
export const noState: CheckedState = { text: '', messages: [] };

const roles = ['system', 'user', 'bot', 'assistant'];

/** Whether a value is a message: an object with exactly a role and a content. */
function isMessage(value: unknown): value is MessageLike {
  if (typeof value !== 'object' || value === null) return false;
  const { role, content } = value as Partial<MessageLike>;
  return (
    Object.keys(value).length === 2 &&
    typeof content === 'string' &&
    typeof role === 'string' &&
    roles.includes(role.toLowerCase())
  );
}

/**
 * Validates a state.
 *
 * @throws TypeError for anything but a text, an object or an array that JSON can represent
 */
export function readState(value: unknown): CheckedState {
  if (typeof value === 'string') return { text: value, messages: [] };
  if (typeof value !== 'object' || value === null) {
    throw wrongType('a string, an object or an array', 'state', value);
  }
  if (!Array.isArray(value) || value.length === 0 || !value.every(isMessage)) {
    return { text: jsonText(value, 'state'), messages: [] };
  }
  const plain = () => ({ prefix: '', postfix: '' });
  const messages = value.map((each, index) => readMessage(each, `state[${index}]`, plain));
  const last = messages.at(-1) as Message;
  if (last.role !== 'user') return { text: '', messages };
  return { text: last.content, messages: messages.slice(0, -1) };
}

/** The number of UTF-16 code units that {@link cutState} can remove. */
export const sizeOf = ({ text, messages }: CheckedState): number =>
  messages.reduce((sum, { content }) => sum + content.length, text.length);

/**
 * The state without at least `count` of its code units: without its oldest messages and the replies
 * to them, the leading system message excepted, then without that, then without the end of its text.
 */
export function cutState({ text, messages }: CheckedState, count: number): CheckedState {
  const kept = [...messages];
  let removed = 0;
  while (removed < count && kept.length > 0) {
    const oldest = kept[0]?.role === 'system' && kept.length > 1 ? 1 : 0;
    // With the replies to it, which templates expect to follow a user's message.
    let next = oldest + 1;
    while (kept[next]?.role === 'bot') next++;
    for (const { content } of kept.splice(oldest, next - oldest)) removed += content.length;
  }
  let end = text.length - Math.max(0, count - removed);
  // A cut within a surrogate pair would leave half a character.
  if (end > 0 && end < text.length && /[\ud800-\udbff]/.test(text[end - 1] as string)) end--;
  return { text: text.slice(0, Math.max(0, end)), messages: kept };
}
