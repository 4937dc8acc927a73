// Compiles a parsed regular expression to a nondeterministic automaton (Thompson 1968), and its
// characters to classes: those that no part of the expression tells apart.

import { type Range, wordRanges } from '../common/code-points.js';
import { type Assertion, type Node, Unsupported } from './syntax.js';

/** Limits memory, and the time per character. */
export const maxInstructions = 5000;

/** One step of the automaton. Targets are indices of instructions. */
export type Instruction =
  | { kind: 'character'; set: number; next: number }
  | { kind: 'split'; next: number; other: number }
  | { kind: 'assertion'; assertion: Assertion; next: number }
  | { kind: 'match' };

export interface Program {
  instructions: readonly Instruction[];
  /** The instruction to begin with. */
  start: number;
  hasAssertions: boolean;
  alphabet: Alphabet;
}

/** The number of instructions of a part, before repetitions are expanded. */
function sizeOf(node: Node): number {
  switch (node.kind) {
    case 'character':
    case 'assertion':
      return 1;
    case 'sequence':
      return node.parts.reduce((sum, part) => sum + sizeOf(part), 0);
    case 'either':
      return node.parts.reduce((sum, part) => sum + sizeOf(part), node.parts.length - 1);
    case 'repeat': {
      // Even an empty part takes time for each repetition.
      const size = Math.max(1, sizeOf(node.part));
      const optional = node.max === Infinity ? 1 : node.max - node.min;
      return node.min * size + optional * (size + 1);
    }
  }
}

/** Throws Unsupported if the expression is too large. */
export function compile(root: Node): Program {
  const size = sizeOf(root);
  if (!(size < maxInstructions)) {
    throw new Unsupported(`more than ${maxInstructions} characters after repetitions are expanded`);
  }
  const instructions: Instruction[] = [{ kind: 'match' }];
  const sets = new Map<readonly Range[], number>();
  let hasAssertions = false;

  const add = (instruction: Instruction): number => instructions.push(instruction) - 1;
  /** Returns the first instruction of a part that continues with `next`. */
  const emit = (node: Node, next: number): number => {
    switch (node.kind) {
      case 'character': {
        const set = sets.get(node.ranges) ?? sets.size;
        sets.set(node.ranges, set);
        return add({ kind: 'character', set, next });
      }
      case 'assertion':
        hasAssertions = true;
        return add({ kind: 'assertion', assertion: node.assertion, next });
      case 'sequence':
        return node.parts.reduceRight((after, part) => emit(part, after), next);
      case 'either': {
        const starts = node.parts.map((part) => emit(part, next));
        return starts.reduceRight((other, start) => add({ kind: 'split', next: start, other }));
      }
      case 'repeat': {
        const { part, min, max } = node;
        let after = next;
        if (max === Infinity) {
          const loop: Instruction = { kind: 'split', next: -1, other: next };
          after = add(loop);
          loop.next = emit(part, after);
        } else {
          // One that is left out leaves out all after it.
          for (let count = min; count < max; count++) {
            after = add({ kind: 'split', next: emit(part, after), other: next });
          }
        }
        for (let count = 0; count < min; count++) after = emit(part, after);
        return after;
      }
    }
  };
  const start = emit(root, 0);
  return { instructions, start, hasAssertions, alphabet: new Alphabet([...sets.keys()]) };
}

const tableSize = 0x300;

/** Classes of code points: the members of a class are in the same sets. */
export class Alphabet {
  /** The number of classes. */
  readonly size: number;
  /** Per set and class: 1 if its members are in the set. */
  readonly members: readonly Uint8Array[];
  /** Per class: 1 if its members are word characters. */
  readonly words: Uint8Array;
  /** Ascending; interval n begins at bound n. */
  readonly #bounds: Int32Array;
  /** Per interval. */
  readonly #classes: Int32Array;
  /** Per code point below its length. */
  readonly #table: Int32Array;

  constructor(sets: readonly (readonly Range[])[]) {
    const all = [...sets, wordRanges];
    const bounds = new Set([0]);
    for (const ranges of all) {
      for (const [low, high] of ranges) bounds.add(low).add(high + 1);
    }
    this.#bounds = Int32Array.from(bounds).sort();
    this.#classes = new Int32Array(this.#bounds.length);
    // Each set splits the classes of which it holds a part.
    let size = 1;
    for (const ranges of all) {
      const split = new Map<number, number>();
      this.#each(ranges, (interval) => {
        const old = this.#classes[interval] as number;
        if (!split.has(old)) split.set(old, size++);
        this.#classes[interval] = split.get(old) as number;
      });
    }
    // Classes that were split as a whole are empty now.
    const numbers = new Map<number, number>();
    for (const [interval, old] of this.#classes.entries()) {
      const number = numbers.get(old) ?? numbers.size;
      numbers.set(old, number);
      this.#classes[interval] = number;
    }
    this.size = numbers.size;
    const [words, ...members] = [wordRanges, ...sets].map((ranges) => {
      const flags = new Uint8Array(this.size);
      this.#each(ranges, (interval) => {
        flags[this.#classes[interval] as number] = 1;
      });
      return flags;
    });
    this.words = words as Uint8Array;
    this.members = members;
    this.#table = Int32Array.from({ length: tableSize }, (_, codePoint) => this.#find(codePoint));
  }

  /** The class of a code point. */
  classOf(codePoint: number): number {
    return this.#table[codePoint] ?? this.#find(codePoint);
  }

  #find(codePoint: number): number {
    return this.#classes[this.#intervalOf(codePoint)] as number;
  }

  #intervalOf(codePoint: number): number {
    let low = 0;
    let high = this.#bounds.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#bounds[middle] as number) <= codePoint) low = middle;
      else high = middle;
    }
    return low;
  }

  #each(ranges: readonly Range[], visit: (interval: number) => void): void {
    for (const [low, high] of ranges) {
      let interval = this.#intervalOf(low);
      while (interval < this.#bounds.length && (this.#bounds[interval] as number) <= high) {
        visit(interval++);
      }
    }
  }
}
