// The history of a chat: its messages, their checks, and their text for LLMs without chat
// templates. BaseLLM keeps one.

import { type Role, readRole } from '../chat-template/message.js';
import { checkString, wrongType } from '../common/arguments.js';

/** A message of a history. */
export interface HistoryMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** An earlier conversation: its messages, or a text that precedes the task. */
export type History = string | readonly Readonly<{ role: string; content: string }>[];

const roles: Record<Role, HistoryMessage['role']> = {
  system: 'system',
  user: 'user',
  bot: 'assistant',
};

/** Checks messages and copies them; throws TypeError. */
export function readHistory(value: unknown, name: string): HistoryMessage[] {
  if (!Array.isArray(value)) throw wrongType('a string or an array of messages', name, value);
  return value.map((item: unknown, index) => {
    const place = `${name}[${index}]`;
    if (typeof item !== 'object' || item === null) {
      throw wrongType('an object with role and content', place, item);
    }
    const { role, content } = item as Partial<HistoryMessage>;
    return Object.freeze({
      role: roles[readRole(role, `${place}.role`)],
      content: checkString(content, `${place}.content`),
    });
  });
}

/**
 * A conversation with one more message. A conversation that is given as a text precedes the
 * message, in the same turn. Throws TypeError.
 */
export function continued(
  history: History,
  content: string,
  role: HistoryMessage['role'] = 'user',
): readonly HistoryMessage[] {
  if (typeof history === 'string') {
    return Object.freeze([Object.freeze({ role, content: `${history}\n\n${content}` })]);
  }
  return Object.freeze([...readHistory(history, 'history'), Object.freeze({ role, content })]);
}

/** The name under which the model speaks in a transcript, unless the option `role` names it. */
export const defaultRole = 'assistant';

const capitalized = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** A conversation as a text that the model's next turn continues. */
export function transcriptOf(messages: readonly HistoryMessage[], role = defaultRole): string {
  const turns = messages.map(({ role: speaker, content }) => {
    if (speaker === 'system') return `${content}\n\n`;
    return `${capitalized(speaker === 'user' ? 'user' : role)}: ${content}\n`;
  });
  return `${turns.join('')}${capitalized(role)}:`;
}
