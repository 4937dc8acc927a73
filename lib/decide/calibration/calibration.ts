// A calibration: how the scores of `decide` are scaled before they become probabilities. A small JSON
// value that `calibrate` makes, and that a caller keeps in a file.

import type { QuestionType } from '../question.js';
import type { DecisionMethod } from '../render.js';

/** Probabilities are the softmax of score / `temperature` + `bias`. */
export interface Scale {
  /** From 1e-6 to 1e6; above 1 makes probabilities less extreme. */
  temperature: number;
  /** By option, level (`"0"`, `"1"`, …) or case (`Yes`, `No`); default 0 for each. */
  bias?: Record<string, number>;
}

/** What `calibrate` returns and `decide` takes: plain JSON. */
export interface Calibration {
  version: 1;
  /** The method that it was fitted for: its scores are of another scale than the other method's. */
  method: DecisionMethod;
  /** By type of question. */
  types: Partial<Record<QuestionType, Scale>>;
  /** By name of a question, in place of its type's. */
  questions: Record<string, Scale>;
}

/** The scale of a question: its own, or that of its type. */
export function scaleOf(
  calibration: Calibration | undefined,
  { name, type }: { name: string; type: QuestionType },
): Scale | undefined {
  if (calibration === undefined) return undefined;
  const { questions, types } = calibration;
  return Object.hasOwn(questions, name) ? questions[name] : types[type];
}
