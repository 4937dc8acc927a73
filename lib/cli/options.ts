// Options that several commands share, and parsers of option values.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { defaultModelPath } from '../model/default-model.js';

/** Options of every command that loads a model. */
export interface ModelFlags {
  model: string;
}

/** Options of every command that runs a model. */
export interface EngineFlags extends ModelFlags {
  threads?: number;
  contextSize?: number;
  gpuLayers?: number | 'all';
}

/** Options of every command that takes a prompt. */
export interface PromptFlags {
  prompt?: string;
  promptFile?: string;
}

/** Parses an option's value as an integer. */
export const integer =
  (min: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
    throw new InvalidArgumentError(`Expected an integer of at least ${min}.`);
  };

/** Parses an option's value as a number. */
export const number = (text: string): number => {
  const value = Number(text);
  if (/\d/.test(text) && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number.');
};

/** Collects the values of a repeatable option. */
export const repeatable = (text: string, before: string[] = []): string[] => [...before, text];

const layers = (text: string): number | 'all' => (text === 'all' ? text : integer(0)(text));

export function addModelOption(command: Command): Command {
  const option = new Option('-m, --model <path>', 'the model, a GGUF file');
  return command.addOption(option.default(defaultModelPath, 'the bundled model'));
}

export function addEngineOptions(command: Command): Command {
  return addModelOption(command)
    .option(
      '--threads <n>',
      'number of threads (default: the number of physical cores)',
      integer(1),
    )
    .option(
      '--context-size <n>',
      "maximum tokens of prompt and choice (default: the model's, at most 4096)",
      integer(1),
    )
    .option('--gpu-layers <n|all>', 'layers to offload to GPUs (default: all)', layers);
}

export function addPromptOptions(command: Command): Command {
  const file = new Option('--prompt-file <path>', 'read the prompt from a file, - for stdin');
  return command
    .option('-p, --prompt <text>', 'the prompt (default: read from stdin)')
    .addOption(file.conflicts('prompt'));
}

export function addJsonOption(command: Command): Command {
  return command.option('--json', 'print the complete result as one line of JSON');
}
