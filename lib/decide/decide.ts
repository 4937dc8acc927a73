// `decide` in three steps: prepare (render and tokenize everything, decode nothing), score (all
// questions, orders, options and priors as one forest), answer. ChoiceLM calls it.

import { createHash } from 'node:crypto';
import type { Engine } from '../choose/choose.js';
import { type PriorCache, pathKey } from '../choose/priors.js';
import { raceAbort } from '../common/abort.js';
import { wrongRange } from '../common/arguments.js';
import { type Cost, Stopwatch } from '../common/usage.js';
import { yieldToEventLoop } from '../common/yield-to-event-loop.js';
import type { LM } from '../lm.js';
import type { TreeScores } from '../tree/tree-scoring.js';
import type { AnswersTo, Decision, DecisionAnswer } from './answer.js';
import type { DecideRequest } from './decide-options.js';
import { makeAnswer, type ScoredOrder } from './make-answer.js';
import { type PreparedAsk, prepareDecision } from './prepare.js';
import { type PromptTokenizer, plainPrompts } from './prompts.js';
import type { CheckedQuestion, DecisionQuestions } from './question.js';
import { type AskScores, scoresOfAsk } from './scores.js';
import type { CheckedState } from './state.js';
import { sumOfCosts } from './sum-of-costs.js';

/** The validated arguments of one `decide`. */
export interface DecisionTask {
  state: CheckedState;
  questions: readonly CheckedQuestion[];
  request: DecideRequest;
}

/** Checks what the arguments require of each other. */
export function checkDecision({ request }: DecisionTask): void {
  const { calibration, method } = request;
  if (calibration !== undefined && calibration.method !== method) {
    throw wrongRange(`a calibration for '${method}'`, 'calibration.method', calibration.method);
  }
}

/** Runs all steps. */
export async function runDecide<Q extends DecisionQuestions>(
  engine: Engine,
  lm: LM,
  { state, questions, request }: DecisionTask,
): Promise<Decision<Q>> {
  const stopwatch = new Stopwatch();
  const { signal } = request;
  await engine.admit(signal);
  const tokenize = await promptTokenizerOf(engine, lm, request);
  const preparing = prepareDecision(engine, tokenize, state, questions, request);
  const { asks, truncated } = await raceAbort(preparing, signal);
  stopwatch.tokenized();
  const scored = await scoreAsks(engine, asks, request);
  await yieldToEventLoop(asks.length);
  const answers: [string, DecisionAnswer][] = [];
  for (const question of questions) {
    const own = scored.filter(({ ask }) => ask.question === question);
    const cost = sumOfCosts(own.flatMap(({ cost }) => (cost ? [cost] : [])));
    const answer = makeAnswer(question, ordersOf(question, own, request), request, cost);
    answers.push([question.name, answer]);
    await yieldToEventLoop(question.options.length * own.length);
  }
  const total = sumOfCosts(scored.flatMap(({ cost }) => (cost ? [cost] : [])));
  return {
    answers: Object.fromEntries(answers) as AnswersTo<Q>,
    names: questions.map(({ name }) => name),
    method: request.method,
    truncated,
    ...stopwatch.complete(total),
  };
}

async function promptTokenizerOf(
  engine: Engine,
  lm: LM,
  { template, signal }: DecideRequest,
): Promise<{ prompts: PromptTokenizer; chat: boolean }> {
  const plain = { prompts: plainPrompts(engine.tokenizerFor(signal)), chat: false };
  if (template === false) return plain;
  // Loaded on first use: a template's language is as large as the rest of the core.
  const { chatPrompts, hasTemplate } = await import('./chat-prompts.js');
  if (template === undefined && !hasTemplate(lm)) return plain;
  return { prompts: chatPrompts(lm, template, signal), chat: true };
}

interface ScoredAsk {
  ask: PreparedAsk;
  scores: AskScores;
  /** Undefined if the scores were cached. */
  cost: (Cost & Pick<TreeScores, 'together'>) | undefined;
}

