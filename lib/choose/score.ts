// `score`: the log-probability of a given continuation, scored as a tree of one path. ChoiceLM and
// `lib/openai/choose/choose.ts` call it.

import { raceAbort } from '../common/abort.js';
import { checkPrompt, type Prompt, wrongRange } from '../common/arguments.js';
import { type CallOptions, readSignal } from '../common/call-options.js';
import { type Cost, Stopwatch } from '../common/usage.js';
import type { TreeScores } from '../tree/tree-scoring.js';
import { separate } from './boundary.js';
import type { Engine } from './choose.js';
import { checkFits, taskOf } from './tree-task.js';

/** The result of `score`. */
export interface Score extends Cost {
  /** The continuation's tokens. */
  tokens: Int32Array;
  /** log P(token | prompt and previous tokens), one per token. */
  logprobs: Float64Array;
  /** Their sum. */
  logprob: number;
}

/** The validated arguments of one `score`. */
export interface ScoreQuestion {
  prompt: Prompt;
  continuation: Prompt;
  signal: AbortSignal | undefined;
}

/** Validates the caller's arguments; throws TypeError or RangeError. */
export function checkScore(
  { vocabularySize }: Pick<Engine, 'vocabularySize'>,
  prompt: Prompt,
  continuation: Prompt,
  options: CallOptions | undefined,
): ScoreQuestion {
  return {
    prompt: checkPrompt(prompt, 'prompt', vocabularySize),
    continuation: checkPrompt(continuation, 'continuation', vocabularySize),
    signal: readSignal(options),
  };
}

/** Tokenizes, scores, and builds the result. */
export async function runScore(
  engine: Engine,
  { prompt, continuation, signal }: ScoreQuestion,
): Promise<Score> {
  const stopwatch = new Stopwatch();
  await engine.admit(signal);
  const tokenized = await raceAbort(
    separate(engine.tokenizerFor(signal), prompt, [continuation]),
    signal,
  );
  const noEnd = { terminator: { kind: 'none' } } as const;
  const request = { ...noEnd, sequential: false, details: false, signal };
  const task = taskOf(engine, tokenized.prompt, tokenized.paths, request);
  if (task.tree.size === 0) throw wrongRange('at least one token', 'continuation', continuation);
  checkFits(engine, tokenized.prompt, tokenized.paths, noEnd);
  stopwatch.tokenized();

  const [scores] = await engine.scoreTrees([task], signal);
  const { logprobs: values, ...cost } = scores as TreeScores & Cost;
  const logprobs = values.slice(1);
  const logprob = logprobs.reduce((sum, value) => sum + value, 0);
  return { tokens: task.tree.tokens.slice(1), logprobs, logprob, ...stopwatch.complete(cost) };
}
