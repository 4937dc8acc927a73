// Prepares a decision: everything that can be computed without decoding. The tasks of all questions
// and orders are in an order of their own, so that neither names nor the order of questions changes
// a bit. `lib/decide/decide.ts` calls it.

import type { ChoiceTokenizer } from '../choose/boundary.js';
import { lengthsOf } from '../choose/choice.js';
import type { Engine } from '../choose/choose.js';
import { withTerminator } from '../choose/tokenize-choices.js';
import { taskOf } from '../choose/tree-task.js';
import { about, wrongRange } from '../common/arguments.js';
import { ContextOverflowError } from '../common/errors.js';
import { roomAfter } from '../common/room.js';
import { yieldToEventLoop } from '../common/yield-to-event-loop.js';
import type { TreeTask } from '../tree/tree-scoring.js';
import { type Ask, asksOf } from './asks.js';
import type { DecideRequest } from './decide-options.js';
import { joined, type PromptTokenizer, type PromptTokens } from './prompts.js';
import type { CheckedQuestion } from './question.js';
import { type CheckedState, cutState, noState, sizeOf } from './state.js';

/** One question in one order, ready to be scored. */
export interface PreparedAsk extends Ask {
  task: TreeTask;
  /** Per listed option: the divisor of its log-probability. */
  lengths: readonly number[];
}

/** A decision, ready to be scored. */
export interface PreparedDecision {
  asks: PreparedAsk[];
  /** How many UTF-16 code units of the state were cut off. */
  truncated: number;
}

interface Tokenized {
  asks: readonly Ask[];
  prompts: readonly PromptTokens[];
  /** Per ask and listed option. */
  paths: readonly Int32Array[][];
}

/** Tokenizes everything, and cuts the state if it does not fit and the caller agrees. */
export async function prepareDecision(
  engine: Engine,
  tokenize: { prompts: PromptTokenizer; chat: boolean },
  state: CheckedState,
  questions: readonly CheckedQuestion[],
  request: DecideRequest,
): Promise<PreparedDecision> {
  const tokenizer = engine.tokenizerFor(request.signal);
  const attempt = async (count: number) => {
    const cut = count === 0 ? state : cutState(state, count);
    const asks = await asksOf(cut, questions, request, tokenize.chat);
    const prompts = await promptsOf(tokenize.prompts, cut, asks);
    return { asks, prompts };
  };
  let truncated = 0;
  let { asks, prompts } = await attempt(0);
  const paths = await pathsOf(tokenizer, asks, prompts, request);
  const overflow = () => overflowOf(engine, { asks, prompts, paths }, request);
  const whole = overflow();
  if (whole !== undefined) {
    if (!request.truncates) throw whole;
    // The fewest code units to cut: fewer take fewer tokens.
    let [tooFew, enough] = [0, sizeOf(state)];
    while (enough - tooFew > 1) {
      const middle = (tooFew + enough) >> 1;
      ({ asks, prompts } = await attempt(middle));
      if (overflow() === undefined) enough = middle;
      else tooFew = middle;
    }
    ({ asks, prompts } = await attempt(enough));
    truncated = enough;
    const rest = overflow();
    if (rest !== undefined) throw rest;
  }
  const prepared = asks.map((ask, index): PreparedAsk => {
    const own = paths[index] as Int32Array[];
    const { terminator, normalize, signal } = request;
    const options = { terminator, sequential: false, details: false, signal };
    const task = taskOf(engine, joined(prompts[index] as PromptTokens), own, options);
    return {
      ...ask,
      task,
      lengths: lengthsOf({ normalize, terminator }, ask.answers, own, () => sourceOf(ask, request)),
    };
  });
  await yieldToEventLoop(prepared.length);
  return { asks: prepared.sort(byTokens), truncated };
}

async function promptsOf(
  tokenize: PromptTokenizer,
  state: CheckedState,
  asks: readonly Ask[],
): Promise<PromptTokens[]> {
  const found = new Map<Ask, PromptTokens>();
  for (const isPrior of [false, true]) {
    const some = asks.filter((ask) => ask.isPrior === isPrior);
    if (some.length === 0) continue;
    const list = await tokenize(
      isPrior ? noState : state,
      some.map(({ prompt }) => prompt),
    );
    for (const [index, ask] of some.entries()) found.set(ask, list[index] as PromptTokens);
  }
  return asks.map((ask) => found.get(ask) as PromptTokens);
}

