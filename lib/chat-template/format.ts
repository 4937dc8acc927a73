// Format: what stands around messages, for models without a chat template of their own.
// Threads render by it; `formats.ts` has the known ones.

import { checkString, wrongRange, wrongType } from '../common/arguments.js';
import type { Role } from './message.js';

/** How a model wants conversations written. */
export interface Format {
  systemPrefix: string;
  /** The system message that a thread begins with; none where it is empty. */
  systemPrompt: string;
  systemSuffix: string;
  userPrefix: string;
  userSuffix: string;
  /** Its spaces at the end are left to the model to write when it is the bot's turn. */
  botPrefix: string;
  botSuffix: string;
  /** Texts and token ids that end the bot's turn, besides the model's own end tokens. */
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

/** `system_prefix` as `systemPrefix`. */
export const camelCase = (name: string): string =>
  name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/**
 * Checks a format, whose keys may be written in snake case, too; what is left out is empty.
 * Gives a frozen copy. Throws TypeError or RangeError.
 */
export function readFormat(value: unknown, name: string): Readonly<Format> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object', name, value);
  }
  const given: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (!keys.includes(camelCase(key))) {
      throw wrongType(`only ${keys.join(', ')}`, `the keys of ${name}`, key);
    }
    given[camelCase(key)] = item;
  }
  const parts = texts.map((key) => [key, checkString(given[key] ?? '', `${name}.${key}`)]);
  const stops = readStops(given.stops ?? [], `${name}.stops`);
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

/** What a format has around the messages of a role. */
export function aroundRole(format: Format, role: Role): { prefix: string; postfix: string } {
  return { prefix: format[`${role}Prefix`], postfix: format[`${role}Suffix`] };
}

/** Wraps one question in a format, with its system prompt: a whole prompt as text. */
export function wrap(prompt: string, format: Format): string {
  checkString(prompt, 'prompt');
  const { systemPrefix, systemPrompt, systemSuffix, ...rest } = readFormat(format, 'format');
  const system = systemPrompt === '' ? '' : systemPrefix + systemPrompt + systemSuffix;
  return system + rest.userPrefix + prompt + rest.userSuffix + rest.botPrefix.replace(/ +$/, '');
}
