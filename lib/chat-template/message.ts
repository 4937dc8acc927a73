// Message: one turn of a conversation, and the checks of a caller's messages. Threads hold them;
// templates and formats render them.

import { checkString, wrongType } from '../common/arguments.js';

/** The author of a message. */
export type Role = 'system' | 'user' | 'bot';

const spellings: Readonly<Record<string, Role>> = {
  system: 'system',
  user: 'user',
  bot: 'bot',
  assistant: 'bot',
};

/** A {@link Message}, or a plain object with a role and a content. */
export interface MessageLike {
  /** `'system'`, `'user'` or `'bot'`, in any letter case; `'assistant'` means the bot. */
  role: string;
  content: string;
  /** Default: the prefix of the role in the thread's format; `''` under a chat template. */
  prefix?: string | undefined;
  /** As `prefix`, after the content. */
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
 * A message of a conversation. Under a chat template `prefix` and `postfix` are empty: the
 * template renders the text around messages, and only for the conversation as a whole.
 *
 * @example
 * new Message('User', 'Hello', { prefix: 'USER: ', postfix: '\n' }).asString(); // 'USER: Hello\n'
 */
export class Message implements MessageLike {
  role: Role;
  prefix: string;
  content: string;
  postfix: string;

  /** @throws TypeError for an unknown role, or for a content that is not a string */
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

/** Checks a message; throws a TypeError. `around` returns the default prefix and postfix. */
export function readMessage(
  value: unknown,
  name: string,
  around: (role: Role) => { prefix: string; postfix: string },
): Message {
  if (typeof value !== 'object' || value === null) {
    throw wrongType('an object with role and content', name, value);
  }
  const { role, content, prefix, postfix } = value as Partial<Record<keyof Message, unknown>>;
  const checkedRole = readRole(role, `${name}.role`);
  const defaults = around(checkedRole);
  return new Message(checkedRole, checkString(content, `${name}.content`), {
    prefix: checkString(prefix ?? defaults.prefix, `${name}.prefix`),
    postfix: checkString(postfix ?? defaults.postfix, `${name}.postfix`),
  });
}
