// An automaton prepared for an LM: everything that can be tokenized and checked before anything is
// decoded. The search in TypeScript and the native one both follow a plan, so that a step means the
// same in both.

import type { Action, AutomatonBoundary, Metric } from '../automaton/actions.js';
import type { Automaton } from '../automaton/automaton.js';
import { cyclesOf, successorsOf } from '../automaton/graph.js';
import { nameOf } from '../automaton/names.js';
import {
  type ResolvedAction,
  type ResolvedChoose,
  type ResolvedComplete,
  type ResolvedText,
  resolveAction,
} from '../automaton/resolve-action.js';
import type { TokenSet } from '../automaton/token-sets.js';
import type { TokenSource } from '../automaton/token-source.js';
import type { ChoiceTokenizer } from '../choose/boundary.js';
import type { Normalization } from '../choose/choose-options.js';
import { about, wrongRange } from '../common/arguments.js';
import { ContextOverflowError, NotSupportedError } from '../common/errors.js';
import { type Room, roomAfter } from '../common/room.js';
import { concatenate } from '../common/token-arrays.js';
import { type CompletionTokens, resolveTokens } from './completion-tokens.js';
import { checkEnd, type EvaluateRequest } from './evaluate-options.js';

/** A text or choice: paths of tokens to be scored, or a single one that is given. */
export interface PlannedPaths {
  kind: 'paths';
  id: string;
  /** A fixed text has one, a choice as many as choices. */
  texts: readonly string[];
  /** Per text its tokens, with those of a text terminator. Alone, as they follow another text. */
  paths: readonly Int32Array[];
  /** The text that terminates each choice; ''. */
  terminator: string;
  /** Whether the end of generation is scored after each path. */
  ends: boolean;
  normalize: Normalization;
  /** Whether the tokens are scored; otherwise the text counts as certain. */
  scored: boolean;
  width: number;
  threshold: number;
  /** The actions that follow; per path if `forks` is false and there are several. */
  next: readonly number[];
  forks: boolean;
}

/** A completion. */
export interface PlannedCompletion {
  kind: 'completion';
  id: string;
  maxTokens: number;
  beams: number;
  ahead: number;
  width: number;
  threshold: number;
  normalize: Normalization;
  stops: readonly string[];
  /** Tokens that end the text. */
  stopTokens: TokenSet | undefined;
  /** The tokens that may be generated, with stop tokens and the ends of generation; undefined: all. */
  allowed: TokenSet | undefined;
  repetition: number;
  diversity: number;
  next: readonly number[];
  forks: true;
}

export type PlannedAction = PlannedPaths | PlannedCompletion;

/** The plan of an evaluation. */
export interface Plan {
  metric: Metric;
  boundary: AutomatonBoundary;
  actions: readonly PlannedAction[];
  /** The action of the root; −1 if the automaton does not begin with a fixed text. */
  root: number;
  rootText: string;
  /** What precedes everything that is scored: special tokens of a prompt and the root's text. */
  prompt: Int32Array;
  /** The actions that follow the root. */
  entries: readonly number[];
}

/** What planning requires of an LM. */
export interface PlanningEngine extends Room {
  readonly endOfGeneration: Int32Array;
  readonly beginToken: number | undefined;
  readonly tokenizer: ChoiceTokenizer;
  readonly tokenSource: TokenSource;
}

/**
 * Tokenizes and checks everything that can be checked without decoding.
 *
 * @throws RangeError for a cycle without a limit or without a scored action, for an empty
 * vocabulary and for a stop that it cannot produce; ContextOverflowError for a text or choice that
 * cannot fit; NotSupportedError for what the LM lacks. All name the action.
 */
