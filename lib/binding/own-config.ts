// The configuration of a binding of this package: its template with the values that the constructor
// was given.

import { checkOptions, wrongType } from '../common/arguments.js';
import { pick } from '../common/pick.js';
import {
  bindingOptionNames,
  type LLMBindingOptions,
  type LLMBindingSetup,
} from './binding-options.js';
import { BaseConfig } from './config/base-config.js';
import type { ConfigEntry, ConfigTemplate, ConfigValues } from './config/config-template.js';
import type { ConfigValue } from './config/config-value.js';
import { TypedConfig } from './config/typed-config.js';

/** Options of a binding of this package. */
export interface OwnBindingOptions<E extends readonly ConfigEntry[]> extends LLMBindingOptions {
  /** Values of `bindingConfig`, instead of the defaults. */
  bindingConfig?: Readonly<Partial<ConfigValues<E>>> | undefined;
}

/** The options for the constructor of LLMBinding. Throws TypeError or RangeError. */
export function ownSetup<const E extends readonly ConfigEntry[]>(
  value: OwnBindingOptions<E> | undefined,
  template: ConfigTemplate<E>,
  name: string,
): LLMBindingSetup {
  const options = checkOptions(value, 'options', [...bindingOptionNames, 'bindingConfig']);
  const { bindingConfig = {} } = options;
  if (typeof bindingConfig !== 'object' || bindingConfig === null) {
    throw wrongType('an object', 'bindingConfig', bindingConfig);
  }
  const values = Object.entries(bindingConfig).filter(([, item]) => item !== undefined);
  const base = new BaseConfig(Object.fromEntries(values) as Record<string, ConfigValue>);
  return {
    name,
    ...pick(options, bindingOptionNames),
    bindingConfig: new TypedConfig(template, base) as unknown as TypedConfig,
  };
}
