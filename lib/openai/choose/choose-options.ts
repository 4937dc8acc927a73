// The options of `choose` over a server and their validation. `choose.ts` uses it.

import {
  type ChooseOptions,
  type ChooseRequest,
  choiceOptionNames,
  readChooseOptions,
} from '../../choose/choose-options.js';
import { checkOneOf, checkOptions, checkString, wrongRange } from '../../common/arguments.js';
import { NotSupportedError } from '../../common/errors.js';
import { type Strategy, type StrategyOption, strategyOptions } from './remote-engine.js';

/**
 * Options of `choose` over a server. Options that a strategy cannot honor throw a
 * NotSupportedError.
 */
export interface RemoteChooseOptions extends ChooseOptions {
  /** How the choice is determined. Default: the LM's own. */
  strategy?: StrategyOption | undefined;
  /**
   * With strategy `'prompted'`: the instruction between the prompt and the labeled choices.
   * Default: {@link defaultInstruction}.
   */
  instruction?: string | undefined;
}

/** The default instruction of strategy `'prompted'`. */
export const defaultInstruction =
  'Which of these options continues the text above best? Answer with its label alone.';

/** The validated options. */
export interface RemoteChooseRequest {
  request: ChooseRequest;
  strategy: StrategyOption;
  instruction: string | undefined;
}

const remoteNames = ['strategy', 'instruction'] as const;

/** The names of all options except `signal`. */
export const remoteOptionNames = [...choiceOptionNames, ...remoteNames] as const;

/** Validates the options; throws TypeError or RangeError. */
export function readRemoteOptions(
  value: RemoteChooseOptions | undefined,
  defaultStrategy: StrategyOption,
): RemoteChooseRequest {
  const options = checkOptions(value, 'options', [...remoteOptionNames, 'signal']);
  const { strategy = defaultStrategy, instruction, ...rest } = options;
  if (instruction !== undefined && checkString(instruction, 'instruction').trim() === '') {
    throw wrongRange('a non-blank text', 'instruction', instruction);
  }
  return {
    request: readChooseOptions(rest),
    strategy: checkOneOf(strategy, 'strategy', strategyOptions),
    instruction,
  };
}

/** Options that are meaningless without log-probabilities. */
const numericOptions: readonly [string, (request: ChooseRequest) => boolean][] = [
  ['normalize', ({ normalize }) => normalize !== 'none'],
  ['prior', ({ prior }) => prior !== undefined],
  ["search 'bound'", ({ search }) => search === 'bound'],
  ['top', ({ top }) => top !== Infinity],
  ['tolerance', ({ tolerance }) => tolerance > 0],
  ["batching 'sequential'", ({ sequential }) => sequential],
];

/** Options that are meaningless if the model reads the choices instead of generating them. */
const generationOptions: readonly [string, (request: ChooseRequest) => boolean][] = [
  ['boundary', ({ boundary }) => boundary !== 'separate'],
  ['merges', ({ merges }) => merges],
  ['terminator', ({ terminator }) => terminator.kind !== 'none'],
];

/** Throws a NotSupportedError for options that a strategy cannot honor. */
export function checkSupported(
  strategy: Strategy,
  { request, instruction }: RemoteChooseRequest,
): void {
  const refuse = (what: string): never => {
    throw new NotSupportedError(`Strategy '${strategy}' does not support ${what}`);
  };
  if (request.details) {
    throw new NotSupportedError(
      `Strategy '${strategy}' does not support details: no server reports them`,
    );
  }
  if (instruction !== undefined && strategy !== 'prompted') refuse('an instruction');
  if (strategy === 'bias' || strategy === 'prompted') {
    for (const [name, isRequested] of numericOptions) if (isRequested(request)) refuse(name);
  }
  if (strategy === 'prompted') {
    for (const [name, isRequested] of generationOptions) if (isRequested(request)) refuse(name);
  }
}
