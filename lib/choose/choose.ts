// One `choose` in three steps: prepare (tokenize everything, decode nothing), plan (score the
// priors and build the request to the tree scorer), finish (build a Choice from the scores). The
// caller scores the tree between plan and finish: `runChoose` here, `lib/choose/choose-group.ts`
// for several at once.

import { raceAbort } from '../common/abort.js';
import { checkPrompt, type Prompt } from '../common/arguments.js';
import type { Room } from '../common/room.js';
import { concatenate } from '../common/token-arrays.js';
import { addPrior, type Cost, Stopwatch } from '../common/usage.js';
import { yieldToEventLoop } from '../common/yield-to-event-loop.js';
import type { TokenChoiceTree } from '../tree/token-choice-tree.js';
import type { TreeRequest, TreeScores, TreeTask } from '../tree/tree-scoring.js';
import type { ChoiceTokenizer, TokenizedChoices } from './boundary.js';
import { boundsOf } from './bounds.js';
import { type Choice, lengthsOf, makeChoice } from './choice.js';
import { type ChoiceInput, type ChooseRequest, checkChoices } from './choose-options.js';
import { type DistinctChoices, findDistinct } from './distinct-choices.js';
import { type PriorCache, type PriorTask, priorLogprobs } from './priors.js';
import { rank } from './ranking.js';
import { tokenizeChoices, tokenizePrior } from './tokenize-choices.js';
import { checkFits, isSearched, taskOf } from './tree-task.js';

/** The operations of an LM that `choose` requires. */
export interface Engine extends Room {
  readonly vocabularySize: number | undefined;
  readonly endOfGeneration: Int32Array;
  readonly beginToken: number | undefined;
  /** The tokenizer; an abort of the signal stops its work. */
  tokenizerFor(signal: AbortSignal | undefined): ChoiceTokenizer;
  readonly priors: PriorCache;
  /** Admits a call; throws if the LM is closed or the signal is aborted. */
  admit(signal: AbortSignal | undefined): Promise<void>;
  tokenTexts(tokens: Int32Array): Promise<ReadonlyMap<number, string>>;
  holdsInOneBatch(tree: TokenChoiceTree, request: TreeRequest): boolean;
  packs(tasks: readonly TreeTask[]): boolean;
  scoreTrees(
    tasks: readonly TreeTask[],
    signal: AbortSignal | undefined,
  ): Promise<(TreeScores & Cost)[]>;
}

/** The validated arguments of one `choose`. */
export interface Question {
  prompt: Prompt;
  choices: readonly ChoiceInput[];
  request: ChooseRequest;
}

/** A question as tokens: everything that can be computed without decoding. */
export interface Prepared {
  question: Question;
  stopwatch: Stopwatch;
  texts: readonly string[];
  tokenized: TokenizedChoices;
  /** Per choice: the divisor of its log-probability. */
  lengths: readonly number[];
  prior: PriorTask | undefined;
  /** The task of scoring the whole tree. */
  task: TreeTask;
  /** Whether a search may leave part of the tree unscored. */
  searches: boolean;
}

/** The scoring task for a question, and what {@link finish} needs to build a Choice from it. */
export interface Plan {
  prepared: Prepared;
  distinct: DistinctChoices;
  priors: Float64Array | undefined;
  priorCost: Cost | undefined;
  task: TreeTask;
}

/** Validates the caller's arguments; throws TypeError or RangeError. */
export function checkQuestion(
  { vocabularySize }: Pick<Engine, 'vocabularySize'>,
  prompt: Prompt,
  choices: readonly ChoiceInput[],
  request: ChooseRequest,
): Question {
  return {
    prompt: checkPrompt(prompt, 'prompt', vocabularySize),
    choices: checkChoices(choices, request, vocabularySize),
    request,
  };
}

/** Tokenizes; throws every error that can be detected without decoding. */
export async function prepare(engine: Engine, question: Question): Promise<Prepared> {
  const stopwatch = new Stopwatch();
  const { prompt, choices, request } = question;
  const { signal } = request;
  const tokenizer = engine.tokenizerFor(signal);
  await engine.admit(signal);
  await yieldToEventLoop(choices.length);
  const tokenized = await raceAbort(tokenizeChoices(tokenizer, prompt, choices, request), signal);
  await yieldToEventLoop(choices.length);
  const texts = await raceAbort(textsOf(tokenizer, choices), signal);
  const task = taskOf(engine, tokenized.prompt, tokenized.paths, request);
  await yieldToEventLoop(choices.length);
  checkFits(engine, tokenized.prompt, tokenized.paths, request);
  const lengths = lengthsOf(request, texts, tokenized.paths);
  const prior = await raceAbort(priorOf(engine, question, tokenized, texts), signal);
  const searches = isSearched(request, choices.length, () =>
    engine.holdsInOneBatch(task.tree, task.request),
  );
  stopwatch.tokenized();
  return { question, stopwatch, texts, tokenized, lengths, prior, task, searches };
}

