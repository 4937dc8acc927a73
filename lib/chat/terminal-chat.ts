// A chat in a terminal: a person's lines go to a thread, the bot's answers come back as they
// are generated. `Thread.interact` and `interact` run it.

import type { Readable, Writable } from 'node:stream';
import { raceAbort } from '../common/abort.js';
import {
  checkBoolean,
  checkOptions,
  checkSignal,
  checkString,
  wrongType,
} from '../common/arguments.js';
import { ClosedError } from '../common/errors.js';
import { type CommandHost, runCommand } from './commands.js';
import { LineReader } from './line-reader.js';
import { choosePalette, type Palette } from './palette.js';
import type { ReplyStream } from './reply-stream.js';
import type { TerminalThread } from './terminal-thread.js';
import type { SendOptions } from './thread-options.js';

/** Options of `interact`. */
export interface InteractOptions {
  /** Tell user, bot and the rest apart by colours, on a terminal without NO_COLOR. Default true. */
  color?: boolean | undefined;
  /** What to print first. Default none. */
  header?: string | undefined;
  /** Print answers as they are written, instead of when they are complete. Default true. */
  stream?: boolean | undefined;
  /** Where lines come from. Default standard input. */
  input?: Readable | undefined;
  /** Where everything is printed. Default standard output. */
  output?: Writable | undefined;
  /** Whether the two are a terminal: lines are edited, ^C is a key. Default: as they say. */
  terminal?: boolean | undefined;
  /** Ends the chat: it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

const isTerminal = (stream: object): boolean => (stream as { isTTY?: boolean }).isTTY === true;

function readOptions(value: InteractOptions | undefined) {
  const options = checkOptions(value, 'options', [
    'color',
    'header',
    'stream',
    'input',
    'output',
    'terminal',
    'signal',
  ]);
  const { input = process.stdin, output = process.stdout, header } = options;
  if (typeof input?.on !== 'function') throw wrongType('a readable stream', 'input', input);
  if (typeof output?.write !== 'function') throw wrongType('a writable stream', 'output', output);
  const usual = isTerminal(input) && isTerminal(output);
  return {
    input,
    output,
    color: checkBoolean(options.color ?? true, 'color'),
    header: header === undefined ? undefined : checkString(header, 'header'),
    stream: checkBoolean(options.stream ?? true, 'stream'),
    terminal: checkBoolean(options.terminal ?? usual, 'terminal'),
    signal: checkSignal(options.signal, 'signal'),
  };
}

type Settings = ReturnType<typeof readOptions>;

/**
 * Chats until the person leaves: by ^C at the prompt, by `!exit`, or where the input ends. What
 * goes wrong with one answer is told, and the chat goes on without it.
 *
 * @throws ClosedError when the LM is closed meanwhile; the signal's reason
 */
export async function chatInTerminal(
  thread: TerminalThread,
  options?: InteractOptions,
): Promise<void> {
  const settings = readOptions(options);
  settings.signal?.throwIfAborted();
  const chat = new Chat(thread, settings);
  try {
    await chat.run();
  } finally {
    chat.close();
  }
}

/** One run of `interact`. */
class Chat implements CommandHost {
  readonly thread: TerminalThread;
  readonly #settings: Settings;
  readonly #palette: Palette;
  readonly #reader: LineReader;
  /** What the next answer begins with. */
  #prefix = '';
  /** Whether the last answer was stopped, so that ENTER asks for another. */
  #stopped = false;

  constructor(thread: TerminalThread, settings: Settings) {
    const { color, terminal, input, output } = settings;
    this.thread = thread;
    this.#settings = settings;
    this.#palette = choosePalette(color, terminal, output);
    this.#reader = new LineReader(input, output, terminal);
  }

  close(): void {
    this.#write(this.#palette.reset);
    this.#reader.close();
  }

  async run(): Promise<void> {
    const { header, signal } = this.#settings;
    if (header !== undefined) this.#line('dim', header);
    for (;;) {
      const text = await this.#ask('  > ', 'user');
      if (text === undefined) return;
      try {
        if (!(await this.#obey(text))) return;
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (error instanceof ClosedError) throw error;
        this.#line('error', error instanceof Error ? error.message : String(error));
      }
    }
  }

  tell = (text: string): void => this.#line('system', text);

  clearScreen(): void {
    if (this.#settings.terminal) this.#write('\u001b[2J\u001b[3J\u001b[H');
    else this.#line('dim', 'There is no screen to empty');
  }

  reroll(): Promise<void> {
    return this.#answer((options) => this.thread.rerollStream(options));
  }

  interruptible = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const { signal } = this.#settings;
    const interruption = new AbortController();
    const done = this.#reader.whileBusy(() => {
      interruption.abort(new Error('Stopped'));
    });
    const signals = [interruption.signal, ...(signal === undefined ? [] : [signal])];
    try {
      return await work(AbortSignal.any(signals));
    } finally {
      done();
    }
  };

