// BindingBuilder: makes a binding by the name of one of this package's, or by that of a module.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkString, wrongRange } from '../common/arguments.js';
import { LMError } from '../common/errors.js';
import type { LLMBindingOptions } from './binding-options.js';
import { LlamaBinding } from './llama-binding.js';
import { LLMBinding } from './llm-binding.js';
import { OpenAIBinding } from './openai-binding.js';
import { TransformersBinding } from './transformers-binding.js';

type BindingClass = new (options?: LLMBindingOptions) => LLMBinding;

const known: ReadonlyMap<string, BindingClass> = new Map<string, BindingClass>([
  ['llama', LlamaBinding],
  ['openai', OpenAIBinding],
  ['transformers', TransformersBinding],
]);

/**
 * Makes bindings by name.
 *
 * @example
 * const binding = await new BindingBuilder().build('llama', { modelsDir: 'models' });
 */
export class BindingBuilder {
  /** The names of this package's bindings. */
  get names(): readonly string[] {
    return [...known.keys()];
  }

  /**
   * Makes a binding, and reads its configuration file if there is a `configDir`.
   *
   * @param nameOrPath `'llama'`, `'openai'` or `'transformers'`; or the path of a module or of a
   * package's folder, or the name of an installed package, whose default export is a subclass of
   * LLMBinding, or whose export of the name `bindingName` is, or which exports a single one. Its
   * code is run: it must be trusted.
   * @param options for the binding's constructor
   * @throws LMError `BINDING_LOAD` if the module cannot be imported or exports no binding;
   * RangeError for an empty name; what the constructor throws; LMError `CONFIG_INVALID`
   */
  async build(nameOrPath: string, options?: LLMBindingOptions): Promise<LLMBinding> {
    if (checkString(nameOrPath, 'nameOrPath') === '') {
      throw wrongRange('the name or path of a binding', 'nameOrPath', nameOrPath);
    }
    const Binding = known.get(nameOrPath) ?? (await importBinding(nameOrPath));
    const binding = new Binding(options);
    if (binding.configPath !== undefined) await binding.loadBindingConfig();
    return binding;
  }
}

async function importBinding(nameOrPath: string): Promise<BindingClass> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(locate(nameOrPath))) as Record<string, unknown>;
  } catch (cause) {
    const { message } = cause as Error;
    const names = [...known.keys()].map((name) => `'${name}'`).join(', ');
    throw new LMError(
      `Cannot import the binding ${nameOrPath}, which is none of ${names}: ${message}`,
      { code: 'BINDING_LOAD', cause },
    );
  }
  const found = bindingIn(exported);
  if (found !== undefined) return found;
  throw new LMError(
    `The module ${nameOrPath} exports no binding: expected a subclass of LLMBinding as its ` +
      'default export, under the name that its export bindingName has, or as the only one',
    { code: 'BINDING_LOAD' },
  );
}

/** The URL of a module. */
function locate(nameOrPath: string): string {
  const path = resolve(nameOrPath);
  const load = createRequire(resolve('package.json'));
  if (!existsSync(path)) return pathToFileURL(load.resolve(nameOrPath)).href;
  // A folder is resolved as a package.
  return pathToFileURL(extname(path) === '' ? load.resolve(path) : path).href;
}

const isBinding = (value: unknown): value is BindingClass =>
  typeof value === 'function' && value.prototype instanceof LLMBinding;

function bindingIn(exported: Record<string, unknown>): BindingClass | undefined {
  // A CommonJS module that is imported has its exports in `default`, too.
  const inner = exported.default;
  const all: Record<string, unknown> = {
    ...(typeof inner === 'object' && inner !== null ? inner : {}),
    ...exported,
  };
  const named = typeof all.bindingName === 'string' ? all[all.bindingName] : undefined;
  const only = [...new Set(Object.values(all).filter(isBinding))];
  for (const candidate of [named, inner, only.length === 1 ? only[0] : undefined]) {
    if (isBinding(candidate)) return candidate;
  }
  return undefined;
}
