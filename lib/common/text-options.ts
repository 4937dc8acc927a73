// The options of `tokenize` and `detokenize` and their validation, shared by Model and LLaMa.

import { checkBoolean, checkOptions, checkSignal, wrongRange } from './arguments.js';
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
  /**
   * The text continues another, so nothing is added in front of it: SentencePiece tokenizers put a
   * space in front of every other text. Excludes `addSpecial`. Default false.
   */
  continuation?: boolean | undefined;
}

/** Options of `detokenize`. */
export interface DetokenizeOptions extends CallOptions {
  /** Render control tokens as text. Default false: they are omitted. */
  special?: boolean | undefined;
  /**
   * The tokens continue others, so their text is exactly what they add to it: SentencePiece
   * tokenizers drop a space in front of every other text. Default false.
   */
  continuation?: boolean | undefined;
}

/** Checks the options of `tokenize`; throws TypeError. */
export function readTokenizeOptions(value: TokenizeOptions | undefined) {
  const names = ['addSpecial', 'parseSpecial', 'continuation', 'signal'] as const;
  const options = checkOptions(value, 'options', names);
  const addSpecial = checkBoolean(options.addSpecial ?? false, 'addSpecial');
  const continuation = checkBoolean(options.continuation ?? false, 'continuation');
  if (addSpecial && continuation) {
    throw wrongRange('false, with continuation,', 'addSpecial', addSpecial);
  }
  return {
    addSpecial,
    continuation,
    parseSpecial: checkBoolean(options.parseSpecial ?? false, 'parseSpecial'),
    signal: checkSignal(options.signal, 'signal'),
  };
}

/** Checks the options of `detokenize`; throws TypeError. */
export function readDetokenizeOptions(value: DetokenizeOptions | undefined) {
  const options = checkOptions(value, 'options', ['special', 'continuation', 'signal']);
  return {
    special: checkBoolean(options.special ?? false, 'special'),
    continuation: checkBoolean(options.continuation ?? false, 'continuation'),
    signal: checkSignal(options.signal, 'signal'),
  };
}
