// A chat in a terminal: sends the user's lines to a thread and prints the answers as they are
// generated. `Thread.interact` and `interact` run it.

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
  /** Color user, bot and notes differently, on a terminal and without NO_COLOR. Default true. */
  color?: boolean | undefined;
  /** A line to print first. Default none. */
  header?: string | undefined;
  /** Print answers as they are generated, instead of when they are complete. Default true. */
  stream?: boolean | undefined;
  /** Where lines are read from. Default standard input. */
  input?: Readable | undefined;
  /** Where to print. Default standard output. */
  output?: Writable | undefined;
  /**
   * Whether input and output are a terminal, with line editing and ^C as a key. Default: whether
   * both have `isTTY` set.
   */
  terminal?: boolean | undefined;
  /** Ends the chat, which then rejects with the signal's reason. */
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
  const isInteractive = isTerminal(input) && isTerminal(output);
  return {
    input,
    output,
    color: checkBoolean(options.color ?? true, 'color'),
    header: header === undefined ? undefined : checkString(header, 'header'),
    stream: checkBoolean(options.stream ?? true, 'stream'),
    terminal: checkBoolean(options.terminal ?? isInteractive, 'terminal'),
    signal: checkSignal(options.signal, 'signal'),
  };
}

type Settings = ReturnType<typeof readOptions>;

/**
 * Chats until the user leaves: with ^C at the prompt, with `!exit`, or at the end of the input.
 * If an answer fails, the error is printed and the chat continues without it.
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

/** A running chat. */
class Chat implements CommandHost {
  readonly thread: TerminalThread;
  readonly #settings: Settings;
  readonly #palette: Palette;
  readonly #reader: LineReader;
  /** The prefix of the next answer. */
  #prefix = '';
  /** Whether the last answer was stopped, so that ENTER regenerates it. */
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
        if (!(await this.#handle(text))) return;
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (error instanceof ClosedError) throw error;
        this.#line('error', error instanceof Error ? error.message : String(error));
      }
    }
  }

  print = (text: string): void => this.#line('system', text);

  clearScreen(): void {
    if (this.#settings.terminal) this.#write('\u001b[2J\u001b[3J\u001b[H');
    else this.#line('dim', 'There is no screen to clear');
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

  /** Handles a line of input; returns whether the chat continues. */
  async #handle(text: string): Promise<boolean> {
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
      this.#line('error', `Unknown command ${JSON.stringify(name.trim())}; try !help`);
    }
    return outcome !== 'exit';
  }

  async #answer(send: (options: SendOptions) => ReplyStream): Promise<void> {
    const prefix = this.#prefix;
    this.#stopped = false;
    const { completion, droppedMessages } = await this.interruptible(async (signal) => {
      const stream = send({ prefix, signal, stopOnAbort: true });
      await this.#show(stream, prefix.trim());
      return stream.reply;
    });
    this.#settings.signal?.throwIfAborted();
    this.#prefix = '';
    this.#stopped = completion.stopReason === 'abort';
    if (this.#stopped) this.#line('dim', 'Stopped; press ENTER to regenerate');
    if (droppedMessages > 0) {
      this.#line('dim', `The ${droppedMessages} oldest messages no longer fit in the context`);
    }
  }

  /** Prints an answer as it arrives, without leading and trailing whitespace. */
  async #show(stream: ReplyStream, prefix: string): Promise<void> {
    const { bot, reset } = this.#palette;
    try {
      if (!this.#settings.stream) {
        const { message } = await stream.reply;
        this.#write(bot + this.#sanitize(message.content));
        return;
      }
      this.#write(bot + this.#sanitize(prefix));
      let pending = '';
      let hasStarted = prefix !== '';
      for await (const { text } of stream) {
        pending += hasStarted ? text : text.trimStart();
        const shown = pending.trimEnd();
        this.#write(this.#sanitize(shown));
        pending = pending.slice(shown.length);
        hasStarted ||= shown !== '';
      }
    } finally {
      this.#write(`${reset}\n`);
    }
  }

  /**
   * Reads a line and its continuation lines after a trailing backslash; undefined on ^C and at
   * the end of the input.
   */
  async #ask(prompt: string, style: keyof Palette): Promise<string | undefined> {
    const { reset } = this.#palette;
    const color = this.#palette[style];
    const lines: string[] = [];
    for (let lead = prompt; ; lead = '... ') {
      const pending = this.#reader.read(`${reset}${lead}${color}`);
      const line = await raceAbort(pending, this.#settings.signal);
      this.#write(reset);
      if (line.kind !== 'line') {
        this.#write('\n');
        return undefined;
      }
      const continues = line.text.endsWith('\\');
      lines.push(continues ? line.text.slice(0, -1) : line.text);
      if (!continues) return lines.join('\n');
    }
  }

  #line(style: keyof Palette, text: string): void {
    this.#write(`${this.#palette[style]}${this.#sanitize(text)}${this.#palette.reset}\n`);
  }

  /** Strips control characters: a model must not move the cursor or ring the bell. */
  #sanitize(text: string): string {
    if (!this.#settings.terminal) return text;
    return text.replace(/\p{Cc}/gu, (control) =>
      control === '\n' || control === '\t' ? control : '',
    );
  }

  #write(text: string): void {
    if (text !== '') this.#settings.output.write(text);
  }
}
