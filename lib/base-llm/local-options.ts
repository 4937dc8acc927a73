// The options of a LocalLLM: those of a BaseLLM, and how its messages are rendered.

import type { Format } from '../chat-template/format.js';
import { type FormatName, findFormat } from '../chat-template/formats.js';
import { checkBoolean, checkString, wrongType } from '../common/arguments.js';
import type { BaseLLMOptions } from './options.js';
import type { PromptStyle } from './prompts.js';

/** Options of a LocalLLM. */
export interface LocalLLMOptions extends BaseLLMOptions {
  /**
   * The format of messages, or the name of a known one; `'blank'`: the model continues the task's
   * text. Default: the model's chat template, the server's, or else `'blank'`.
   */
  format?: FormatName | Partial<Format> | (string & {}) | undefined;
  /** A chat template in Jinja. Excludes `format`. */
  template?: string | undefined;
  /** For templates without system messages: merge them into the next user message. Default false. */
  mergeSystem?: boolean | undefined;
}

/** Separates the options of BaseLLM from the style of prompts; throws TypeError. */
export function splitOptions(options: LocalLLMOptions | undefined): {
  base: BaseLLMOptions;
  style: Pick<LocalLLMOptions, 'format' | 'template' | 'mergeSystem'>;
} {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  if (options !== undefined && !isObject) throw wrongType('an object', 'options', options);
  const { format, template, mergeSystem, ...base } = options ?? {};
  return { base, style: { format, template, mergeSystem } };
}

/** Checks the style of prompts; throws TypeError. */
export function readStyle({ format, template, mergeSystem }: LocalLLMOptions): PromptStyle {
  if (format !== undefined && template !== undefined) {
    throw wrongType('undefined (format is set)', 'template', template);
  }
  return {
    format: format === undefined ? undefined : findFormat(format, 'format'),
    template: template === undefined ? undefined : checkString(template, 'template'),
    mergeSystem: checkBoolean(mergeSystem ?? false, 'mergeSystem'),
  };
}
