// The options that say how tokens are sampled, for `complete` and `chat`.

import type { Command } from 'commander';
import { pick } from '../common/pick.js';
import { type SamplerOptions, SamplerSettings } from '../sampling/sampler-settings.js';
import { integer, number } from './options.js';

/** Of every command that samples. */
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

/** Adds them; `unless` says what happens where none is given. */
export function addSamplerOptions(command: Command, unless: string): Command {
  return command
    .option('--temperature <t>', `0 for the likeliest token each time (default: ${unless})`, number)
    .option('--top-k <n>', 'sample among so many of the likeliest tokens, 0 for all', integer(0))
    .option('--top-p <p>', 'sample among the likeliest tokens that have this probability', number)
    .option('--min-p <p>', "sample among tokens with this share of the likeliest's", number)
    .option('--repeat-penalty <x>', 'make what was written before less likely, 1 for not', number)
    .option('--seed <n>', 'what chance begins with: the same seed writes the same', integer(0));
}

/** The sampler that the flags ask for; undefined where they ask for none. */
export function samplerOf(flags: SamplerFlags): SamplerSettings | undefined {
  const given = pick(flags, samplerFlagNames);
  if (Object.keys(given).length === 0) return undefined;
  return new SamplerSettings(given as SamplerOptions);
}