export async function planAutomaton(
  engine: PlanningEngine,
  automaton: Automaton,
  request: EvaluateRequest,
): Promise<Plan> {
  const { signal } = request;
  const metric = request.metric ?? automaton.metric;
  const boundary = request.boundary ?? automaton.boundary;
  checkEnd(request, metric, boundary);
  const resolved = automaton.actions.map((action) => resolveAction(action, metric));
  const nexts = successorsOf(automaton.actions);
  checkCycles(automaton, resolved, nexts, request);

  const actions: PlannedAction[] = [];
  for (const index of resolved.keys()) {
    actions.push(await planAction(engine, automaton, index, resolved, nexts, false, signal));
  }
  const entry = resolved[0] as ResolvedAction;
  const hasRoot = entry.type === 'text' && !entry.evaluate;
  const rootText = hasRoot ? entry.text : '';
  let entries = hasRoot ? (nexts[0] as number[]) : [0];
  if (rootText === '' || engine.tokenizer.decoderTexts !== undefined) {
    // What follows an empty text, or the start token of a decoder, continues nothing: it is tokenized
    // as the beginning of a text.
    const own: number[] = [];
    for (const index of entries) {
      own.push(actions.length);
      actions.push(await planAction(engine, automaton, index, resolved, nexts, true, signal));
    }
    entries = own;
  }
  const prompt = await promptOf(engine, automaton, rootText);
  const root = hasRoot ? 0 : -1;
  const plan = { metric, boundary, actions, root, rootText, prompt, entries };
  checkContext(engine, plan);
  return plan;
}

async function promptOf(
  { tokenizer, beginToken }: PlanningEngine,
  automaton: Automaton,
  text: string,
): Promise<Int32Array> {
  const [tokens] = await tokenizer.prompts([text]);
  if (tokens?.length) return tokens;
  if (beginToken !== undefined) return Int32Array.of(beginToken);
  const name = nameOf(0, automaton.entry.id);
  throw wrongRange('at least one token, as the LM has no beginning token,', name, text);
}

async function planAction(
  engine: PlanningEngine,
  automaton: Automaton,
  index: number,
  resolved: readonly ResolvedAction[],
  nexts: readonly (readonly number[])[],
  begins: boolean,
  signal: AbortSignal | undefined,
): Promise<PlannedAction> {
  const action = resolved[index] as ResolvedAction;
  const next = nexts[index] as number[];
  const name = nameOf(index, action.id);
  if (action.type === 'complete') {
    const { tokenSource } = engine;
    const tokens = await resolveTokens(tokenSource, automaton, action, name, signal);
    return planCompletion(action, tokens, next);
  }
  const texts = action.type === 'text' ? [action.text] : action.choices;
  const paths = begins ? await beginnings(engine, texts) : await engine.tokenizer.texts(texts);
  if (action.type === 'text') return planText(action, paths, next);
  return planChoice(engine, action, paths, next, name);
}

function planText(
  { id, text, evaluate }: ResolvedText,
  paths: readonly Int32Array[],
  next: readonly number[],
): PlannedPaths {
  return {
    ...{ kind: 'paths', id, texts: [text], paths, terminator: '', ends: false },
    ...{ normalize: 'tokens', scored: evaluate, width: 1, threshold: 0, next, forks: true },
  };
}

async function planChoice(
  engine: PlanningEngine,
  { id, choices, terminator, width, threshold, normalize }: ResolvedChoose,
  paths: readonly Int32Array[],
  next: readonly number[],
  name: string,
): Promise<PlannedPaths> {
  const ends = terminator.kind === 'eog';
  if (ends && engine.endOfGeneration.length === 0) {
    const message = `${name}: terminator 'eog' requires an end-of-generation token`;
    throw about(`${name}.terminator`, new NotSupportedError(message));
  }
  const suffix = terminator.kind === 'text' ? terminator.text : '';
  const [end] = suffix === '' ? [new Int32Array(0)] : await engine.tokenizer.texts([suffix]);
  const whole = paths.map((path) => concatenate(path, end as Int32Array));
  for (const [index, path] of whole.entries()) {
    const text = choices[index] as string;
    const choice = `${name}.choices[${index}]`;
    if (path.length === 0 && !ends) {
      throw wrongRange('at least one token, or a terminator,', choice, text);
    }
    if (text === '' && (normalize === 'bytes' || normalize === 'chars')) {
      throw wrongRange(`a non-empty text, to normalize by ${normalize},`, choice, text);
    }
  }
  const forks = next.length !== choices.length || next.length === 1;
  return {
    ...{ kind: 'paths', id, texts: choices, paths: whole, terminator: suffix, ends },
    ...{ normalize, scored: true, width, threshold, next, forks },
  };
}

