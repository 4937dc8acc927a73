// The options of `choose`, what each means, and their reading. `lib/choose/choose.ts` uses it.

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

const normalizations = ['none', 'tokens', 'bytes', 'chars'] as const;
const boundaries = ['separate', 'joint', 'healed'] as const;
const batchings = ['tree', 'sequential'] as const;
const searches = ['auto', 'exhaustive', 'bound'] as const;

/** What a choice's log-probability is divided by to make its score. */
export type Normalization = (typeof normalizations)[number];

/** How prompt and choice become tokens. */
export type BoundaryKind = (typeof boundaries)[number];

/** How much of a tree is scored. */
export type SearchKind = (typeof searches)[number];

/** Options of `choose`. */
export interface ChooseOptions extends CallOptions {
  /**
   * The score: `'none'` (default) the log-probability itself; `'tokens'` divided by the number
   * of tokens whose probability is in it, those of the terminator included; `'bytes'`,
   * `'chars'` by the UTF-8 bytes or code points of the choice alone.
   */
  normalize?: Normalization | undefined;
  /**
   * A text that stands in for the prompt: the score is then the log-probability after the
   * prompt less that after the prior, each normalised by its own length. `''` is what the
   * choice has on its own, after the beginning token. Default: none. The prior's values are
   * kept, for 100,000 choices; those of one call cost what `usage` says.
   */
  prior?: string | undefined;
  /**
   * `'separate'` (default): a choice's tokens are those of its text alone. `'joint'`: those that
   * prompt and choice have together, after the prompt's own. White space at the end of the
   * prompt then belongs to the choice. Where some choice changes the prompt's own last tokens,
   * the prompt of all choices ends before the first such token, and what is behind it counts
   * to each choice. Joint needs text for both.
   *
   * `'healed'`: the prompt gives back its last token, or as many as whole characters take, and
   * a choice's tokens are those of the given-back text and the choice together. A choice's
   * log-probability is then that of both: the probability of the given-back text is in it, alike
   * for all choices, so that it matters to no rank and no probability unless they are normalised.
   */
  boundary?: BoundaryKind | undefined;
  /**
   * Find out with boundary `'separate'`, too, which choices have other tokens together with the
   * prompt. Default false, as it tokenises the prompt once more per choice; the other kinds of
   * boundary know it anyway. Needs text for both.
   */
  merges?: boolean | undefined;
  /**
   * What must follow a choice. `'none'` (default): anything. `'eog'`: any of the model's
   * end-of-generation tokens. Another string: that text, tokenised alone.
   */
  terminator?: string | undefined;
  /**
   * `'exhaustive'` scores every token. `'bound'` looks at the most promising ones first and
   * stops when `top` and `tolerance` are met, so that what cannot matter costs nothing; without
   * either of these there is nothing to save, and it is exhaustive. `'auto'` (default):
   * `'bound'`, unless one batch of the engine holds the whole tree.
   */
  search?: SearchKind | undefined;
  /** How many of the best choices must be exact and in order: an integer of at least 1. Default: all. */
  top?: number | undefined;
  /**
   * How wide an interval of a probability may be left: that of each of the `top` choices or,
   * without `top`, of every choice, none of which need be exact then. At least 0 and below 1.
   * Default 0: with `top` no interval matters, without it everything is exact.
   */
  tolerance?: number | undefined;
  /** Also tell each token's rank and what would have been likelier. Default false. */
  details?: boolean | undefined;
  /**
   * `'tree'` (default) evaluates a token once for all choices that share it; `'sequential'` one
   * choice at a time, for comparison.
   */
  batching?: 'tree' | 'sequential' | undefined;
}

/** What {@link readChooseOptions} makes of the options: every field present and checked. */
export interface ChooseRequest {
  normalize: Normalization;
  prior: string | undefined;
  boundary: BoundaryKind;
  merges: boolean;
  terminator: { kind: 'none' | 'eog' } | { kind: 'text'; text: string };
  search: SearchKind;
  /** Infinity for all. */
  top: number;
  tolerance: number;
  details: boolean;
  sequential: boolean;
  signal: AbortSignal | undefined;
}

/** The names of all options but `signal`, which belongs to a call as a whole. */
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

function readTerminator(value: unknown): ChooseRequest['terminator'] {
  const text = checkString(value, 'terminator');
  if (text === 'none' || text === 'eog') return { kind: text };
  if (text === '') throw wrongRange("'none', 'eog' or a text", 'terminator', text);
  return { kind: 'text', text };
}

function readTolerance(value: unknown): number {
  const tolerance = checkNumber(value, 'tolerance', 0);
  if (tolerance >= 1) throw wrongRange('a number below 1', 'tolerance', tolerance);
  return tolerance;
}

/** Checks the options of one `choose`; throws TypeError or RangeError. */
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
    terminator: readTerminator(options.terminator ?? 'none'),
    search,
    top: top === undefined ? Infinity : checkInteger(top, 'top', 1),
    tolerance: readTolerance(options.tolerance ?? 0),
    details: checkBoolean(options.details ?? false, 'details'),
    sequential: batching === 'sequential',
    signal: checkSignal(options.signal, 'signal'),
  };
}

/** A choice as its caller gave it. */
export type ChoiceInput = string | Int32Array;

/** The option that wants text of prompt and choices, if there is one. */
function needsText({ boundary, merges }: Pick<ChooseRequest, 'boundary' | 'merges'>) {
  if (boundary === 'joint') return "boundary 'joint'";
  return boundary === 'separate' && merges ? 'merges' : undefined;
}

/** Checks the choices: at least one, all texts or all token ids, none empty unless allowed. */
export function checkChoices(
  value: readonly ChoiceInput[],
  { boundary, merges, terminator }: ChooseRequest,
  vocabularySize: number | undefined,
): readonly ChoiceInput[] {
  if (!Array.isArray(value)) throw wrongType('an array', 'choices', value);
  if (value.length === 0) throw wrongRange('at least one choice', 'choices', value);
  const texts = typeof value[0] === 'string';
  const needsTexts = needsText({ boundary, merges });
  if (needsTexts !== undefined && !texts) {
    throw wrongType(`strings, with ${needsTexts},`, 'choices', value[0]);
  }
  for (const [index, choice] of value.entries()) {
    const name = `choices[${index}]`;
    if (texts && typeof choice !== 'string') {
      throw wrongType('a string, as the first choice is one,', name, choice);
    }
    if (!texts) checkTokens(choice, name, vocabularySize);
    if (choice.length === 0 && terminator.kind === 'none') throw emptyChoice(name, choice);
  }
  return value.map((choice: ChoiceInput) => (texts ? choice : choice.slice()));
}

/** A choice without tokens has no probability of its own. */
export const emptyChoice = (name: string, value: unknown): RangeError =>
  wrongRange('at least one token, or a terminator,', name, value);