/** Scores the priors that are not cached yet, and builds the scoring task. */
export async function plan(engine: Engine, prepared: Prepared): Promise<Plan> {
  const { prior, lengths, task, searches } = prepared;
  const { top, tolerance } = prepared.question.request;
  const priors = prior && (await scorePriors(engine, prepared, prior));
  await yieldToEventLoop(lengths.length);
  const distinct = findDistinct(task.tree.ends, lengths, priors?.offsets ?? lengths.map(() => 0));
  const { entries: _, ...entries } = distinct;
  const search = searches ? { ...entries, top, tolerance } : undefined;
  return {
    prepared,
    distinct,
    priors: priors?.logprobs,
    priorCost: priors?.cost,
    task: { ...task, request: { ...task.request, search } },
  };
}

/** Builds the result from the scores. */
export async function finish(
  engine: Engine,
  { prepared, distinct, priors, priorCost, task }: Plan,
  scores: TreeScores & Cost,
): Promise<Choice> {
  const { question, stopwatch, texts, tokenized } = prepared;
  const { tree, request } = task;
  await yieldToEventLoop(texts.length);
  const best = scores.details?.bestTokens.filter((token) => token >= 0) ?? new Int32Array(0);
  const tokens = concatenate(tree.tokens.subarray(1), best);
  const tokenTexts = await raceAbort(engine.tokenTexts(tokens), question.request.signal);
  const cost = priorCost === undefined ? scores : addPrior(scores, priorCost);
  await yieldToEventLoop(texts.length);
  const bounds = boundsOf(tree, scores, request.endAt, distinct);
  await yieldToEventLoop(texts.length);
  const ranking = rank(distinct, bounds);
  await yieldToEventLoop(texts.length);
  return {
    ...makeChoice(tree, scores, request, texts, ranking, priors),
    tree: tree.withValues({ ...scores, texts: tokenTexts }),
    boundary: tokenized.report,
    ...stopwatch.complete(cost),
  };
}

/** Runs all steps in sequence. */
export async function runChoose(engine: Engine, question: Question): Promise<Choice> {
  const planned = await plan(engine, await prepare(engine, question));
  const [scores] = await engine.scoreTrees([planned.task], question.request.signal);
  return finish(engine, planned, scores as TreeScores & Cost);
}

async function priorOf(
  engine: Engine,
  { choices, request }: Question,
  tokenized: TokenizedChoices,
  texts: readonly string[],
): Promise<PriorTask | undefined> {
  const { prior, boundary, terminator } = request;
  if (prior === undefined) return undefined;
  const { beginToken } = engine;
  const tokenizer = engine.tokenizerFor(request.signal);
  const own = await tokenizePrior(tokenizer, beginToken, prior, choices, request, tokenized);
  checkFits(engine, own.prompt, own.paths, request, 'prior');
  // Together these determine the prior's tokens and what follows a choice.
  const key = JSON.stringify([boundary, own.prompt.length, terminator.kind === 'eog', prior]);
  return { key, ...own, lengths: lengthsOf(request, texts, own.paths) };
}

async function scorePriors(
  engine: Engine,
  { question: { request } }: Prepared,
  prior: PriorTask,
): Promise<{ logprobs: Float64Array; offsets: number[]; cost: Cost | undefined }> {
  const { logprobs, cost } = await priorLogprobs(engine.priors, prior, async (paths) => {
    const task = taskOf(engine, prior.prompt, paths, { ...request, details: false });
    const [scores] = await engine.scoreTrees([task], request.signal);
    return { task, scores: scores as TreeScores & Cost };
  });
  const offsets = prior.lengths.map((length, index) => (logprobs[index] as number) / length);
  return { logprobs, offsets, cost };
}

async function textsOf(
  tokenizer: ChoiceTokenizer,
  choices: readonly ChoiceInput[],
): Promise<string[]> {
  const texts: string[] = [];
  for (const choice of choices) {
    const text = typeof choice === 'string' ? choice : tokenizer.textOf(choice, true);
    texts.push(typeof text === 'string' ? text : await text);
  }
  return texts;
}
