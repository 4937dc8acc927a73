// Message: one turn of a conversation, and the reading of what a caller hands in as one.
// Threads hold them; templates and formats render them.

import { checkString, wrongType } from '../common/arguments.js';

/** Who speaks. */
export type Role = 'system' | 'user' | 'bot';

const spellings: Readonly<Record<string, Role>> = {
  system: 'system',
  user: 'user',
  bot: 'bot',
  assistant: 'bot',
};

/** What counts as a message: a {@link Message}, or an object with a role and a content. */
export interface MessageLike {
  /** `'system'`, `'user'` or `'bot'`, in any case; `'assistant'` is the bot. */
  role: string;
  content: string;
  /** Default: what the thread's format has for the role; `''` under a chat template. */
  prefix?: string | undefined;
  /** As `prefix`. */
  postfix?: string | undefined;
}

/** Checks a role; throws a TypeError. */
export function readRole(value: unknown, name: string): Role {
  const key = typeof value === 'string' ? value.toLowerCase() : '';
  if (!Object.hasOwn(spellings, key)) {
    throw wrongType("one of 'system', 'user', 'bot'", name, value);
  }
  return spellings[key] as Role;
}

/**
 * One message of a conversation. Under a chat template `prefix` and `postfix` are empty: the
 * template writes what stands around a message, and knows it only for the whole conversation.
 *
 * @example
 * new Message('User', 'Hello', { prefix: 'USER: ', postfix: '\n' }).asString(); // 'USER: Hello\n'
 */
export class Message implements MessageLike {
  role: Role;
  prefix: string;
  content: string;
  postfix: string;

  /** @throws TypeError for another role than the three, in any case, and for what is no text */
  constructor(role: string, content: string, around: { prefix?: string; postfix?: string } = {}) {
    this.role = readRole(role, 'role');
    this.prefix = checkString(around.prefix ?? '', 'prefix');
    this.content = checkString(content, 'content');
    this.postfix = checkString(around.postfix ?? '', 'postfix');
  }

  /** The full text: prefix, content and postfix. */
  asString(): string {
    return this.prefix + this.content + this.postfix;
  }
}

/** Checks one message; throws a TypeError. `around` is what stands around it by default. */
export function readMessage(
  value: unknown,
  name: string,
  around: (role: Role) => { prefix: string; postfix: string },
): Message {
  if (typeof value !== 'object' || value === null) {
    throw wrongType('an object with role and content', name, value);
  }
  const { role, content, prefix, postfix } = value as Partial<Record<keyof Message, unknown>>;
  const speaker = readRole(role, `${name}.role`);
  const usual = around(speaker);
  return new Message(speaker, checkString(content, `${name}.content`), {
    prefix: checkString(prefix ?? usual.prefix, `${name}.prefix`),
    postfix: checkString(postfix ?? usual.postfix, `${name}.postfix`),
  });
}
