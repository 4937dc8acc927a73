// `autocog-lm decide`.

import type { Calibration } from '../../decide/calibration/calibration.js';
import { readCalibration } from '../../decide/calibration/read-calibration.js';
import type { DecideOptions } from '../../decide/decide-options.js';
import type { DecisionQuestions } from '../../decide/question.js';
import { readQuestions } from '../../decide/read-questions.js';
import { findRepeatedKey } from '../../decide/repeated-key.js';
import { type DecisionState, readState } from '../../decide/state.js';
import { withLM } from '../engine.js';
import { UsageError } from '../failure.js';
import { readFileContent } from '../input.js';
import type { EngineFlags } from '../options.js';
import { paint, print, printJson } from '../output.js';
import { costLine } from '../view/cost-view.js';
import { decisionView } from '../view/decision-view.js';
import { count } from '../view/text.js';

export interface DecideFlags
  extends EngineFlags,
    Pick<DecideOptions, 'method' | 'orders' | 'prior' | 'confidence' | 'onOverflow'> {
  state?: string;
  questions: string;
  calibration?: string;
  json?: boolean;
}

const stdin = '-';

async function readJson(path: string, what: string, signal: AbortSignal): Promise<unknown> {
  const text = await readFileContent(path, signal);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`The ${what} in ${path} are not valid JSON`, { cause });
  }
  const repeated = await findRepeatedKey(text);
  if (repeated === undefined) return value;
  throw new UsageError(`The ${what} in ${path} have ${repeated} twice`);
}

/** The state, and whether it is JSON by its name. */
async function readStateFile(path: string | undefined, signal: AbortSignal): Promise<unknown> {
  if (path === undefined && process.stdin.isTTY) {
    throw new UsageError('No state: use --state, or pipe it in');
  }
  if (path?.endsWith('.json')) return readJson(path, 'contents', signal);
  return readFileContent(path ?? stdin, signal);
}

export async function decide(flags: DecideFlags, signal: AbortSignal): Promise<void> {
  if (flags.questions === stdin && (flags.state ?? stdin) === stdin) {
    throw new UsageError('State and questions cannot both be read from standard input');
  }
  // Read and checked before the model loads, so that usage errors are immediate.
  const questions = (await readJson(flags.questions, 'questions', signal)) as DecisionQuestions;
  const checked = readQuestions(questions);
  const state = (await readStateFile(flags.state, signal)) as DecisionState;
  readState(state);
  const calibration =
    flags.calibration === undefined
      ? undefined
      : readCalibration(await readJson(flags.calibration, 'contents', signal));
  const { method, orders, prior, confidence, onOverflow } = flags;
  if (method === 'text' && orders !== undefined) {
    throw new UsageError('--orders requires --method labels');
  }
  const options: DecideOptions = {
    ...{ method, orders, prior, confidence, onOverflow, signal },
    calibration: calibration as Calibration | undefined,
  };
  const decision = await withLM(flags, signal, (lm) => lm.decide(state, questions, options));
  if (flags.json) {
    await printJson({ model: flags.model, ...decision });
    return;
  }
  const notes = decision.truncated > 0 ? [`${count(decision.truncated)} characters cut off`] : [];
  await print(
    [
      ...checked.map(({ name }) => decisionView(name, decision.answers)),
      paint('dim', [...notes, costLine(decision)].join('; ')),
    ].join('\n'),
  );
}
