// The commands of an interactive chat: what may be typed after a `!`. `interact.ts` runs them.

import { SamplerSettings } from '../sampling/sampler-settings.js';
import type { TerminalThread } from './terminal-thread.js';

/** What commands work with. */
export interface CommandHost {
  thread: TerminalThread;
  /** Tells the person something. */
  tell(text: string): void;
  /** Empties the screen, where there is one. */
  clearScreen(): void;
  /** Has the bot answer again. */
  reroll(): Promise<void>;
  /** Runs what takes the model's time; a ^C aborts it. */
  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** One command. */
interface Command {
  /** The first is the one that help tells. */
  names: readonly string[];
  help: string;
  /** Whether the chat ends with it. */
  ends?: boolean;
  run(host: CommandHost): void | Promise<void>;
}

function samplerText({ sampler }: TerminalThread): string {
  if (sampler === undefined) return "The LM's own";
  return String(sampler instanceof SamplerSettings ? sampler : new SamplerSettings(sampler));
}

const say = (text: string): string => (text === '' ? '(nothing)' : text);

const commands: readonly Command[] = [
  {
    names: ['reset', 'restart'],
    help: 'go back to how the thread began',
    run: ({ thread, tell }) => {
      thread.reset();
      tell('The thread is as it began');
    },
  },
  { names: ['clear', 'cls'], help: 'empty the screen', run: (host) => host.clearScreen() },
  {
    names: ['stats', 'context', 'ctx'],
    help: 'how much of the context is used',
    run: async ({ thread, tell }) => {
      const parts: string[] = [];
      await thread.printStats({ file: { write: (part: string) => parts.push(part) > 0 } });
      tell(parts.join('').trimEnd());
    },
  },
  {
    names: ['sampler'],
    help: 'how tokens are sampled',
    run: ({ thread, tell }) => tell(samplerText(thread)),
  },
  {
    names: ['string', 'str'],
    help: 'the conversation as the model reads it',
    run: ({ thread, tell }) => tell(say(thread.asString())),
  },
  {
    names: ['repr'],
    help: 'the thread as JSON',
    run: ({ thread, tell }) => tell(JSON.stringify(thread, null, 2)),
  },
  {
    names: ['remove'],
    help: 'take the last message away',
    run: ({ thread, tell }) => {
      const removed = thread.removeLast();
      tell(removed === undefined ? 'There is no message' : `Removed the ${removed.role}'s message`);
    },
  },
  {
    names: ['last'],
    help: 'the last message',
    run: ({ thread, tell }) => {
      const last = thread.messages.at(-1);
      tell(last === undefined ? 'There is no message' : `${last.role}: ${last.content}`);
    },
  },
  {
    names: ['summary', 'summarize'],
    help: 'have the bot summarize the conversation',
    run: async ({ thread, tell, interruptible }) => {
      tell(say(await interruptible((signal) => thread.summarize({ signal }))));
    },
  },
  { names: ['reroll', 're', 'swipe'], help: 'have the bot answer again', run: (h) => h.reroll() },
  {
    names: ['messages', 'msgs'],
    help: 'all messages',
    run: ({ thread, tell }) => {
      const lines = thread.messages.map(
        ({ role, content }, index) => `${index} ${role}: ${content}`,
      );
      tell(say(lines.join('\n')));
    },
  },
  { names: ['exit', 'quit'], help: 'end the chat', ends: true, run: () => {} },
  { names: ['help', '?'], help: 'this list', run: ({ tell }) => tell(helpText()) },
];

/** What may be typed, commands and all. */
export function helpText(): string {
  const width = Math.max(...commands.map(({ names }) => names.join(', ').length)) + 2;
  const rows = commands.map(({ names, help }) => `  ${names.join(', ').padEnd(width)}${help}`);
  return [
    ...rows,
    'At the prompt: ^C ends the chat; while the bot writes it stops it, and ENTER has it write again.',
    '\\ at the end of a line goes on in the next one. < gives what the bot begins its answer with,',
    '!! adds a system message, ! takes a command, as does !command.',
  ].join('\n');
}

/** Runs a command by one of its names. Gives whether it was known, and whether the chat ends. */
export async function runCommand(
  name: string,
  host: CommandHost,
): Promise<'unknown' | 'done' | 'exit'> {
  const command = commands.find(({ names }) => names.includes(name.trim().toLowerCase()));
  if (command === undefined) return 'unknown';
  await command.run(host);
  return command.ends ? 'exit' : 'done';
}
