// TypedConfig: the values of a template's entries, always valid, and their file.

import { resolve } from 'node:path';
import { checkString, wrongType } from '../../common/arguments.js';
import { LMError } from '../../common/errors.js';
import { BaseConfig } from './base-config.js';
import { type ConfigEntry, ConfigTemplate, type ConfigValues } from './config-template.js';
import { type ConfigValue, isEqual, isRecord } from './config-value.js';
import { readConfigFile, writeConfigFile } from './yaml-file.js';

/**
 * The values of a configuration: those of a {@link ConfigTemplate}'s entries, checked whenever one
 * is set or read from a file.
 *
 * @example
 * const config = new TypedConfig(
 *   new ConfigTemplate([{ name: 'temperature', type: 'float', value: 0.7, min: 0, max: 1 }]),
 *   new BaseConfig({}),
 * );
 * config.values.temperature = 0.5;
 */
export class TypedConfig<const E extends readonly ConfigEntry[] = readonly ConfigEntry[]> {
  readonly template: ConfigTemplate<E>;
  /** The values by name. Setting one checks it, as {@link set} does. */
  readonly values: ConfigValues<E>;
  #current: Readonly<Record<string, ConfigValue>>;
  /** The values that a file had when it was last read or written here, by its path. */
  readonly #stored = new Map<string, Readonly<Record<string, ConfigValue>>>();

  /**
   * @param config values to start with, instead of the entries' own
   * @throws TypeError, RangeError for values that do not fit the template
   */
  constructor(template: ConfigTemplate<E>, config: BaseConfig = new BaseConfig()) {
    if (!(template instanceof ConfigTemplate)) {
      throw wrongType('a ConfigTemplate', 'template', template);
    }
    if (!(config instanceof BaseConfig)) throw wrongType('a BaseConfig', 'config', config);
    this.template = template;
    const defaults = template.entries.map(({ name, value }): [string, ConfigValue] => [
      name,
      value,
    ]);
    this.#current = Object.freeze(Object.fromEntries(defaults));
    this.values = this.#view();
    this.update(config.toJSON() as Partial<ConfigValues<E>>);
  }

  /** A value. Throws a TypeError for an unknown name. */
  get<N extends keyof ConfigValues<E> & string>(name: N): ConfigValues<E>[N] {
    if (!this.template.has(name)) this.template.check(name, undefined);
    return this.#current[name] as ConfigValues<E>[N];
  }

  /**
   * Sets a value, of which a frozen copy is kept.
   *
   * @throws TypeError for an unknown name or a value of another type; RangeError for one that is
   * out of range
   */
  set<N extends keyof ConfigValues<E> & string>(name: N, value: ConfigValues<E>[N]): void {
    this.update({ [name]: value } as unknown as Partial<ConfigValues<E>>);
  }

  /** Sets several values: all of them, or none if one is invalid. */
  update(values: Readonly<Partial<ConfigValues<E>>>): void {
    if (!isRecord(values)) throw wrongType('an object', 'values', values);
    const checked = Object.entries(values).map(([name, value]): [string, ConfigValue] => [
      name,
      this.template.check(name, value),
    ]);
    this.#current = Object.freeze({ ...this.#current, ...Object.fromEntries(checked) });
  }

  /** All values, as an object that later changes do not affect. */
  toJSON(): Readonly<ConfigValues<E>> {
    return this.#current as Readonly<ConfigValues<E>>;
  }

  /**
   * Reads the values of a YAML file. Entries that it lacks keep their values.
   *
   * @returns the names in the file that the template does not have; {@link save} keeps them
   * @throws LMError `CONFIG_INVALID` for a file that is missing, unreadable or not YAML, or has an
   * invalid value; then no value changes. LMError `PEER_MISSING` without the package yaml
   */
  async load(path: string): Promise<{ unknown: readonly string[] }> {
    const found = await readConfigFile(path);
    const unknown = Object.keys(found).filter((name) => !this.template.has(name));
    const known = Object.fromEntries(
      Object.entries(found).filter(([name]) => this.template.has(name)),
    );
    try {
      this.update(known as Partial<ConfigValues<E>>);
    } catch (cause) {
      const { message } = cause as Error;
      throw new LMError(`Invalid configuration ${path}: ${message}`, {
        code: 'CONFIG_INVALID',
        cause,
      });
    }
    this.#stored.set(resolve(path), known);
    return { unknown };
  }

  /**
   * Writes the values to a YAML file; a new file has the entries' `help` as comments. In a file that
   * exists, only what has changed here since it was last read or written is replaced: comments,
   * unknown entries, and what others have changed stay. The file is replaced as a whole, so that
   * whoever reads it finds the old or the new one.
   *
   * @throws LMError `CONFIG_NOT_SAVED` if the file cannot be written, or is not YAML; then it stays
   * as it is. LMError `PEER_MISSING` without the package yaml
   */
  async save(path: string): Promise<void> {
    const file = resolve(checkString(path, 'path'));
    const current = this.#current;
    const help = new Map<string, string>();
    for (const entry of this.template.entries) {
      if (entry.help !== undefined) help.set(entry.name, entry.help);
    }
    await writeConfigFile(path, (found) => {
      const stored = found === undefined ? undefined : this.#stored.get(file);
      const changed = Object.entries(current).filter(
        ([name, value]) => stored === undefined || !isEqual(stored[name], value),
      );
      return { changes: Object.fromEntries(changed), help };
    });
    this.#stored.set(file, { ...this.#stored.get(file), ...current });
  }

  /** The values as properties that can be set. */
  #view(): ConfigValues<E> {
    const names = (): readonly string[] => this.template.names;
    return new Proxy({} as ConfigValues<E>, {
      get: (target, name) => {
        if (typeof name === 'string' && this.template.has(name)) return this.#current[name];
        return Reflect.get(target, name);
      },
      set: (_, name, value) => {
        this.set(String(name), value);
        return true;
      },
      has: (_, name) => typeof name === 'string' && this.template.has(name),
      ownKeys: () => [...names()],
      getOwnPropertyDescriptor: (_, name) => {
        if (typeof name !== 'string' || !this.template.has(name)) return undefined;
        const value = this.#current[name];
        return { value, writable: true, enumerable: true, configurable: true };
      },
      deleteProperty: (_, name) => {
        throw wrongType('an existing value to stay', 'the values of a configuration', name);
      },
      defineProperty: (_, name) => {
        throw wrongType('an assignment', 'the values of a configuration', name);
      },
    });
  }
}
