// One `choose` in three steps: prepare (everything is tokens, nothing is decoded), plan (the
// priors are scored, and it is known what the tree's scorer is asked for), finish (scores
// become a Choice). ChoiceLM and `lib/choose/choose-many.ts` put the scoring between the last two.

import { raceAbort } from '../common/abort.js';
import { checkPrompt, type Prompt } from '../common/arguments.js';
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

/** What choosing needs of an LM. */
export interface Engine {
  readonly vocabularySize: number | undefined;
  readonly contextSize: number | undefined;
  readonly endOfGeneration: Int32Array;
  readonly beginToken: number | undefined;
  readonly tokenizer: ChoiceTokenizer;
  readonly priors: PriorCache;
  /** Begins a call; throws where the LM is closed or the signal aborted. */
  admit(signal: AbortSignal | undefined): Promise<void>;
  tokenTexts(tokens: Int32Array): Promise<ReadonlyMap<number, string>>;
  holdsInOneBatch(tree: TokenChoiceTree, request: TreeRequest): boolean;
  packs(tasks: readonly TreeTask[]): boolean;
  scoreTrees(
    tasks: readonly TreeTask[],
    signal: AbortSignal | undefined,
  ): Promise<(TreeScores & Cost)[]>;
}

/** The checked arguments of one `choose`. */
export interface Question {
  prompt: Prompt;
  choices: readonly ChoiceInput[];
  request: ChooseRequest;
}

/** A question as tokens: all that there is to be said before anything is decoded. */
export interface Prepared {
  question: Question;
  stopwatch: Stopwatch;
  texts: readonly string[];
  tokenized: TokenizedChoices;
  /** Per choice: what its log-probability is divided by. */
  lengths: readonly number[];
  prior: PriorTask | undefined;
  /** Scores the whole tree. */
  task: TreeTask;
  /** Whether a part of it may be left open. */
  searches: boolean;
}

/** What is to be scored for a question, and what it takes to make a Choice of the scores. */
export interface Plan {
  prepared: Prepared;
  distinct: DistinctChoices;
  priors: Float64Array | undefined;
  priorCost: Cost | undefined;
  task: TreeTask;
}

/** Checks what the caller gave; throws TypeError or RangeError. */
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

/** Tokenises; throws whatever can be known to be wrong without decoding. */
export async function prepare(engine: Engine, question: Question): Promise<Prepared> {
  const stopwatch = new Stopwatch();
  const { prompt, choices, request } = question;
  const { signal } = request;
  const { tokenizer } = engine;
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

/** Scores the priors, if there are any that are not known yet. */
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

/** Makes the result. */
export async function finish(
  engine: Engine,
  { prepared, distinct, priors, priorCost, task }: Plan,
  scores: TreeScores & Cost,
): Promise<Choice> {
  const { question, stopwatch, texts, tokenized } = prepared;
  const { tree, request } = task;
  await yieldToEventLoop(texts.length);
  const best = scores.details?.bestTokens.filter((token) => token >= 0) ?? new Int32Array(0);
  const shown = concatenate(tree.tokens.subarray(1), best);
  const tokenTexts = await raceAbort(engine.tokenTexts(shown), question.request.signal);
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

/** All steps, one after the other. */
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
  const { tokenizer, beginToken } = engine;
  const own = await tokenizePrior(tokenizer, beginToken, prior, choices, request, tokenized);
  checkFits(engine, own.prompt, own.paths, request, 'prior');
  // Together these say which tokens the prior has and what follows a choice.
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
