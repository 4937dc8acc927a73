// The reading of what `tokenize` and `detokenize` take. Model and LLaMa share it.

import type { DetokenizeOptions, TokenizeOptions } from '../lm.js';
import { checkBoolean, checkOptions, checkSignal } from './arguments.js';

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
