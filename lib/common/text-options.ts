// The reading of what `tokenize` and `detokenize` take. Model and LLaMa share it.

import { checkBoolean, checkOptions, checkSignal } from './arguments.js';
import type { CallOptions } from './call-options.js';

/** Options of `tokenize`. */
export interface TokenizeOptions extends CallOptions {
  /** Add what the model wants around a text, such as its beginning token. Default false. */
  addSpecial?: boolean | undefined;
  /** Read the text of control tokens as those tokens. Unsafe on a user's text. Default false. */
  parseSpecial?: boolean | undefined;
}

/** Options of `detokenize`. */
export interface DetokenizeOptions extends CallOptions {
  /** Write control tokens as text. Default false: they vanish. */
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