function planCompletion(
  action: ResolvedComplete,
  tokens: CompletionTokens,
  next: readonly number[],
): PlannedCompletion {
  const { id, maxTokens, beams, ahead, width, threshold, normalize, repetition, diversity } =
    action;
  return {
    ...{ kind: 'completion', id, maxTokens, beams, ahead, width, threshold, normalize },
    ...{ repetition, diversity, next, forks: true, ...tokens },
  };
}

/** The tokens of texts that begin a text, without special tokens. */
async function beginnings(
  { tokenizer }: PlanningEngine,
  texts: readonly string[],
): Promise<Int32Array[]> {
  if (tokenizer.decoderTexts !== undefined) return tokenizer.decoderTexts(texts);
  const [empty, ...lists] = await tokenizer.prompts(['', ...texts]);
  return lists.map((tokens) => tokens.slice((empty as Int32Array).length));
}

/** Refuses cycles without a limit, and those in which nothing is scored. */
function checkCycles(
  automaton: Automaton,
  resolved: readonly ResolvedAction[],
  nexts: readonly (readonly number[])[],
  { isLimited }: EvaluateRequest,
): void {
  const isFixed = resolved.map((action) => action.type === 'text' && !action.evaluate);
  const fixed = nexts.map((next, index) =>
    isFixed[index] ? next.filter((to) => isFixed[to]) : [],
  );
  for (const [index] of cyclesOf(fixed) as [number][]) {
    const { id } = automaton.actions[index] as Action;
    throw wrongRange('a scored action in each cycle', `${nameOf(index, id)}.next`, nexts[index]);
  }
  const [cycle] = automaton.cycles;
  if (cycle === undefined || isLimited) return;
  const what = `maxThoughts, maxTokens or stopAfter, as '${cycle[0]}' is in a cycle,`;
  throw wrongRange(what, 'options', undefined);
}

/**
 * Refuses actions that no thought can reach within the context: the shortest path to them, with
 * completions of no token, is already too long.
 */
function checkContext(engine: PlanningEngine, plan: Plan): void {
  const { contextSize } = engine;
  if (contextSize === undefined) return;
  const shortest = new Array<number>(plan.actions.length).fill(Infinity);
  const open: number[] = [];
  const reach = (index: number, length: number): void => {
    if (length >= (shortest[index] as number)) return;
    shortest[index] = length;
    open.push(index);
  };
  if (plan.prompt.length > contextSize) {
    throw doesNotFit(
      plan.root < 0 ? '' : planned(plan, plan.root).id,
      plan.prompt.length,
      contextSize,
    );
  }
  const begin = contextSize - roomAfter(engine, plan.prompt.length);
  for (const entry of plan.entries) reach(entry, begin);
  for (let index = open.shift(); index !== undefined; index = open.shift()) {
    const action = planned(plan, index);
    const before = shortest[index] as number;
    if (action.kind === 'completion') {
      if (before > contextSize) throw doesNotFit(action.id, before, contextSize);
      for (const next of action.next) reach(next, before);
      continue;
    }
    const { paths, ends, scored, forks } = action;
    const longest = paths.reduce((max, { length }) => Math.max(max, length), 0);
    // The last token of a scored text is not decoded unless something follows it.
    const decoded = scored && !ends ? longest - 1 : longest;
    if (before + decoded > contextSize) {
      throw doesNotFit(action.id, before + longest, contextSize);
    }
    const least = paths.reduce((min, { length }) => Math.min(min, length), Infinity);
    for (const [position, next] of action.next.entries()) {
      reach(next, before + (forks ? least : (paths[position] as Int32Array).length));
    }
  }
}

const planned = ({ actions }: Plan, index: number): PlannedAction =>
  actions[index] as PlannedAction;

function doesNotFit(id: string, length: number, size: number): ContextOverflowError {
  const message =
    `Action '${id}' does not fit: with the shortest texts before it there are ` +
    `${length} tokens, in a context of ${size}`;
  return about(`action '${id}'`, new ContextOverflowError(message));
}