/** Scores all asks in one request to the engine, except for priors that are cached. */
async function scoreAsks(
  engine: Engine,
  asks: readonly PreparedAsk[],
  { signal }: DecideRequest,
): Promise<ScoredAsk[]> {
  const { priors } = engine;
  const cached = new Map<PreparedAsk, AskScores>();
  for (const ask of asks) {
    const known = ask.isPrior ? cachedPrior(priors, ask) : undefined;
    if (known !== undefined) cached.set(ask, known);
  }
  const open = asks.filter((ask) => !cached.has(ask));
  const tasks = open.map(({ task }) => task);
  const results = await engine.scoreTrees(tasks, signal);
  await yieldToEventLoop(tasks.length);
  const scored = open.map((ask, index): ScoredAsk => {
    const { logprobs, ends, limits, ...cost } = results[index] as TreeScores & Cost;
    const scores = scoresOfAsk(ask.task, { logprobs, ends, ...(limits && { limits }) });
    if (ask.isPrior) cachePrior(priors, ask, scores);
    return { ask, scores, cost };
  });
  const rest = Array.from(cached, ([ask, scores]) => ({ ask, scores, cost: undefined }));
  return [...scored, ...rest];
}

/** Identifies a prior: its prompt and all of its options, which may exclude each other. */
function priorKey({ task: { prompt, tree, request } }: PreparedAsk): string {
  const hash = createHash('sha256').update(prompt).update(`:${request.endTokens.join()}`);
  for (const path of tree.paths) hash.update(':').update(path);
  return `decide:${hash.digest('base64')}`;
}

function cachedPrior(priors: PriorCache, ask: PreparedAsk): AskScores | undefined {
  const key = priorKey(ask);
  const { paths } = ask.task.tree;
  const logprobs = new Float64Array(paths.length);
  for (const [index, path] of paths.entries()) {
    const logprob = priors.get(key, pathKey(path));
    if (logprob === undefined) return undefined;
    logprobs[index] = logprob;
  }
  return { logprobs, open: new Uint8Array(paths.length) };
}

function cachePrior(priors: PriorCache, ask: PreparedAsk, { logprobs, open }: AskScores): void {
  if (open.includes(1)) return;
  const key = priorKey(ask);
  for (const [index, path] of ask.task.tree.paths.entries()) {
    priors.set(key, pathKey(path), logprobs[index] as number);
  }
}

/** The orders of a question with their scores, in the order of the question's options. */
function ordersOf(
  { options }: CheckedQuestion,
  scored: readonly ScoredAsk[],
  { details }: DecideRequest,
): ScoredOrder[] {
  const key = ({ order }: PreparedAsk): string => order.join();
  const priors = new Map(
    scored.filter(({ ask }) => ask.isPrior).map((each) => [key(each.ask), each.scores]),
  );
  return scored
    .filter(({ ask }) => !ask.isPrior)
    .map(({ ask, scores }): ScoredOrder => {
      const { order, lengths, task } = ask;
      const count = options.length;
      const own: ScoredOrder = {
        order,
        logprobs: new Float64Array(count),
        open: new Uint8Array(count),
        lengths: new Float64Array(count),
        priors: undefined,
      };
      const prior = priors.get(key(ask));
      if (prior !== undefined) own.priors = new Float64Array(count);
      const answers: Int32Array[] = [];
      for (const [position, option] of order.entries()) {
        own.logprobs[option] = scores.logprobs[position] as number;
        own.open[option] = (scores.open[position] as number) | (prior?.open[position] ?? 0);
        own.lengths[option] = lengths[position] as number;
        if (own.priors) own.priors[option] = prior?.logprobs[position] as number;
        answers[option] = task.tree.paths[position] as Int32Array;
      }
      if (details) own.details = { prompt: task.prompt, answers };
      return own;
    });
}
