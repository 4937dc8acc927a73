// Reads the input of commands: prompts and choices, from flags, files or stdin.

import { readFile } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { UsageError } from './failure.js';
import type { PromptFlags } from './options.js';

const stdin = '-';

/** The prompt: a flag's value as is; a file or stdin without one trailing newline. */
export async function readPrompt(flags: PromptFlags, signal: AbortSignal): Promise<string> {
  if (flags.prompt !== undefined) return flags.prompt;
  if (flags.promptFile !== undefined) {
    return withoutTrailingNewline(await readText(flags.promptFile, signal));
  }
  if (process.stdin.isTTY) {
    throw new UsageError('No prompt: use --prompt or --prompt-file, or pipe it in');
  }
  const text = await readText(stdin, signal);
  // Implicit stdin: empty input more likely means missing input than an empty prompt.
  if (text === '') throw new UsageError('No prompt: standard input is empty');
  return withoutTrailingNewline(text);
}

/** The choices: arguments as is, or the lines of a file. */
export async function readChoices(
  args: readonly string[],
  flags: PromptFlags & { choicesFile?: string },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { choicesFile: path } = flags;
  if (path === undefined) {
    if (args.length === 0) {
      throw new UsageError('No choices: pass them as arguments or with --choices-file');
    }
    return args;
  }
  if (args.length > 0) throw new UsageError('Pass choices as arguments or in a file, not both');
  if (path === stdin && flags.prompt === undefined && (flags.promptFile ?? stdin) === stdin) {
    throw new UsageError('Prompt and choices cannot both be read from standard input');
  }
  const text = withoutTrailingNewline(await readText(path, signal));
  if (text === '') throw new UsageError('No choices: the file is empty');
  return text.split(/\r?\n/);
}

const withoutTrailingNewline = (text: string): string => text.replace(/\r?\n$/, '');

/** The text of a file or, for `-`, of stdin, without one trailing newline. */
export const readFileContent = async (path: string, signal: AbortSignal): Promise<string> =>
  withoutTrailingNewline(await readText(path, signal));

/** The text of a file. */
export const readFileText = (path: string, signal: AbortSignal): Promise<string> =>
  readText(path, signal);

async function readText(path: string, signal: AbortSignal): Promise<string> {
  const name = path === stdin ? 'standard input' : path;
  const bytes = await readBytes(path, signal).catch((cause: unknown) => {
    throw new Error(`Cannot read ${name}`, { cause });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`Cannot read ${name}: it is not valid UTF-8`);
  }
}

const readBytes = (path: string, signal: AbortSignal): Promise<Uint8Array> =>
  path === stdin ? buffer(addAbortSignal(signal, process.stdin)) : readFile(path, { signal });
