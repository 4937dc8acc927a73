// What a rendering may cost. A model's template is a program from a stranger: it gets far more than
// any honest one takes, and an error beyond that. The parts of the interpreter charge their work to
// the meter that is running; `rendering.ts` starts and stops it.

import { getHeapStatistics } from 'node:v8';
import { TemplateLimitError } from './errors.js';

/** What a rendering may cost; see {@link limitsFor}. */
export interface Limits {
  /** Evaluated expressions and statements, and items that are visited. */
  steps: number;
  /** Bytes of the texts and lists that are made or searched, whether they are kept or not. */
  memory: number;
  /** The length of any text, in UTF-16 code units. */
  text: number;
  /** Characters of the rendered text. */
  output: number;
  /** Milliseconds of rendering, without the pauses in between. */
  time: number;
}

/** The longest integer that a template may compute with, in bits. */
const maxBits = 2 ** 16;
const maxInteger = 1n << BigInt(maxBits);

/** How long a rendering may hold up the event loop between two pauses, in milliseconds. */
const sliceMs = 5;
/** The clock is read once in this many steps. */
const stepsPerLook = 1000;
/**
 * The most steps between two pauses. Only a single operation takes more than a slice, such as
 * printing a list; steps are counted because a busy machine makes any slice long.
 */
const maxStretch = 1_000_000;

/**
 * The limits for a conversation. Some templates search all earlier messages at each one, so the
 * steps grow with the square of their number; docs/reliability.md has what known templates take.
 *
 * @param characters the length of all contents together
 */
export function limitsFor(messages: number, characters: number): Limits {
  const heap = getHeapStatistics().heap_size_limit;
  return {
    steps: 1_000_000 + characters + 1000 * messages + 10 * messages ** 2,
    memory: Math.min(2 ** 30, heap / 4),
    text: 2 ** 24 + 2 * characters,
    output: 2 ** 24 + 8 * characters + 1000 * messages,
    time: 30_000,
  };
}

/** Counts what one rendering costs. */
export class Meter {
  readonly #limits: Limits;
  readonly #pauses: boolean;
  #resumedSteps = 0;
  #steps = 0;
  #memory = 0;
  #output = 0;
  #time = 0;
  #resumed = 0;
  #nextLook = stepsPerLook;
  #isDue = false;

  /** @param pauses whether it pauses when that is due */
  constructor(limits: Limits, pauses: boolean) {
    this.#limits = limits;
    this.#pauses = pauses;
  }

  /** Whether the rendering should pause, so that others get their turn. */
  get isDue(): boolean {
    return this.#isDue;
  }

  get steps(): number {
    return this.#steps;
  }

  resume(): void {
    this.#resumed = performance.now();
    this.#resumedSteps = this.#steps;
    this.#isDue = false;
  }

  /** Goes on without the pause that is due. */
  defer(): void {
    this.#isDue = false;
  }

  pause(): void {
    this.#time += performance.now() - this.#resumed;
  }

  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps >= this.#nextLook) this.#look();
  }

  claim(bytes: number): void {
    this.#memory += bytes;
    if (this.#memory <= this.#limits.memory) return;
    throw new TemplateLimitError(`more than ${Math.round(this.#limits.memory / 2 ** 20)} MB`);
  }

  checkText(length: number): void {
    const { text } = this.#limits;
    if (length > text) throw new TemplateLimitError(`a text of more than ${text} characters`);
  }

  print(characters: number): void {
    this.#output += characters;
    if (this.#output <= this.#limits.output) return;
    throw new TemplateLimitError(`more than ${this.#limits.output} characters of output`);
  }

  #look(): void {
    this.#nextLook = this.#steps + stepsPerLook;
    const { steps, time } = this.#limits;
    if (this.#steps > steps) throw new TemplateLimitError(`more than ${steps} steps`);
    const slice = performance.now() - this.#resumed;
    this.#isDue = this.#pauses && slice > sliceMs;
    if (this.#pauses && this.#steps - this.#resumedSteps > maxStretch) {
      throw new TemplateLimitError(`more than ${maxStretch} steps in one operation`);
    }
    if (this.#time + slice > time) throw new TemplateLimitError(`more than ${time / 1000} s`);
  }
}

/** The meter of the rendering that is running: one at a time, as nothing here is asynchronous. */
let running: Meter | undefined;

/** Charges everything that `work` does to a meter. */
export function metered<T>(meter: Meter, work: () => T): T {
  const outer = running;
  running = meter;
  meter.resume();
  try {
    return work();
  } finally {
    meter.pause();
    running = outer;
  }
}

/** Whether the running rendering should pause. */
export const isPauseDue = (): boolean => running?.isDue ?? false;

/** Goes on without the pause that is due, where none is possible. */
export function deferPause(): void {
  running?.defer();
}

/** Charges steps. */
export function spend(steps: number): void {
  running?.spend(steps);
}

/** Charges a list that is made: its items, and a share of a step for each. */
export function claimItems(count: number): void {
  running?.claim(8 * count);
  running?.spend(count / 16);
}

/** Refuses a text that is too long, without charging it. */
export function checkText(length: number): void {
  running?.checkText(length);
}

/** Charges a text that is made or read as a whole. Short ones count as part of their step. */
export function claimText(length: number): void {
  if (length <= 64) return;
  running?.checkText(length);
  running?.claim(length);
}

/** Charges a search, which takes a multiple of the text's length at worst. */
export function claimSearch(text: string, sought: string): void {
  claimText(text.length);
  running?.spend((text.length * sought.length) / 2048);
}

/** Charges a value that is neither text nor list. */
export function claimValue(): void {
  running?.claim(64);
}

/** Charges a text that is printed. */
export function printText(text: string): void {
  claimText(text.length);
  running?.print(text.length);
}

const tooLong = () => new TemplateLimitError(`an integer of more than ${maxBits} bits`);

/** An integer that is not too long to compute with. */
export function checkedInteger(value: bigint): bigint {
  if (value < maxInteger && value > -maxInteger) return value;
  throw tooLong();
}

/** The integer of these decimal digits. */
export function parseInteger(digits: string): bigint {
  if (digits.length > maxBits / 3) throw tooLong();
  return checkedInteger(BigInt(digits));
}

/** A power, whose exponent is not negative. */
export function checkedPower(base: bigint, exponent: bigint): bigint {
  const digits = base.toString(16).replace('-', '');
  // 0 and ±1 stay as they are.
  if (digits.length === 1 && Number.parseInt(digits, 16) < 2)
    return base ** (exponent % 2n || (exponent && 2n));
  if (BigInt(4 * (digits.length - 1)) * exponent > maxBits || exponent > maxBits) throw tooLong();
  return checkedInteger(base ** exponent);
}