/** The tokens of all answers, each distinct text tokenized once. */
async function pathsOf(
  tokenizer: ChoiceTokenizer,
  asks: readonly Ask[],
  prompts: readonly PromptTokens[],
  request: DecideRequest,
): Promise<Int32Array[][]> {
  const texts = asks.map(({ answers }, index) => {
    const { lead } = prompts[index] as PromptTokens;
    return answers.map((answer) => lead + answer);
  });
  const distinct = [...new Set(texts.flat())];
  const lists = await (tokenizer.decoderTexts ?? tokenizer.texts)(distinct);
  const ended = await withTerminator(tokenizer, lists, request);
  const tokens = new Map(distinct.map((text, index) => [text, ended[index] as Int32Array]));
  return asks.map((ask, index) => {
    const paths = (texts[index] as string[]).map((text) => tokens.get(text) as Int32Array);
    checkPaths(ask, paths, request);
    return paths;
  });
}

/** The argument that the answers of an ask are from. */
function sourceOf({ question, prompt }: Ask, { method }: DecideRequest): string {
  if (prompt.answers !== undefined) return 'answers of render';
  return method === 'labels' ? 'labels' : `questions[${JSON.stringify(question.name)}].criteria`;
}

/** Every option must have tokens of its own. */
function checkPaths(ask: Ask, paths: readonly Int32Array[], request: DecideRequest): void {
  const { terminator } = request;
  const name = sourceOf(ask, request);
  const nameOf = (position: number): string => ask.answers[position] as string;
  const seen = new Map<string, number>();
  for (const [position, path] of paths.entries()) {
    if (path.length === 0 && terminator.kind === 'none') {
      throw wrongRange('names of at least one token, or a terminator,', name, nameOf(position));
    }
    const key = path.join();
    const other = seen.get(key);
    if (other !== undefined) {
      const what = `texts whose tokens differ from those of ${JSON.stringify(nameOf(other))}`;
      throw wrongRange(what, name, nameOf(position));
    }
    seen.set(key, position);
  }
}

/** The error for the ask that exceeds the context by most, if any. */
function overflowOf(
  engine: Engine,
  { asks, prompts, paths }: Tokenized,
  { terminator }: DecideRequest,
): ContextOverflowError | undefined {
  let least = 0;
  let worst = -1;
  for (const [index, { head, tail }] of prompts.entries()) {
    const deepest = (paths[index] as Int32Array[]).reduce((max, { length }) => {
      return Math.max(max, length);
    }, 0);
    // The last token of an option is not decoded unless its end is scored.
    const decoded = terminator.kind === 'eog' ? deepest : Math.max(0, deepest - 1);
    const room = roomAfter(engine, head.length + tail.length) - decoded;
    if (room >= least) continue;
    least = room;
    worst = index;
  }
  if (worst < 0) return undefined;
  const { head, tail } = prompts[worst] as PromptTokens;
  const name = JSON.stringify(asks[worst]?.question.name);
  const length = head.length + tail.length;
  return about(
    'state',
    new ContextOverflowError(
      `The state and question ${name} take ${length} tokens, ${tail.length} of them the question's, and exceed the context of ${engine.contextSize} by ${-least} with the longest option`,
    ),
  );
}

/** By tokens: the order of the questions, and their names, leave no trace. */
function byTokens(one: PreparedAsk, other: PreparedAsk): number {
  const [a, b] = [one.task, other.task];
  const length = Math.min(a.prompt.length, b.prompt.length);
  for (let at = 0; at < length; at++) {
    const difference = (a.prompt[at] as number) - (b.prompt[at] as number);
    if (difference !== 0) return difference;
  }
  const difference = a.prompt.length - b.prompt.length;
  if (difference !== 0) return difference;
  for (const [index, answer] of one.answers.entries()) {
    const its = other.answers[index];
    if (its === undefined || its < answer) return 1;
    if (its > answer) return -1;
  }
  return one.answers.length - other.answers.length;
}
