// The options of `choose`, what each means, and their reading. ChoiceLM uses it.

import {
  checkOneOf,
  checkOptions,
  checkSignal,
  checkString,
  checkTokens,
  wrongRange,
  wrongType,
} from './arguments.js';
import type { CallOptions } from './call-options.js';
import { NotSupportedError } from './errors.js';

const normalizations = ['none', 'tokens', 'bytes', 'chars'] as const;
const boundaries = ['separate', 'joint'] as const;
const batchings = ['tree', 'sequential'] as const;

/** What a choice's log-probability is divided by to make its score. */
export type Normalization = (typeof normalizations)[number];

/** How prompt and choice become tokens. */
export type BoundaryKind = (typeof boundaries)[number];

/** Options of `choose`. */
export interface ChooseOptions extends CallOptions {
  /**
   * The score: `'none'` (default) the log-probability itself; `'tokens'` divided by the number
   * of tokens whose probability is in it, those of the terminator included; `'bytes'`,
   * `'chars'` by the UTF-8 bytes or code points of the choice alone.
   */
  normalize?: Normalization | undefined;
  /**
   * `'separate'` (default): a choice's tokens are those of its text alone. `'joint'`: those that
   * prompt and choice have together, after the prompt's own. White space at the end of the
   * prompt then belongs to the choice. Where some choice changes the prompt's own last tokens,
   * the prompt of all choices ends before the first such token, and what is behind it counts
   * to each choice. Joint needs text for both.
   */
  boundary?: BoundaryKind | undefined;
  /**
   * What must follow a choice. `'none'` (default): anything. `'eog'`: any of the model's
   * end-of-generation tokens. Another string: that text, tokenised alone.
   */
  terminator?: string | undefined;
  /**
   * `'tree'` (default) evaluates a token once for all choices that share it; `'sequential'` one
   * choice at a time, for comparison.
   */
  batching?: 'tree' | 'sequential' | undefined;
}

/** What {@link readChooseOptions} makes of the options: every field present and checked. */
export interface ChooseRequest {
  normalize: Normalization;
  boundary: BoundaryKind;
  terminator: { kind: 'none' | 'eog' } | { kind: 'text'; text: string };
  sequential: boolean;
  signal: AbortSignal | undefined;
}

const known = ['normalize', 'boundary', 'terminator', 'batching', 'signal'] as const;
const notYet = ['prior', 'search', 'top', 'tolerance'];

function refuseNotYet(options: object): void {
  for (const key of notYet) {
    if ((options as Record<string, unknown>)[key] !== undefined) {
      throw new NotSupportedError(`This release does not know the option ${key} of choose yet`);
    }
  }
  if ((options as { boundary?: unknown }).boundary === 'healed') {
    throw new NotSupportedError("This release does not know the boundary 'healed' yet");
  }
}

function readTerminator(value: unknown): ChooseRequest['terminator'] {
  const text = checkString(value, 'terminator');
  if (text === 'none' || text === 'eog') return { kind: text };
  if (text === '') throw wrongRange("'none', 'eog' or a text", 'terminator', text);
  return { kind: 'text', text };
}

/** Checks the options of one `choose`; throws TypeError, RangeError or NotSupportedError. */
export function readChooseOptions(value: ChooseOptions | undefined): ChooseRequest {
  if (typeof value === 'object' && value !== null) refuseNotYet(value);
  const options = checkOptions(value, 'options', known);
  return {
    normalize: checkOneOf(options.normalize ?? 'none', 'normalize', normalizations),
    boundary: checkOneOf(options.boundary ?? 'separate', 'boundary', boundaries),
    terminator: readTerminator(options.terminator ?? 'none'),
    sequential: checkOneOf(options.batching ?? 'tree', 'batching', batchings) === 'sequential',
    signal: checkSignal(options.signal, 'signal'),
  };
}

/** A choice as its caller gave it. */
export type ChoiceInput = string | Int32Array;

/** Checks the choices: at least one, all texts or all token ids, none empty unless allowed. */
export function checkChoices(
  value: readonly ChoiceInput[],
  { boundary, terminator }: ChooseRequest,
  vocabularySize: number | undefined,
): readonly ChoiceInput[] {
  if (!Array.isArray(value)) throw wrongType('an array', 'choices', value);
  if (value.length === 0) throw wrongRange('at least one choice', 'choices', value);
  const texts = typeof value[0] === 'string';
  if (boundary === 'joint' && !texts) {
    throw wrongType("strings, with boundary 'joint',", 'choices', value[0]);
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
