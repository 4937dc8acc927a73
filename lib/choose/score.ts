// One `score`: the log-probability of a given continuation, as a tree of one path. ChoiceLM and
// `lib/openai/choose/choose.ts` answer by it.

import { raceAbort } from '../common/abort.js';
import { checkPrompt, type Prompt, wrongRange } from '../common/arguments.js';
import { type CallOptions, readSignal } from '../common/call-options.js';
import { type Cost, Stopwatch } from '../common/usage.js';
import type { TreeScores } from '../tree/tree-scoring.js';
import { separate } from './boundary.js';
import type { Engine } from './choose.js';
import { checkFits, taskOf } from './tree-task.js';

/** What `score` gives. */
export interface Score extends Cost {
  /** The continuation's tokens. */
  tokens: Int32Array;
  /** log P(token | what is before it), one per token. */
  logprobs: Float64Array;
  /** Their sum. */
  logprob: number;
}

/** The checked arguments of one `score`. */
export interface ScoreQuestion {
  prompt: Prompt;
  continuation: Prompt;
  signal: AbortSignal | undefined;
}

/** Checks what the caller gave; throws TypeError or RangeError. */
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

/** Tokenises, scores, and makes the result. */
export async function runScore(
  engine: Engine,
  { prompt, continuation, signal }: ScoreQuestion,
): Promise<Score> {
  const stopwatch = new Stopwatch();
  await engine.admit(signal);
  const seam = await raceAbort(separate(engine.tokenizer, prompt, [continuation]), signal);
  const end = { terminator: { kind: 'none' } } as const;
  const request = { ...end, sequential: false, details: false, signal };
  const task = taskOf(engine, seam.prompt, seam.paths, request);
  if (task.tree.size === 0) throw wrongRange('at least one token', 'continuation', continuation);
  checkFits(engine, seam.prompt, seam.paths, end);
  stopwatch.tokenized();

  const [scores] = await engine.scoreTrees([task], signal);
  const { logprobs: values, ...cost } = scores as TreeScores & Cost;
  const logprobs = values.slice(1);
  const logprob = logprobs.reduce((sum, value) => sum + value, 0);
  return { tokens: task.tree.tokens.slice(1), logprobs, logprob, ...stopwatch.complete(cost) };
}
