// Where an action's tokens meet those before it, by the same rules as in `choose`.

import type { ChoiceTokenizer } from '../choose/boundary.js';
import { healed, trimPrompt } from '../choose/healing.js';
import { NotSupportedError } from '../common/errors.js';
import { concatenate } from '../common/token-arrays.js';
import type { Plan, PlannedCompletion, PlannedPaths } from './plan.js';
import type { SearchEngine } from './search-types.js';
import type { Scored, Thought } from './thought.js';

type State = Omit<Thought, 'action' | 'node'>;

/** The tokens of an action's texts after a thought. */
export interface JoinedPaths {
  /** The thought without the tokens that the paths replace. */
  state: State;
  paths: readonly Int32Array[];
  /** How many tokens they replace. */
  replaced: number;
}

/** Tokenizes an action's texts after a thought, by the boundary of the plan. */
export async function joinPaths(
  { tokenizer }: { tokenizer: ChoiceTokenizer },
  { boundary }: Plan,
  action: PlannedPaths,
  state: State,
): Promise<JoinedPaths> {
  const { texts, paths, terminator, ends, scored } = action;
  // A text of nothing changes nothing; a choice of nothing may be scored with what follows it.
  const isNothing = texts[0] === '' && !ends && terminator === '';
  const isPlain = boundary === 'separate' || state.context.length < 2 || isNothing;
  if (isPlain) return { state, paths, replaced: 0 };
  const joined = await healed(tokenizer, state.context, texts).catch(notHealable);
  if (joined === undefined) return { state, paths, replaced: 0 };
  const replaced = state.context.length - joined.prompt.length;
  // After a control token a text may begin, which the plan knows.
  if (replaced === 0) return { state, paths, replaced };
  const [end] = terminator === '' ? [new Int32Array(0)] : await tokenizer.texts([terminator]);
  return {
    state: withoutLast(state, replaced, scored),
    paths: joined.paths.map((path) => concatenate(path, end as Int32Array)),
    replaced,
  };
}

/**
 * The tokens that a completion replaces, by the boundary of the plan, and their text, with which it
 * has to begin again. A set of allowed tokens leaves no choice of how the text before it is
 * tokenized.
 */
export async function trimForCompletion(
  engine: Pick<SearchEngine, 'tokenizer' | 'beginnings'>,
  { boundary }: Plan,
  { allowed }: PlannedCompletion,
  state: State,
  signal: AbortSignal,
): Promise<{ state: State; prefix: string; replaced: number }> {
  const whole = { state, prefix: '', replaced: 0 };
  if (boundary === 'separate' || allowed !== undefined || state.context.length < 2) return whole;
  const trimmed = await trimPrompt(engine.tokenizer, state.context).catch(notHealable);
  if (trimmed === undefined) return whole;
  const replaced = trimmed.trimmed.length;
  // Its characters may have no tokens of their own.
  if ((await engine.beginnings(trimmed.text, replaced, signal)) === undefined) return whole;
  return { state: withoutLast(state, replaced, true), prefix: trimmed.text, replaced };
}

/** Where no whole character can be replaced, or texts are not preserved, tokens stay separate. */
function notHealable(error: unknown): undefined {
  if (error instanceof RangeError || error instanceof NotSupportedError) return undefined;
  throw error;
}

/**
 * A thought without its last tokens. Their scores are dropped if what replaces them is scored;
 * otherwise they stay: the belief in that text was measured with its own tokens.
 */
function withoutLast({ context, values, scored }: State, count: number, drops: boolean): State {
  const length = context.length - count;
  const kept: Scored = { ...scored };
  for (const value of drops ? values.subarray(length) : []) {
    if (Number.isNaN(value)) continue;
    kept.tokens--;
    // An impossible token leaves the thought impossible: −Infinity minus −Infinity is no number.
    if (value > -Infinity) kept.logprob -= value;
  }
  if (kept.tokens === 0) kept.logprob = 0;
  return { context: context.slice(0, length), values: values.slice(0, length), scored: kept };
}

/** A text that is not scored, after a thought. */
export async function placeText(
  engine: { tokenizer: ChoiceTokenizer },
  plan: Plan,
  action: PlannedPaths,
  before: State,
): Promise<{ state: State; text: string; tokens: Int32Array; replaced: number }> {
  const { state, paths, replaced } = await joinPaths(engine, plan, action, before);
  const tokens = paths[0] as Int32Array;
  const values = new Float64Array(state.values.length + tokens.length).fill(NaN);
  values.set(state.values);
  const context = concatenate(state.context, tokens);
  const text = action.texts[0] as string;
  return { state: { context, values, scored: state.scored }, text, tokens, replaced };
}
