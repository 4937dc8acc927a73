// Sampling options, shared by `complete` and `chat`.

import type { Command } from 'commander';
import { pick } from '../common/pick.js';
import { type SamplerOptions, SamplerSettings } from '../sampling/sampler-settings.js';
import { integer, number } from './options.js';

/** Options of every command that samples. */
export interface SamplerFlags {
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repeatPenalty?: number;
  seed?: number;
}

export const samplerFlagNames = [
  'temperature',
  'topK',
  'topP',
  'minP',
  'repeatPenalty',
  'seed',
] as const satisfies (keyof SamplerFlags)[];

/** Adds the options; `defaultTemperature` is how the help describes the default. */
export function addSamplerOptions(command: Command, defaultTemperature: string): Command {
  return command
    .option('--temperature <t>', `0 for greedy decoding (default: ${defaultTemperature})`, number)
    .option('--top-k <n>', 'sample from the n most likely tokens, 0 for all', integer(0))
    .option(
      '--top-p <p>',
      'sample from the most likely tokens whose probabilities sum to p',
      number,
    )
    .option(
      '--min-p <p>',
      "sample from tokens with at least p times the top token's probability",
      number,
    )
    .option(
      '--repeat-penalty <x>',
      'penalize tokens that occurred before, 1 for no penalty',
      number,
    )
    .option('--seed <n>', 'random seed: the same seed generates the same output', integer(0));
}

/** The sampler settings of the flags; undefined if no flag is set. */
export function samplerOf(flags: SamplerFlags): SamplerSettings | undefined {
  const given = pick(flags, samplerFlagNames);
  if (Object.keys(given).length === 0) return undefined;
  return new SamplerSettings(given as SamplerOptions);
}
