// ConfigTemplate: the entries of a configuration, and the check of their values.

import {
  checkNumber,
  checkOptions,
  checkString,
  wrongRange,
  wrongType,
} from '../../common/arguments.js';
import { type ConfigValue, copyValue, isEqual, isRecord } from './config-value.js';

const numberTypes = ['int', 'float'] as const;
const textTypes = ['str', 'string', 'text', 'btn', 'file', 'folder'] as const;
const types = [...numberTypes, ...textTypes, 'bool', 'list', 'dict'] as const;

/**
 * The type of an entry. `'str'`, `'string'`, `'text'`, `'file'`, `'folder'` and `'btn'` are all
 * texts, which a user interface may show differently; nothing of them is ever opened or executed.
 */
export type ConfigType = (typeof types)[number];

/** An entry of a {@link ConfigTemplate}. */
export interface ConfigEntry {
  readonly name: string;
  readonly type: ConfigType;
  /** The default value. */
  readonly value: ConfigValue;
  /** The least value of a number. Default: none. */
  readonly min?: number | undefined;
  /** The greatest value of a number. Default: none. */
  readonly max?: number | undefined;
  /** The only values allowed. Default: any of the type. */
  readonly options?: readonly ConfigValue[] | undefined;
  /** A description, which a new file has as a comment. Default: none. */
  readonly help?: string | undefined;
}

type ValueOfType<T extends ConfigType> = T extends 'int' | 'float'
  ? number
  : T extends 'bool'
    ? boolean
    : T extends 'list'
      ? readonly ConfigValue[]
      : T extends 'dict'
        ? Readonly<Record<string, ConfigValue>>
        : string;

type ValueOf<E extends ConfigEntry> = E extends {
  readonly options: readonly (infer O)[];
}
  ? O
  : ValueOfType<E['type']>;

/** The values of a configuration, by name, as the entries of its template describe them. */
export type ConfigValues<E extends readonly ConfigEntry[]> = {
  [Entry in E[number] as Entry['name']]: ValueOf<Entry>;
};

const entryNames = ['name', 'type', 'value', 'min', 'max', 'options', 'help'] as const;
const isNumberType = (type: ConfigType): boolean => type === 'int' || type === 'float';

/**
 * The entries of a configuration. Immutable.
 *
 * @example
 * new ConfigTemplate([{ name: 'temperature', type: 'float', value: 0.7, min: 0, max: 1 }]);
 */
export class ConfigTemplate<const E extends readonly ConfigEntry[] = readonly ConfigEntry[]> {
  /** The entries, checked and frozen. */
  readonly entries: E;
  readonly #byName: ReadonlyMap<string, ConfigEntry>;

  /** @throws TypeError, RangeError for an entry whose parts do not fit each other */
  constructor(entries: E) {
    if (!Array.isArray(entries)) throw wrongType('an array of entries', 'entries', entries);
    const byName = new Map<string, ConfigEntry>();
    for (const [index, given] of entries.entries()) {
      const entry = readEntry(given, `entries[${index}]`);
      if (byName.has(entry.name)) {
        throw wrongRange('a distinct name', `entries[${index}].name`, entry.name);
      }
      byName.set(entry.name, entry);
    }
    this.entries = Object.freeze([...byName.values()]) as unknown as E;
    this.#byName = byName;
  }

  /** The names of the entries, in their order. */
  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /**
   * A frozen copy of a value for an entry.
   *
   * @throws TypeError for an unknown name or a value of another type; RangeError for one out of
   * range
   */
  check(name: string, value: unknown): ConfigValue {
    const entry = this.#byName.get(name);
    if (entry !== undefined) return checkValue(entry, value, name);
    throw wrongType(`one of ${this.names.join(', ')}`, 'the name of a setting', name);
  }
}

function readEntry(given: unknown, at: string): ConfigEntry {
  if (given === undefined) throw wrongType('an object', at, given);
  const { name, type, value, min, max, options, help } = checkOptions(
    given as ConfigEntry,
    at,
    entryNames,
  );
  if (checkString(name, `${at}.name`) === '') {
    throw wrongRange('a non-empty string', `${at}.name`, name);
  }
  if (!types.includes(type as ConfigType)) {
    throw wrongType(`one of ${types.join(', ')}`, `${at}.type`, type);
  }
  const bounds = { min, max };
  for (const [key, bound] of Object.entries(bounds)) {
    if (bound === undefined) continue;
    if (!isNumberType(type as ConfigType)) {
      throw wrongType(`no value with the type ${type}`, `${at}.${key}`, bound);
    }
    checkNumber(bound, `${at}.${key}`);
  }
  if (min !== undefined && max !== undefined && min > max) {
    throw wrongRange(`a number of at least min, ${min},`, `${at}.max`, max);
  }
  if (help !== undefined) checkString(help, `${at}.help`);
  const bare = { name, type, min, max } as ConfigEntry;
  const choices = options === undefined ? undefined : readChoices(bare, options, `${at}.options`);
  const entry = { ...bare, options: choices, help } as ConfigEntry;
  return Object.freeze({ ...entry, value: checkValue(entry, value, `${at}.value`) });
}

function readChoices(entry: ConfigEntry, options: unknown, at: string): readonly ConfigValue[] {
  if (!Array.isArray(options)) throw wrongType('an array of values', at, options);
  if (options.length === 0) throw wrongRange('at least one value', at, options);
  return Object.freeze(
    options.map((option, index) => checkValue(entry, option, `${at}[${index}]`)),
  );
}

function checkValue(entry: ConfigEntry, value: unknown, at: string): ConfigValue {
  const checked = checkType(entry, value, at);
  const { options } = entry;
  if (options === undefined || options.some((option) => isEqual(option, checked))) return checked;
  const list = options.map((option) => JSON.stringify(option)).join(', ');
  throw wrongRange(`one of ${list}`, at, value);
}

function checkType(entry: ConfigEntry, value: unknown, at: string): ConfigValue {
  const { type } = entry;
  if (type === 'int' || type === 'float') return checkBounds(entry, value, at);
  if (type === 'bool') {
    if (typeof value === 'boolean') return value;
    throw wrongType('true or false', at, value);
  }
  if (type === 'list') {
    if (Array.isArray(value)) return copyValue(value, at);
    throw wrongType('a list', at, value);
  }
  if (type === 'dict') {
    if (isRecord(value)) return copyValue(value, at);
    throw wrongType('a map from names to values', at, value);
  }
  return checkString(value, at);
}

function checkBounds({ type, min, max }: ConfigEntry, value: unknown, at: string): number {
  const what = type === 'int' ? 'an integer' : 'a finite number';
  if (typeof value !== 'number') throw wrongType(what, at, value);
  const isKind = type === 'int' ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (isKind && value >= (min ?? -Infinity) && value <= (max ?? Infinity)) return value;
  const bounds = [
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
  ];
  throw wrongRange(bounds.length === 0 ? what : `${what} of ${bounds.join(' and ')}`, at, value);
}
