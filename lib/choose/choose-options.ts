// The options of `choose`: their documentation, defaults and validation. `lib/choose/choose.ts`
// and every caller of `choose` use it.

import {
  checkBoolean,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkString,
  checkTokens,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { CallOptions } from '../common/call-options.js';

/** Every {@link Normalization}. */
export const normalizations = ['none', 'tokens', 'bytes', 'chars'] as const;
const boundaries = ['separate', 'joint', 'healed'] as const;
const batchings = ['tree', 'sequential'] as const;
const searches = ['auto', 'exhaustive', 'bound'] as const;

/** What a choice's log-probability is divided by to obtain its score. */
export type Normalization = (typeof normalizations)[number];

/** How prompt and choice are split into tokens. */
export type BoundaryKind = (typeof boundaries)[number];

/** How much of the token tree is scored. */
export type SearchKind = (typeof searches)[number];

/** Options of `choose`. */
export interface ChooseOptions extends CallOptions {
  /**
   * Length normalization of the score. `'none'` (default): the log-probability itself.
   * `'tokens'`: divided by the number of scored tokens, including those of the terminator.
   * `'bytes'`, `'chars'`: divided by the UTF-8 bytes or code points of the choice alone.
   */
  normalize?: Normalization | undefined;
  /**
   * A text that replaces the prompt as baseline: the score is then the log-probability after
   * the prompt minus that after the prior, each normalized by its own length. `''` is the
   * unconditional baseline: the choice after the beginning token. Default: none. Prior scores
   * are cached, for up to 100,000 choices; `usage` includes those computed in the call.
   */
  prior?: string | undefined;
  /**
   * `'separate'` (default): each choice is tokenized alone, as a text that continues another.
   *
   * `'joint'`: prompt and choice are tokenized as one text, and the choice's tokens are those
   * after the prompt's. Trailing white space of the prompt moves to the choice. If any choice
   * changes the last tokens of the prompt, the prompt of all choices ends before the first token
   * that changes, and the rest is scored as part of each choice. Requires text for both.
   *
   * `'healed'` (token healing): the last token is trimmed from the prompt, or as many as make
   * up whole characters, and each choice is tokenized together with the trimmed text. A choice's
   * log-probability includes that of the trimmed text. It is the same for all choices, so it
   * affects ranks and probabilities only with normalization.
   *
   * An encoder-decoder supports `'separate'` only, and tokenizes each choice as a text of its own.
   */
  boundary?: BoundaryKind | undefined;
  /**
   * With boundary `'separate'`, also detect which choices would be tokenized differently together
   * with the prompt. Default false, since it tokenizes the prompt once more per choice; the other
   * boundaries always report it. Requires text for both.
   */
  merges?: boolean | undefined;
  /**
   * What must follow a choice. `'none'` (default): anything. `'eog'`: any of the model's
   * end-of-generation tokens. Any other string: that text, tokenized alone, as a continuation.
   */
  terminator?: string | undefined;
  /**
   * `'exhaustive'` scores every token. `'bound'` is branch and bound: it expands the most
   * promising tokens first and stops once `top` and `tolerance` are met. Without either of these
   * nothing can be skipped, and it is exhaustive. `'auto'` (default): `'bound'`, unless the whole
   * tree fits in one batch of the engine.
   */
  search?: SearchKind | undefined;
  /** How many of the best choices must be exact and in order: an integer ≥ 1. Default: all. */
  top?: number | undefined;
  /**
   * The maximum width of a probability interval: of each of the `top` choices or, without `top`,
   * of every choice, none of which has to be exact then. At least 0 and below 1. Default 0:
   * with `top`, intervals may have any width; without it, everything is exact.
   */
  tolerance?: number | undefined;
  /** Also report each token's rank and the most likely token at its position. Default false. */
  details?: boolean | undefined;
  /**
   * `'tree'` (default) evaluates a token once for all choices that share it; `'sequential'`
   * evaluates one choice at a time, for comparison.
   */
  batching?: 'tree' | 'sequential' | undefined;
}

/** The options after {@link readChooseOptions}: validated, with defaults applied. */
export interface ChooseRequest {
  normalize: Normalization;
  prior: string | undefined;
  boundary: BoundaryKind;
  merges: boolean;
  terminator: { kind: 'none' | 'eog' } | { kind: 'text'; text: string };
  search: SearchKind;
  /** Infinity: all. */
  top: number;
  tolerance: number;
  details: boolean;
  sequential: boolean;
  signal: AbortSignal | undefined;
}

/** All option names except `signal`, which applies to a call as a whole. */
export const choiceOptionNames = [
  'normalize',
  'prior',
  'boundary',
  'merges',
  'terminator',
  'search',
  'top',
  'tolerance',
  'details',
  'batching',
] as const;

/** What a terminator stands for; throws TypeError or RangeError unless it is a non-empty string. */
export function readTerminator(value: unknown, name: string): ChooseRequest['terminator'] {
  const text = checkString(value, name);
  if (text === 'none' || text === 'eog') return { kind: text };
  if (text === '') throw wrongRange("'none', 'eog' or a non-empty text", name, text);
  return { kind: 'text', text };
}

function readTolerance(value: unknown): number {
  const tolerance = checkNumber(value, 'tolerance', 0);
  if (tolerance >= 1) throw wrongRange('a number below 1', 'tolerance', tolerance);
  return tolerance;
}

/** Validates the options of one `choose`; throws TypeError or RangeError. */
export function readChooseOptions(value: ChooseOptions | undefined): ChooseRequest {
  const options = checkOptions(value, 'options', [...choiceOptionNames, 'signal']);
  const { prior, top } = options;
  const batching = checkOneOf(options.batching ?? 'tree', 'batching', batchings);
  const search = checkOneOf(options.search ?? 'auto', 'search', searches);
  if (search === 'bound' && batching === 'sequential') {
    throw wrongType("'auto' or 'exhaustive', with batching 'sequential',", 'search', search);
  }
  return {
    normalize: checkOneOf(options.normalize ?? 'none', 'normalize', normalizations),
    prior: prior === undefined ? undefined : checkString(prior, 'prior'),
    boundary: checkOneOf(options.boundary ?? 'separate', 'boundary', boundaries),
    merges: checkBoolean(options.merges ?? false, 'merges'),
    terminator: readTerminator(options.terminator ?? 'none', 'terminator'),
    search,
    top: top === undefined ? Infinity : checkInteger(top, 'top', 1),
    tolerance: readTolerance(options.tolerance ?? 0),
    details: checkBoolean(options.details ?? false, 'details'),
    sequential: batching === 'sequential',
    signal: checkSignal(options.signal, 'signal'),
  };
}

/** A choice as passed by the caller. */
export type ChoiceInput = string | Int32Array;

/** The option that requires text for prompt and choices, if any. */
function textOption({ boundary, merges }: Pick<ChooseRequest, 'boundary' | 'merges'>) {
  if (boundary === 'joint') return "boundary 'joint'";
  return boundary === 'separate' && merges ? 'merges' : undefined;
}

/** Validates the choices: non-empty, all texts or all ids; none empty without a terminator. */
export function checkChoices(
  value: readonly ChoiceInput[],
  { boundary, merges, terminator }: ChooseRequest,
  vocabularySize: number | undefined,
): readonly ChoiceInput[] {
  if (!Array.isArray(value)) throw wrongType('an array', 'choices', value);
  if (value.length === 0) throw wrongRange('at least one choice', 'choices', value);
  const texts = typeof value[0] === 'string';
  const option = textOption({ boundary, merges });
  if (option !== undefined && !texts) {
    throw wrongType(`strings, with ${option},`, 'choices', value[0]);
  }
  return Array.from(value, (item: unknown, index): ChoiceInput => {
    const name = `choices[${index}]`;
    if (texts && typeof item !== 'string') {
      throw wrongType('a string, like the first choice,', name, item);
    }
    const choice = texts ? (item as string) : checkTokens(item, name, vocabularySize);
    if (choice.length === 0 && terminator.kind === 'none') throw emptyChoice(name, item);
    return choice;
  });
}

/** The error for a choice without tokens and terminator, which has no probability. */
export const emptyChoice = (name: string, value: unknown): RangeError =>
  wrongRange('at least one token, or a terminator,', name, value);
