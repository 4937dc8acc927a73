// Runs a program over texts in linear time, by a deterministic automaton that is built as texts need
// it (lazy subset construction). Its memory is bounded: when it is full, it is built anew.

import type { Program } from './program.js';
import type { Assertion } from './syntax.js';

/** The memory of the deterministic automaton, in numbers of 4 bytes. */
const maxCells = 1 << 21;

/** What comes before or after a position. */
type Side = 'none' | 'word' | 'other';

/** A state: where the program is after some character, before its empty moves are made. */
interface State {
  instructions: Int32Array;
  before: Side;
  /** Per class of the next character, and last for the end of the text. */
  next: (State | boolean | undefined)[];
}

function holds(assertion: Assertion, before: Side, after: Side): boolean {
  switch (assertion) {
    case 'begin':
      return before === 'none';
    case 'end':
      return after === 'none';
    case 'boundary':
      return (before === 'word') !== (after === 'word');
    case 'noBoundary':
      return (before === 'word') === (after === 'word');
  }
}

/** Searches texts for a match. */
export class Matcher {
  /** How many instructions were run in total, which is what a search costs beyond table look-ups. */
  steps = 0;
  readonly #program: Program;
  readonly #states = new Map<string, State>();
  #cells = 0;
  #start: State | undefined;
  /** Marks the instructions that {@link #follow} has visited, with the number of the visit. */
  readonly #visited: Int32Array;
  #visit = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#visited = new Int32Array(program.instructions.length);
  }

  /** Whether a match begins anywhere in the text. */
  test(text: string): boolean {
    const { alphabet } = this.#program;
    this.#start ??= this.#stateOf([], 'none');
    let state = this.#start;
    for (let index = 0; index < text.length; index++) {
      const codePoint = text.codePointAt(index) as number;
      if (codePoint > 0xffff) index++;
      const symbol = alphabet.classOf(codePoint);
      const next = state.next[symbol] ?? this.#advance(state, symbol);
      if (typeof next === 'boolean') return next;
      state = next;
    }
    return (state.next[alphabet.size] ?? this.#advance(state, alphabet.size)) === true;
  }

  /** The state after a class, or after the end; true once there is a match. */
  #advance(state: State, symbol: number): State | boolean {
    const { alphabet, instructions } = this.#program;
    const isEnd = symbol === alphabet.size;
    const after: Side = isEnd ? 'none' : alphabet.words[symbol] ? 'word' : 'other';
    const reached = this.#follow(state, after);
    let next: State | boolean = reached === undefined;
    if (reached !== undefined && !isEnd) {
      const targets: number[] = [];
      for (const index of reached) {
        const instruction = instructions[index];
        if (instruction?.kind !== 'character') continue;
        if (alphabet.members[instruction.set]?.[symbol] === 1) targets.push(instruction.next);
      }
      next = this.#stateOf(targets, after);
    }
    state.next[symbol] = next;
    return next;
  }

  /** The instructions that empty moves lead to; undefined if one of them is a match. */
  #follow(state: State, after: Side): number[] | undefined {
    const { instructions } = this.#program;
    const visit = ++this.#visit;
    const open = [...state.instructions];
    const reached: number[] = [];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (this.#visited[index] === visit) continue;
      this.#visited[index] = visit;
      this.steps++;
      const instruction = instructions[index];
      switch (instruction?.kind) {
        case 'match':
          return undefined;
        case 'split':
          open.push(instruction.next, instruction.other);
          break;
        case 'assertion':
          if (holds(instruction.assertion, state.before, after)) open.push(instruction.next);
          break;
        case 'character':
          reached.push(index);
      }
    }
    return reached;
  }

  /** The state with these instructions; a search may always begin anew. */
  #stateOf(targets: readonly number[], side: Side): State {
    const { alphabet, start, hasAssertions } = this.#program;
    const instructions = Int32Array.from(new Set([...targets, start])).sort();
    const before = hasAssertions ? side : 'other';
    const key = `${before} ${instructions}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const cells = 3 * instructions.length + 2 * alphabet.size + 20;
    if (this.#cells + cells > maxCells) {
      // The first state leads to all others.
      this.#states.clear();
      this.#start = undefined;
      this.#cells = 0;
    }
    this.#cells += cells;
    const state: State = {
      instructions,
      before,
      next: new Array<State | boolean | undefined>(alphabet.size + 1).fill(undefined),
    };
    this.#states.set(key, state);
    return state;
  }
}
