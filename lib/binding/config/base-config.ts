// BaseConfig: named values of any type, without a template.

import { checkString, wrongType } from '../../common/arguments.js';
import { type ConfigValue, copyValue, isRecord } from './config-value.js';
import { readConfigFile, writeConfigFile } from './yaml-file.js';

/**
 * Named values without a template: what a {@link TypedConfig} starts from.
 *
 * @example
 * new BaseConfig({ temperature: 0.5 });
 */
export class BaseConfig {
  readonly #values = new Map<string, ConfigValue>();

  /** @throws TypeError, RangeError for values that JSON cannot represent */
  constructor(config: Readonly<Record<string, ConfigValue>> = {}) {
    if (!isRecord(config)) throw wrongType('an object', 'config', config);
    for (const [name, value] of Object.entries(config)) this.set(name, value);
  }

  /** Reads the values of a YAML file. Throws LMError `CONFIG_INVALID`. */
  static async load(path: string): Promise<BaseConfig> {
    return new BaseConfig(await readConfigFile(path));
  }

  get names(): readonly string[] {
    return [...this.#values.keys()];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** A value, or undefined. */
  get(name: string): ConfigValue | undefined {
    return this.#values.get(checkString(name, 'name'));
  }

  /** Sets a value, of which a frozen copy is kept. */
  set(name: string, value: ConfigValue): void {
    checkString(name, 'name');
    this.#values.set(name, copyValue(value, name));
  }

  /** All values, as an object. */
  toJSON(): Record<string, ConfigValue> {
    return Object.fromEntries(this.#values);
  }

  /**
   * Writes the values to a YAML file, as {@link TypedConfig.save} does.
   *
   * @throws LMError `CONFIG_NOT_SAVED`
   */
  async save(path: string): Promise<void> {
    await writeConfigFile(path, () => ({ changes: this.toJSON(), help: new Map() }));
  }
}
