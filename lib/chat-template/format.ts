// Format: the text around messages, for models without a chat template of their own. Threads
// render with it; `lib/chat-template/formats.ts` has the known ones.

import { checkString, wrongRange, wrongType } from '../common/arguments.js';
import type { Role } from './message.js';

/** How to render conversations for a model. */
export interface Format {
  systemPrefix: string;
  /** The initial system message of a thread; none if empty. */
  systemPrompt: string;
  systemSuffix: string;
  userPrefix: string;
  userSuffix: string;
  /** When it opens the bot's turn, its trailing spaces are left for the model to generate. */
  botPrefix: string;
  botSuffix: string;
  /** Stop strings and token ids that end the bot's turn, besides the end-of-generation tokens. */
  stops: readonly (string | number)[];
}

const texts = [
  'systemPrefix',
  'systemPrompt',
  'systemSuffix',
  'userPrefix',
  'userSuffix',
  'botPrefix',
  'botSuffix',
] as const satisfies (keyof Format)[];

const keys: readonly string[] = [...texts, 'stops'];

/** Converts `system_prefix` to `systemPrefix`. */
export const camelCase = (name: string): string =>
  name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/**
 * Checks a format, whose keys may be in snake case; missing keys are empty. Returns a frozen copy.
 * Throws TypeError or RangeError.
 */
export function readFormat(value: unknown, name: string): Readonly<Format> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object', name, value);
  }
  const entries: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (!keys.includes(camelCase(key))) {
      throw wrongType(`only ${keys.join(', ')}`, `the keys of ${name}`, key);
    }
    entries[camelCase(key)] = item;
  }
  const parts = texts.map((key) => [key, checkString(entries[key] ?? '', `${name}.${key}`)]);
  const stops = readStops(entries.stops ?? [], `${name}.stops`);
  return Object.freeze({ ...Object.fromEntries(parts), stops } as Format);
}

function readStops(value: unknown, name: string): readonly (string | number)[] {
  if (!Array.isArray(value)) throw wrongType('an array', name, value);
  const stops = value.map((item: unknown, index) => {
    const itemName = `${name}[${index}]`;
    if (typeof item === 'string') {
      if (item === '') throw wrongRange('a string of at least one character', itemName, item);
      return item;
    }
    if (typeof item !== 'number') throw wrongType('a string or a token id', itemName, item);
    if (!Number.isInteger(item) || item < 0) throw wrongRange('a token id', itemName, item);
    return item;
  });
  return Object.freeze(stops);
}

/** The prefix and postfix of a role's messages. */
export function aroundRole(format: Format, role: Role): { prefix: string; postfix: string } {
  return { prefix: format[`${role}Prefix`], postfix: format[`${role}Suffix`] };
}

/** Renders a single user message in a format, with its system prompt, as a complete prompt. */
export function wrap(prompt: string, format: Format): string {
  checkString(prompt, 'prompt');
  const { systemPrefix, systemPrompt, systemSuffix, ...rest } = readFormat(format, 'format');
  const system = systemPrompt === '' ? '' : systemPrefix + systemPrompt + systemSuffix;
  return system + rest.userPrefix + prompt + rest.userSuffix + rest.botPrefix.replace(/ +$/, '');
}
