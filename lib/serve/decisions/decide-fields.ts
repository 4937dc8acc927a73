// What both decision routes share: the fields that select how `decide` scores, and the call.

import { argumentOf } from '../../common/arguments.js';
import type { Decision, DecisionAnswer } from '../../decide/answer.js';
import type { DecideOptions } from '../../decide/decide-options.js';
import type { DecisionQuestion } from '../../decide/question.js';
import type { DecisionState } from '../../decide/state.js';
import type { Fields } from '../http/fields.js';
import { blame, HttpError, renamed } from '../http/http-error.js';
import type { Call, Served } from '../served.js';
import { costOf } from '../turns.js';

/** Options of `decide` by their fields, which neither format has: hence the prefix. */
const optionFields = {
  x_method: 'method',
  x_orders: 'orders',
  x_labels: 'labels',
  x_prior: 'prior',
  x_normalize: 'normalize',
  x_confidence: 'confidence',
  x_on_overflow: 'onOverflow',
} as const satisfies Record<string, keyof DecideOptions>;

/** Reads the options; `decide` validates them itself. */
export function readDecideFields(fields: Fields): DecideOptions {
  const options: Record<string, unknown> = {};
  for (const [field, option] of Object.entries(optionFields)) {
    const value = fields.get(field, (raw) => raw);
    if (value !== undefined) options[option] = value;
  }
  return options;
}

/**
 * What only this package reports of an answer, with the prefix of the request's own fields. Numbers that
 * are not finite become null, as always in JSON.
 */
export const extensionsOf = ({ mass, margin, spread, options }: DecisionAnswer): object => ({
  x_mass: mass,
  x_margin: margin,
  x_spread: spread,
  x_logprobs: options.map(({ logprob }) => logprob),
});

/** The length as JSON; 0 for a nesting beyond the stack, which `decide` refuses. */
function sizeOf(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    return 0;
  }
}

/**
 * Decides when it is the request's turn. `fieldOf` returns the request's field for an argument of
 * `decide`, such as `questions["tone"].criteria`.
 */
export async function decideFor(
  { lm, turns, chatTemplate: template }: Served,
  { state, questions }: { state: DecisionState; questions: [string, DecisionQuestion][] },
  options: DecideOptions,
  { signal }: Call,
  fieldOf: (argument: string) => string = (argument) => argument,
): Promise<Decision> {
  const length = sizeOf(state) + sizeOf(questions);
  const request = { ...options, ...(template !== undefined && { template }), signal };
  try {
    return await turns.take(costOf(length / 4, 0), signal, () =>
      lm.decide(state, questions, request),
    );
  } catch (error) {
    const argument = argumentOf(error);
    const [field] = Object.entries(optionFields).find(([, option]) => option === argument) ?? [];
    const param = argument === undefined ? undefined : (field ?? fieldOf(argument));
    if ((error as { code?: unknown }).code === 'INVALID_LOGPROBS') {
      const message = 'The model gives every option of a question the probability 0';
      throw new HttpError(422, message, { code: 'undecidable', cause: error });
    }
    const blamed = blame(error, param);
    if (!(blamed instanceof HttpError) || argument === undefined) throw blamed;
    const { message, status, details } = blamed;
    throw new HttpError(status, renamed(message, argument, param as string), details);
  }
}
