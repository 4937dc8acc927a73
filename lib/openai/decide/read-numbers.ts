// Validates the numbers of a server's answer. Whatever is not a distribution is an error, never an
// answer; rounding is allowed for. Both formats use it.

import { RemoteError } from '../../common/errors.js';

export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The error for a reply that cannot be used. */
export const wrongReply = (what: string): RemoteError =>
  new RemoteError(`The server's reply cannot be used: ${what}`);

/** Beyond rounding to decimals: of arithmetic. */
const tolerance = 1e-6;

/** Servers round to two decimals or more. */
const fewestDecimals = 2;
/** A number with more of them is not rounded. */
const mostDecimals = 8;

/** Half a unit in the last decimal that any of these numbers shows; 0 if they are not rounded. */
function roundingOf(values: readonly number[]): number {
  const decimals = values.reduce((most, value) => {
    const [, digits = ''] = String(value).split('.');
    return Math.max(most, String(value).includes('e') ? Infinity : digits.length);
  }, fewestDecimals);
  return decimals > mostDecimals ? 0 : 0.5 * 10 ** -decimals;
}

/** A number within limits, which arithmetic may exceed by the last digits. */
export function readNumber(value: unknown, most: number, what: string): number {
  const isValid = typeof value === 'number' && value >= -tolerance && value <= most + tolerance;
  if (!isValid) throw wrongReply(`${what} is ${describe(value)}, not a number from 0 to ${most}`);
  return Math.min(most, Math.max(0, value));
}

export const describe = (value: unknown): string =>
  (JSON.stringify(value) ?? String(value)).slice(0, 80);

/** A distribution as a server reports it. */
export interface Distribution {
  /** They add up to 1. */
  probabilities: number[];
  /** As reported. */
  raw: readonly number[];
  /** By how much rounding may have changed each. */
  rounding: number;
}

/** Reads the probabilities of all options of a question, in order. */
export function readDistribution(values: readonly unknown[], at: string): Distribution {
  const raw = values.map((value, option) => {
    return readNumber(value, 1, `probability ${option} of ${at}`);
  });
  const rounding = roundingOf(raw);
  const sum = raw.reduce((total, each) => total + each, 0);
  if (sum === 0 || Math.abs(sum - 1) > raw.length * rounding + tolerance) {
    throw wrongReply(`the probabilities of ${at} add up to ${sum}`);
  }
  return { probabilities: raw.map((each) => each / sum), raw, rounding };
}

/** Checks that the selected option is one of the most likely; returns it. */
export function checkSelected(
  option: number,
  { raw, rounding }: Distribution,
  at: string,
  value: unknown,
): number {
  const own = raw[option];
  if (own === undefined) throw wrongReply(`the choice of ${at} is ${describe(value)}, no option`);
  const most = raw.reduce((max, each) => Math.max(max, each), 0);
  if (own >= most - 2 * rounding - tolerance) return option;
  throw wrongReply(
    `the choice of ${at} is ${describe(value)}, which is not the most likely option`,
  );
}

/** Checks that a score is the mean of its levels. */
export function checkScore(value: unknown, { raw, rounding }: Distribution, at: string): void {
  const count = raw.length;
  const score = readNumber(value, count - 1, `the score of ${at}`);
  const mean = raw.reduce((sum, each, level) => sum + each * level, 0);
  const own = roundingOf([score]) + (rounding * count * (count - 1)) / 2;
  if (Math.abs(score - mean) <= own + tolerance) return;
  throw wrongReply(`the score of ${at} is ${score}, but the mean of its levels ${mean}`);
}

/** The server's confidence; undefined if it reports none. */
export const readConfidence = (value: unknown, at: string): number | undefined =>
  value === undefined || value === null
    ? undefined
    : readNumber(value, 1, `the confidence of ${at}`);

/** What only this package's server reports of an answer. */
export interface OwnNumbers {
  logprobs: readonly number[];
  mass: number;
  margin: number;
  spread: number;
}

/** Reads the fields of this package's server; undefined if the server is another. */
export function readOwnNumbers(answer: Fields, count: number, at: string): OwnNumbers | undefined {
  const { x_logprobs: logprobs, x_mass: mass, x_margin: margin, x_spread: spread } = answer;
  if (logprobs === undefined) return undefined;
  if (!Array.isArray(logprobs) || logprobs.length !== count) {
    throw wrongReply(`x_logprobs of ${at} is not a list of ${count} numbers`);
  }
  return {
    // null: −Infinity, which JSON does not have.
    logprobs: logprobs.map((value: unknown, option) => {
      return value === null ? -Infinity : -readNegative(value, `x_logprobs[${option}] of ${at}`);
    }),
    mass: readNumber(mass, Number.MAX_VALUE, `x_mass of ${at}`),
    margin: margin === null ? Infinity : readNumber(margin, Number.MAX_VALUE, `x_margin of ${at}`),
    spread: readNumber(spread, 1, `x_spread of ${at}`),
  };
}

const readNegative = (value: unknown, what: string): number =>
  readNumber(typeof value === 'number' ? -value : value, Number.MAX_VALUE, what);