  /** Does what a line says; gives whether the chat goes on. */
  async #obey(text: string): Promise<boolean> {
    const line = text.trim();
    if (line === '') {
      if (this.#stopped) await this.reroll();
    } else if (line === '<') {
      this.#prefix = (await this.#ask('  < ', 'bot')) ?? '';
    } else if (line.startsWith('!!')) {
      const content = line === '!!' ? await this.#ask(' !! ', 'system') : line.slice(2).trim();
      if (content !== undefined && content !== '') this.thread.addMessage('system', content);
    } else if (line.startsWith('!')) {
      const name = line === '!' ? await this.#ask('  ! ', 'system') : line.slice(1);
      return name === undefined || this.#command(name);
    } else {
      await this.#answer((options) => this.thread.sendStream(text, options));
    }
    return true;
  }

  async #command(name: string): Promise<boolean> {
    const outcome = await runCommand(name, this);
    if (outcome === 'unknown') {
      this.#line('error', `There is no command ${JSON.stringify(name.trim())}; try !help`);
    }
    return outcome !== 'exit';
  }

  async #answer(ask: (options: SendOptions) => ReplyStream): Promise<void> {
    const prefix = this.#prefix;
    this.#stopped = false;
    const { completion, droppedMessages } = await this.interruptible(async (signal) => {
      const replying = ask({ prefix, signal, stopOnAbort: true });
      await this.#show(replying, prefix.trim());
      return replying.reply;
    });
    this.#settings.signal?.throwIfAborted();
    this.#prefix = '';
    this.#stopped = completion.stopReason === 'abort';
    if (this.#stopped) this.#line('dim', 'Stopped; ENTER has it answer again');
    if (droppedMessages > 0) {
      this.#line('dim', `The ${droppedMessages} oldest messages no longer fit in the context`);
    }
  }

  /** Prints an answer. Spaces at its ends are none of it. */
  async #show(replying: ReplyStream, prefix: string): Promise<void> {
    const { bot, reset } = this.#palette;
    try {
      if (!this.#settings.stream) {
        const { message } = await replying.reply;
        this.#write(bot + this.#harmless(message.content));
        return;
      }
      this.#write(bot + this.#harmless(prefix));
      let pending = '';
      let begun = prefix !== '';
      for await (const { text } of replying) {
        pending += begun ? text : text.trimStart();
        const shown = pending.trimEnd();
        this.#write(this.#harmless(shown));
        pending = pending.slice(shown.length);
        begun ||= shown !== '';
      }
    } finally {
      this.#write(`${reset}\n`);
    }
  }

  /** A line, or several of which each but the last ends in a backslash; undefined for the end. */
  async #ask(prompt: string, voice: keyof Palette): Promise<string | undefined> {
    const { reset } = this.#palette;
    const colour = this.#palette[voice];
    const lines: string[] = [];
    for (let lead = prompt; ; lead = '... ') {
      const reading = this.#reader.read(`${reset}${lead}${colour}`);
      const line = await raceAbort(reading, this.#settings.signal);
      this.#write(reset);
      if (line.kind !== 'line') {
        this.#write('\n');
        return undefined;
      }
      const goesOn = line.text.endsWith('\\');
      lines.push(goesOn ? line.text.slice(0, -1) : line.text);
      if (!goesOn) return lines.join('\n');
    }
  }

  #line(voice: keyof Palette, text: string): void {
    this.#write(`${this.#palette[voice]}${this.#harmless(text)}${this.#palette.reset}\n`);
  }

  /** A text without what a terminal would obey: no model is to move the cursor or ring the bell. */
  #harmless(text: string): string {
    if (!this.#settings.terminal) return text;
    return text.replace(/\p{Cc}/gu, (sign) => (sign === '\n' || sign === '\t' ? sign : ''));
  }

  #write(text: string): void {
    if (text !== '') this.#settings.output.write(text);
  }
}
