// The options of every binding, and their validation.

import { checkOptions, checkString, wrongRange, wrongType } from '../common/arguments.js';
import { readMaxTokens } from '../generation/completion-options.js';
import { checkPath } from '../model/model-options.js';
import { BindingType, readBindingType } from './binding-type.js';
import { BaseConfig } from './config/base-config.js';
import { ConfigTemplate } from './config/config-template.js';
import { TypedConfig } from './config/typed-config.js';
import { InstallOption, readInstallOption } from './install-option.js';
import { type Communicator, readCommunicator } from './message-emitter.js';

/** What all bindings of an application share. */
export interface SharedConfig {
  /** The name of the model that `buildModel()` builds. Default: none. */
  modelName?: string | undefined;
  /** The limit of tokens of `generate`. Default: 128, or as many as fit in the context. */
  nPredict?: number | undefined;
}

/** Options of every binding. */
export interface LLMBindingOptions {
  /** The binding's name, for messages and for its file in `configDir`. Default: the class's. */
  name?: string | undefined;
  /** The folder of the binding's own files, where `readMetadata` looks. Default: none. */
  bindingDir?: string | undefined;
  /** The folder of the models. Default: none. */
  modelsDir?: string | undefined;
  /** The folder of the binding's configuration file. Default: none; nothing is stored. */
  configDir?: string | undefined;
  /** What all bindings share. Kept as it is: changing the object takes effect. */
  config?: SharedConfig | undefined;
  /** When `buildModel` calls `install`. Default: InstallOption.INSTALL_IF_NECESSARY. */
  installation?: InstallOption | undefined;
  /** Receives the events: shorthand for `on`. Default: none. */
  communicator?: Communicator | undefined;
}

/** Options of {@link LLMBinding}, for the constructors of bindings. */
export interface LLMBindingSetup extends LLMBindingOptions {
  /** The binding's own configuration. Default: empty. */
  bindingConfig?: TypedConfig | undefined;
  /** Endings of the names of model files, such as `'.gguf'`; `''` for all. Default `['.gguf']`. */
  supportedFileExtensions?: readonly string[] | undefined;
  /** What the binding takes and gives. Default `BindingType.TEXT`. */
  bindingType?: BindingType | 0 | 1 | 2 | 3 | undefined;
}

/** The names of {@link LLMBindingOptions}. */
export const bindingOptionNames = [
  'name',
  'bindingDir',
  'modelsDir',
  'configDir',
  'config',
  'installation',
  'communicator',
] as const satisfies (keyof LLMBindingOptions)[];

/** Validated options. */
export interface BindingSetup {
  name: string;
  bindingDir: string | undefined;
  modelsDir: string | undefined;
  configDir: string | undefined;
  config: SharedConfig;
  bindingConfig: TypedConfig;
  installation: InstallOption;
  extensions: readonly string[];
  bindingType: BindingType;
  communicator: Communicator;
}

/** Throws TypeError or RangeError. */
export function readBindingSetup(
  value: LLMBindingSetup | undefined,
  className: string,
): BindingSetup {
  const options = checkOptions(value, 'options', [
    ...bindingOptionNames,
    'bindingConfig',
    'supportedFileExtensions',
    'bindingType',
  ]);
  const folder = (name: 'bindingDir' | 'modelsDir' | 'configDir') => {
    const path = options[name];
    return path === undefined ? undefined : checkPath(path, name);
  };
  const { config = {}, communicator = {} } = options;
  const bindingConfig =
    options.bindingConfig ?? new TypedConfig(new ConfigTemplate([]), new BaseConfig());
  if (!(bindingConfig instanceof TypedConfig)) {
    throw wrongType('a TypedConfig', 'bindingConfig', bindingConfig);
  }
  return {
    name: readName(options.name ?? className),
    bindingDir: folder('bindingDir'),
    modelsDir: folder('modelsDir'),
    configDir: folder('configDir'),
    config: unfrozen(readSharedConfig(config)),
    bindingConfig: bindingConfig as unknown as TypedConfig,
    installation: readInstallOption(
      options.installation ?? InstallOption.INSTALL_IF_NECESSARY,
      'installation',
    ),
    extensions: readExtensions(options.supportedFileExtensions ?? ['.gguf']),
    bindingType: readBindingType(options.bindingType ?? BindingType.TEXT, 'bindingType'),
    communicator: readCommunicator(communicator),
  };
}

/** A name that is also the name of a file. */
function readName(value: unknown): string {
  const name = checkString(value, 'name');
  if (/^[^/\\:*?"<>|\0]+$/.test(name) && !/^\.+$/.test(name)) return name;
  throw wrongRange('a name without the characters / \\ : * ? " < > |', 'name', name);
}

/** Checks a shared configuration, and returns it: the same object, which may change later. */
export function readSharedConfig(value: SharedConfig): SharedConfig {
  const { modelName, nPredict } = checkOptions(value, 'config', ['modelName', 'nPredict']);
  if (modelName !== undefined) checkString(modelName, 'config.modelName');
  if (nPredict !== undefined) readMaxTokens(nPredict, 'config.nPredict');
  return value;
}

/** An object that can be changed: `buildModel` sets the name. */
const unfrozen = (config: SharedConfig): SharedConfig =>
  Object.isFrozen(config) ? { ...config } : config;

function readExtensions(value: unknown): readonly string[] {
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list))
    throw wrongType('an array of endings', 'supportedFileExtensions', value);
  return list.map((item, index) => {
    const ending = checkString(item, `supportedFileExtensions[${index}]`).toLowerCase();
    const plain = ending.replace(/^\*/, '');
    return plain === '' || plain.startsWith('.') ? plain : `.${plain}`;
  });
}
