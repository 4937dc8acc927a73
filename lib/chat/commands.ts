// The commands of an interactive chat: what the user may type after `!`. `terminal-chat.ts` runs
// them.

import { SamplerSettings } from '../sampling/sampler-settings.js';
import type { TerminalThread } from './terminal-thread.js';

/** The chat as its commands see it. */
export interface CommandHost {
  thread: TerminalThread;
  /** Prints a notice to the user. */
  print(text: string): void;
  /** Clears the screen if the output is a terminal. */
  clearScreen(): void;
  /** Regenerates the last answer. */
  reroll(): Promise<void>;
  /** Runs work that calls the model; ^C aborts it. */
  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

interface Command {
  /** The first is the primary name; the rest are aliases. */
  names: readonly string[];
  help: string;
  /** Whether it ends the chat. */
  ends?: boolean;
  run(host: CommandHost): void | Promise<void>;
}

function samplerText({ sampler }: TerminalThread): string {
  if (sampler === undefined) return "The LM's default";
  return String(sampler instanceof SamplerSettings ? sampler : new SamplerSettings(sampler));
}

const orEmpty = (text: string): string => (text === '' ? '(empty)' : text);

const commands: readonly Command[] = [
  {
    names: ['reset', 'restart'],
    help: 'restore the initial messages',
    run: ({ thread, print }) => {
      thread.reset();
      print('The thread has been reset');
    },
  },
  { names: ['clear', 'cls'], help: 'clear the screen', run: (host) => host.clearScreen() },
  {
    names: ['stats', 'context', 'ctx'],
    help: 'how much of the context is used',
    run: async ({ thread, print }) => {
      const parts: string[] = [];
      await thread.printStats({ file: { write: (part: string) => parts.push(part) > 0 } });
      print(parts.join('').trimEnd());
    },
  },
  {
    names: ['sampler'],
    help: 'the sampler settings',
    run: ({ thread, print }) => print(samplerText(thread)),
  },
  {
    names: ['string', 'str'],
    help: 'the conversation as the model sees it',
    run: ({ thread, print }) => print(orEmpty(thread.asString())),
  },
  {
    names: ['repr'],
    help: 'the thread as JSON',
    run: ({ thread, print }) => print(JSON.stringify(thread, null, 2)),
  },
  {
    names: ['remove'],
    help: 'remove the last message',
    run: ({ thread, print }) => {
      const removed = thread.removeLast();
      print(
        removed === undefined
          ? 'There are no messages'
          : `Removed the last ${removed.role} message`,
      );
    },
  },
  {
    names: ['last'],
    help: 'the last message',
    run: ({ thread, print }) => {
      const last = thread.messages.at(-1);
      print(last === undefined ? 'There are no messages' : `${last.role}: ${last.content}`);
    },
  },
  {
    names: ['summary', 'summarize'],
    help: 'summarize the conversation',
    run: async ({ thread, print, interruptible }) => {
      print(orEmpty(await interruptible((signal) => thread.summarize({ signal }))));
    },
  },
  { names: ['reroll', 're', 'swipe'], help: 'regenerate the last answer', run: (h) => h.reroll() },
  {
    names: ['messages', 'msgs'],
    help: 'all messages',
    run: ({ thread, print }) => {
      const lines = thread.messages.map(
        ({ role, content }, index) => `${index} ${role}: ${content}`,
      );
      print(orEmpty(lines.join('\n')));
    },
  },
  { names: ['exit', 'quit'], help: 'end the chat', ends: true, run: () => {} },
  { names: ['help', '?'], help: 'this list', run: ({ print }) => print(helpText()) },
];

/** The help text: all commands, keys and prefixes. */
export function helpText(): string {
  const width = Math.max(...commands.map(({ names }) => names.join(', ').length)) + 2;
  const rows = commands.map(({ names, help }) => `  ${names.join(', ').padEnd(width)}${help}`);
  return [
    ...rows,
    'At the prompt, ^C ends the chat. During an answer, ^C stops it; ENTER then regenerates it.',
    '\\ at the end of a line continues it on the next. < sets the prefix of the next answer,',
    '!! adds a system message, ! asks for a command; !command runs it at once.',
  ].join('\n');
}

/** Runs a command by name or alias; returns `'exit'` if it ends the chat. */
export async function runCommand(
  name: string,
  host: CommandHost,
): Promise<'unknown' | 'done' | 'exit'> {
  const command = commands.find(({ names }) => names.includes(name.trim().toLowerCase()));
  if (command === undefined) return 'unknown';
  await command.run(host);
  return command.ends ? 'exit' : 'done';
}
