// The options of `decide` over a server: those of every `decide`, and the way. `decide.ts` uses it.

import { checkOneOf, checkOptions } from '../../common/arguments.js';
import {
  type DecideOptions,
  type DecideRequest,
  decideOptionNames,
  readDecideOptions,
} from '../../decide/decide-options.js';

/** The ways of deciding over a server, in the order in which `'auto'` tries them. */
export const ways = ['decisions', 'systemone', 'choose'] as const;

/**
 * How a server decides: `'decisions'`: by `POST /decisions`, OpenAI's format. `'systemone'`: by
 * `POST /systemone`, the format of hosted decision models. `'choose'`: the questions are rendered
 * here, and their options scored by the strategies `'echo'` and `'logprobs'` of `choose`.
 */
export type DecideWay = (typeof ways)[number];

/** The ways that have a route of their own. */
export type WireFormat = Exclude<DecideWay, 'choose'>;

/**
 * Options of `decide` over a server. `'choose'` takes all of them. The others depend on the server:
 * one of this package takes `method`, `orders`, `labels`, `prior`, `normalize` and `onOverflow`.
 * `confidence` is computed here. An option that a way cannot express throws a NotSupportedError.
 */
export interface RemoteDecideOptions extends DecideOptions {
  /**
   * The way. `'auto'` (default): the first of {@link DecideWay} that the server has, and that can
   * express the questions and options. A tiny request determines what the server has, once per LM.
   */
  via?: DecideWay | 'auto' | undefined;
}

/** The validated options. */
export interface RemoteDecideRequest {
  request: DecideRequest;
  via: DecideWay | 'auto';
  /** The options that the caller set, without `via`. */
  given: DecideOptions;
}

/** Validates the options; throws TypeError or RangeError. */
export function readRemoteDecideOptions(
  value: RemoteDecideOptions | undefined,
): RemoteDecideRequest {
  const names = [...decideOptionNames, 'via'] as const;
  const { via = 'auto', ...given } = checkOptions(value, 'options', names);
  return {
    request: readDecideOptions(given),
    via: checkOneOf(via, 'via', ['auto', ...ways]),
    given,
  };
}

/** Options that no format has a field for, and whether a request sets them. */
const inexpressible: readonly [keyof DecideOptions, (request: DecideRequest) => boolean][] = [
  ['terminator', ({ terminator }) => terminator.kind !== 'none'],
  ['calibration', ({ calibration }) => calibration !== undefined],
  ['template', ({ template }) => template !== undefined],
  ['details', ({ details }) => details],
];

/** The fields of this package's own server, and whether a request needs them. */
const ownFields = [
  ['method', 'x_method', ({ given }) => given.method !== undefined],
  ['orders', 'x_orders', ({ given }) => given.orders !== undefined],
  ['labels', 'x_labels', ({ given }) => given.labels !== undefined],
  ['prior', 'x_prior', ({ request }) => request.prior],
  ['normalize', 'x_normalize', ({ request }) => request.normalize !== 'none'],
  ['onOverflow', 'x_on_overflow', ({ request }) => request.truncates],
] as const satisfies readonly [
  keyof DecideOptions,
  string,
  (read: RemoteDecideRequest) => boolean,
][];

/** The first option that no format can express, if any. */
export function inexpressibleOption({
  request,
  given,
}: RemoteDecideRequest): keyof DecideOptions | undefined {
  if (given.render !== undefined) return 'render';
  return inexpressible.find(([, isSet]) => isSet(request))?.[0];
}

/** The first option that only this package's server has a field for, if any. */
export const ownOption = (read: RemoteDecideRequest): keyof DecideOptions | undefined =>
  ownFields.find(([, , isSet]) => isSet(read))?.[0];

/** The fields that this package's server takes beside those of a format. */
export function ownFieldsOf(read: RemoteDecideRequest): Record<string, unknown> {
  const set = ownFields.filter(([, , isSet]) => isSet(read));
  return Object.fromEntries(set.map(([option, field]) => [field, read.given[option]]));
}
