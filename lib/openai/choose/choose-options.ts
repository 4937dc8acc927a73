// The options of `choose` over a server, and their reading. `lib/openai/choose/choose.ts` uses it.

import {
  type ChooseOptions,
  type ChooseRequest,
  choiceOptionNames,
  readChooseOptions,
} from '../../choose/choose-options.js';
import { checkOneOf, checkOptions, checkString, wrongRange } from '../../common/arguments.js';
import { NotSupportedError } from '../../common/errors.js';
import { type Strategy, type StrategyOption, strategyOptions } from './remote-engine.js';

/** Options of `choose` over a server. What a strategy cannot do is a NotSupportedError. */
export interface RemoteChooseOptions extends ChooseOptions {
  /** How the choice is found. Default: the LM's own. */
  strategy?: StrategyOption | undefined;
  /**
   * With strategy `'prompted'`: what the model is told to do with the prompt before it and the
   * labelled choices behind it. Default: {@link defaultInstruction}.
   */
  instruction?: string | undefined;
}

/** What a model is told to do where it has to choose by a label. */
export const defaultInstruction =
  'Which of these options continues the text above best? Answer with its label alone.';

/** The checked options. */
export interface RemoteChooseRequest {
  request: ChooseRequest;
  strategy: StrategyOption;
  instruction: string | undefined;
}

const remoteNames = ['strategy', 'instruction'] as const;

/** The names of all options but `signal`. */
export const remoteOptionNames = [...choiceOptionNames, ...remoteNames] as const;

/** Checks the options; throws TypeError or RangeError. */
export function readRemoteOptions(
  value: RemoteChooseOptions | undefined,
  usual: StrategyOption,
): RemoteChooseRequest {
  const options = checkOptions(value, 'options', [...remoteOptionNames, 'signal']);
  const { strategy = usual, instruction, ...rest } = options;
  if (instruction !== undefined && checkString(instruction, 'instruction').trim() === '') {
    throw wrongRange('a text', 'instruction', instruction);
  }
  return {
    request: readChooseOptions(rest),
    strategy: checkOneOf(strategy, 'strategy', strategyOptions),
    instruction,
  };
}

/** What a request asks for that has no meaning without numbers. */
const numeric: readonly [string, (request: ChooseRequest) => boolean][] = [
  ['normalize', ({ normalize }) => normalize !== 'none'],
  ['prior', ({ prior }) => prior !== undefined],
  ["search 'bound'", ({ search }) => search === 'bound'],
  ['top', ({ top }) => top !== Infinity],
  ['tolerance', ({ tolerance }) => tolerance > 0],
  ["batching 'sequential'", ({ sequential }) => sequential],
];

/** What it asks for that has no meaning where the model reads choices instead of writing them. */
const written: readonly [string, (request: ChooseRequest) => boolean][] = [
  ['boundary', ({ boundary }) => boundary !== 'separate'],
  ['merges', ({ merges }) => merges],
  ['terminator', ({ terminator }) => terminator.kind !== 'none'],
];

/** Throws a NotSupportedError for options that a strategy cannot honour. */
export function checkSupported(
  strategy: Strategy,
  { request, instruction }: RemoteChooseRequest,
): void {
  const refuse = (what: string): never => {
    throw new NotSupportedError(`Strategy '${strategy}' has no use for ${what}`);
  };
  if (request.details) {
    throw new NotSupportedError(`Strategy '${strategy}' cannot tell details: no server does`);
  }
  if (instruction !== undefined && strategy !== 'prompted') refuse('an instruction');
  if (strategy === 'bias' || strategy === 'prompted') {
    for (const [name, isAsked] of numeric) if (isAsked(request)) refuse(name);
  }
  if (strategy === 'prompted') {
    for (const [name, isAsked] of written) if (isAsked(request)) refuse(name);
  }
}
