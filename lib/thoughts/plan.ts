// An automaton prepared for an LM: everything that can be tokenized and checked before anything is
// decoded. The search in TypeScript and the native one both follow a plan, so that a step means the
// same in both.

import { about } from '../common/arguments.js';
import type { ChoiceTokenizer } from '../choose/boundary.js';
import { lengthsOf } from '../choose/choice.js';
import type { Normalization } from '../choose/choose-options.js';
import { ContextOverflowError, NotSupportedError } from '../common/errors.js';
import { concatenate } from '../common/token-arrays.js';
import type { AutomatonBoundary, Metric } from '../automaton/actions.js';
import type { Automaton } from '../automaton/automaton.js';
import { checkEnd, type EvaluateRequest } from './evaluate-options.js';
import { invalidAction } from '../automaton/read-automaton.js';
import { type ResolvedAction, resolveAction } from '../automaton/resolve-action.js';
import type { TokenSet, TokenSets } from '../automaton/token-sets.js';

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
export interface PlanningEngine {
  readonly contextSize: number | undefined;
  readonly endOfGeneration: Int32Array;
  readonly beginToken: number | undefined;
  readonly tokenizer: ChoiceTokenizer;
  readonly tokenSets: TokenSets;
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
  const metric = request.metric ?? automaton.metric;
  const boundary = request.boundary ?? automaton.boundary;
  checkEnd(request, metric);
  const resolved = automaton.actions.map((action) => resolveAction(action, metric));
  const indices = new Map(resolved.map(({ id }, index) => [id, index]));
  const nexts = resolved.map(({ next }) => next.map((id) => indices.get(id) as number));
  checkCycles(automaton, resolved, nexts, request);

  const actions: PlannedAction[] = [];
  for (const [index, action] of resolved.entries()) {
    actions.push(await planAction(engine, automaton, action, nexts[index] as number[], false));
  }
  const entry = resolved[0] as ResolvedAction;
  const hasRoot = entry.type === 'text' && !entry.evaluate;
  const rootText = hasRoot ? entry.text : '';
  let entries = hasRoot ? (nexts[0] as number[]) : [0];
  if (rootText === '') {
    // What follows an empty text continues nothing: it is tokenized as the beginning of a text.
    const own: number[] = [];
    for (const index of entries) {
      const action = resolved[index] as ResolvedAction;
      own.push(actions.length);
      actions.push(await planAction(engine, automaton, action, nexts[index] as number[], true));
    }
    entries = own;
  }
  const prompt = await promptOf(engine, automaton, rootText);
  const root = hasRoot ? 0 : -1;
  const plan = { metric, boundary, actions, root, rootText, prompt, entries };
  checkContext(engine, automaton, plan);
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
  throw invalidAction(
    automaton.entry,
    0,
    'at least one token, as the LM has no beginning token,',
    'text',
    text,
  );
}

async function planAction(
  engine: PlanningEngine,
  automaton: Automaton,
  action: ResolvedAction,
  next: readonly number[],
  begins: boolean,
): Promise<PlannedAction> {
  if (action.type === 'complete') return planCompletion(engine, automaton, action, next);
  const { id } = action;
  const texts = action.type === 'text' ? [action.text] : action.choices;
  const paths = begins ? await beginnings(engine, texts) : await engine.tokenizer.texts(texts);
  if (action.type === 'text') {
    return {
      ...{ kind: 'paths', id, texts, paths, terminator: '', ends: false, normalize: 'tokens' },
      ...{ scored: action.evaluate, width: 1, threshold: 0, next, forks: true },
    };
  }
  const { terminator, width, threshold, normalize } = action;
  const index = automaton.actions.findIndex((each) => each.id === id);
  const ends = terminator.kind === 'eog';
  if (ends && engine.endOfGeneration.length === 0) {
    const message = `Action '${id}': terminator 'eog' requires an end-of-generation token`;
    throw about(`actions[${index}].terminator`, new NotSupportedError(message));
  }
  const suffix = terminator.kind === 'text' ? terminator.text : '';
  const [end] = suffix === '' ? [new Int32Array(0)] : await engine.tokenizer.texts([suffix]);
  const whole = paths.map((path) => concatenate(path, end as Int32Array));
  const empty = whole.findIndex((path) => path.length === 0);
  if (empty >= 0 && !ends) {
    const name = `choices[${empty}]`;
    throw invalidAction(action, index, 'at least one token, or a terminator,', name, texts[empty]);
  }
  return {
    ...{ kind: 'paths', id, texts, paths: whole, terminator: suffix, ends, normalize },
    ...{ scored: true, width, threshold, next, forks: next.length !== texts.length || next.length === 1 },
  };
}

/** The tokens of texts that begin a text, without special tokens. */
async function beginnings(
  { tokenizer }: PlanningEngine,
  texts: readonly string[],
): Promise<Int32Array[]> {
  const [empty, ...lists] = await tokenizer.prompts(['', ...texts]);
  return lists.map((tokens) => tokens.slice((empty as Int32Array).length));
}

async function planCompletion(
  { tokenSets, tokenizer, endOfGeneration }: PlanningEngine,
  automaton: Automaton,
  action: Extract<ResolvedAction, { type: 'complete' }>,
  next: readonly number[],
): Promise<PlannedCompletion> {
  const { id, stop, vocabulary, ...rest } = action;
  const index = automaton.actions.findIndex((each) => each.id === id);
  const resolve = { automaton, action, index };
  const stops = await tokenSets.stops(stop, resolve);
  let allowed: TokenSet | undefined;
  if (vocabulary !== undefined) {
    allowed = await tokenSets.resolve(vocabulary, resolve);
    if (allowed.count === 0) {
      throw invalidAction(action, index, 'at least one token', 'vocabulary', vocabulary);
    }
    const singles = (await tokenizer.texts(stops.texts)).filter(({ length }) => length === 1);
    allowed = allowed.with(...singles, endOfGeneration).union(stops.tokens);
    for (const text of stops.texts) {
      if (await tokenSets.canProduce(allowed, text)) continue;
      throw invalidAction(action, index, 'texts that its vocabulary can produce', 'stop', text);
    }
  }
  return {
    ...{ kind: 'completion', id, stops: stops.texts, stopTokens: stops.tokens, allowed },
    ...{ maxTokens: rest.maxTokens, beams: rest.beams, ahead: rest.ahead, width: rest.width },
    ...{ threshold: rest.threshold, normalize: rest.normalize, repetition: rest.repetition },
    ...{ diversity: rest.diversity, next, forks: true },
  };
}
