// The options of `tokenize` and `detokenize` and their validation, shared by Model and LLaMa.

import { checkBoolean, checkOptions, checkSignal } from './arguments.js';
import type { CallOptions } from './call-options.js';

/** Options of `tokenize`. */
export interface TokenizeOptions extends CallOptions {
  /** Add the special tokens that the model expects around a text, such as BOS. Default false. */
  addSpecial?: boolean | undefined;
  /**
   * Parse control tokens that are spelled out in the text as those tokens. Unsafe for untrusted
   * text. Default false.
   */
  parseSpecial?: boolean | undefined;
}

/** Options of `detokenize`. */
export interface DetokenizeOptions extends CallOptions {
  /** Render control tokens as text. Default false: they are omitted. */
  special?: boolean | undefined;
}

/** Checks the options of `tokenize`; throws TypeError. */
export function readTokenizeOptions(value: TokenizeOptions | undefined) {
  const options = checkOptions(value, 'options', ['addSpecial', 'parseSpecial', 'signal']);
  return {
    addSpecial: checkBoolean(options.addSpecial ?? false, 'addSpecial'),
    parseSpecial: checkBoolean(options.parseSpecial ?? false, 'parseSpecial'),
    signal: checkSignal(options.signal, 'signal'),
  };
}

/** Checks the options of `detokenize`; throws TypeError. */
export function readDetokenizeOptions(value: DetokenizeOptions | undefined) {
  const options = checkOptions(value, 'options', ['special', 'signal']);
  return {
    special: checkBoolean(options.special ?? false, 'special'),
    signal: checkSignal(options.signal, 'signal'),
  };
}
