// Defines the command `decide`, for `program.ts`.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { confidences } from '../decide/confidence.js';
import type { Orders } from '../decide/labels.js';
import * as help from './help.js';
import { addEngineOptions, addJsonOption, integer } from './options.js';

const orders = (text: string): Orders => {
  if (text === 'balanced') return text;
  try {
    return integer(1)(text);
  } catch {
    throw new InvalidArgumentError("Expected 'balanced' or an integer of at least 1.");
  }
};

export function addDecide(program: Command, signal: AbortSignal): void {
  const command = program
    .command('decide')
    .summary('answer typed questions about a state')
    .description('Answer typed questions about a state, each by a probability per option.')
    .option('--state <path>', 'the state: text, or JSON if it ends in .json (default: stdin)')
    .requiredOption('--questions <path>', 'the questions, in JSON')
    .addOption(
      new Option('--method <how>', 'score options as texts, or labels that they are listed under')
        .choices(['text', 'labels'])
        .default('text'),
    )
    .option('--orders <n>', "with labels: 'balanced', or the number of orders", orders)
    .option('--prior', 'subtract what the options have without the state')
    .addOption(
      new Option('--confidence <formula>', 'the formula of the confidence')
        .choices(confidences)
        .default('reference'),
    )
    .option('--calibration <path>', 'a calibration, in JSON')
    .addOption(
      new Option('--on-overflow <what>', 'what to do with a state that does not fit')
        .choices(['error', 'truncate'])
        .default('error'),
    );
  addEngineOptions(command);
  addJsonOption(command)
    .addHelpText('after', help.decide)
    .action(async (flags) => {
      const { decide } = await import('./commands/decide.js');
      await decide(flags, signal);
    });
}
