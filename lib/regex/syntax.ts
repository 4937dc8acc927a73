// Parses regular expressions: ECMA-262 with flag u, without what needs backtracking.

import {
  complement,
  escapedClasses,
  escapedControls,
  lineEnds,
  normalizeRanges,
  type Range,
} from '../common/code-points.js';
import { propertyRanges } from './properties.js';

/** A regular expression as a tree. Empty ranges match nothing. */
export type Node =
  | { kind: 'character'; ranges: readonly Range[] }
  | { kind: 'sequence'; parts: readonly Node[] }
  | { kind: 'either'; parts: readonly Node[] }
  | { kind: 'repeat'; part: Node; min: number; max: number }
  | { kind: 'assertion'; assertion: Assertion };

/** What must hold between two characters: the begin, the end, `\b`, `\B`. */
export type Assertion = 'begin' | 'end' | 'boundary' | 'noBoundary';

/** A construct that this engine does not support, or more of it than it supports. */
export class Unsupported extends Error {}

/** The parser recurses. */
const maxDepth = 200;
/** Classes with `\p` have hundreds of ranges each. */
const maxRanges = 200_000;

/** Parses a pattern, which must be valid for `new RegExp(pattern, 'u')`. Throws Unsupported. */
export function parse(pattern: string): Node {
  return new Parser(pattern).parse();
}

class Parser {
  /** Code points, as a quantifier may follow one outside of the BMP. */
  readonly #source: string[];
  /** Equal classes are one object, so that many of them take little memory. */
  readonly #classes = new Map<string, readonly Range[]>();
  #ranges = 0;
  #position = 0;

  constructor(pattern: string) {
    this.#source = Array.from(pattern);
  }

  parse(): Node {
    return this.#alternatives(0);
  }

  #peek(): string | undefined {
    return this.#source[this.#position];
  }

  #take(character: string): boolean {
    if (this.#source[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #refuse(what: string): never {
    throw new Unsupported(`${what} at character ${this.#position + 1}`);
  }

  #alternatives(depth: number): Node {
    if (depth > maxDepth) this.#refuse(`more than ${maxDepth} nested groups`);
    const parts = [this.#sequence(depth)];
    while (this.#take('|')) parts.push(this.#sequence(depth));
    return parts.length === 1 ? (parts[0] as Node) : { kind: 'either', parts };
  }

  #sequence(depth: number): Node {
    const parts: Node[] = [];
    for (let next = this.#peek(); next !== undefined; next = this.#peek()) {
      if (next === '|' || next === ')') break;
      parts.push(this.#quantified(this.#item(depth)));
    }
    return { kind: 'sequence', parts };
  }

  #item(depth: number): Node {
    if (this.#take('^')) return { kind: 'assertion', assertion: 'begin' };
    if (this.#take('$')) return { kind: 'assertion', assertion: 'end' };
    if (this.#take('(')) return this.#group(depth);
    if (this.#take('.')) return this.#character(complement(lineEnds));
    if (this.#peek() === '[') return this.#character(this.#class());
    if (!this.#take('\\')) return this.#character([this.#one()]);
    if (this.#take('b')) return { kind: 'assertion', assertion: 'boundary' };
    if (this.#take('B')) return { kind: 'assertion', assertion: 'noBoundary' };
    return this.#character(this.#escape());
  }

  #group(depth: number): Node {
    if (this.#take('?') && !this.#take(':')) {
      if (!this.#take('<')) {
        const next = this.#peek();
        this.#refuse(next === '=' || next === '!' ? 'look-ahead' : 'a group with flags');
      }
      const next = this.#peek();
      if (next === '=' || next === '!') this.#refuse('look-behind');
      this.#position = this.#source.indexOf('>', this.#position) + 1;
    }
    const body = this.#alternatives(depth + 1);
    this.#take(')');
    return body;
  }

  /** Lazy quantifiers find the same matches, at other lengths. */
  #quantified(part: Node): Node {
    let [min, max] = [1, 1];
    if (this.#take('*')) [min, max] = [0, Infinity];
    else if (this.#take('+')) [min, max] = [1, Infinity];
    else if (this.#take('?')) [min, max] = [0, 1];
    else if (this.#take('{')) [min, max] = this.#counts();
    else return part;
    this.#take('?');
    return { kind: 'repeat', part, min, max };
  }

  #counts(): [number, number] {
    const end = this.#source.indexOf('}', this.#position);
    const counts = this.#source.slice(this.#position, end).join('');
    const [min = '', max] = counts.split(',');
    this.#position = end + 1;
    if (max === undefined) return [Number(min), Number(min)];
    return [Number(min), max === '' ? Infinity : Number(max)];
  }

  #character(ranges: readonly Range[]): Node {
    return { kind: 'character', ranges };
  }

  #one(): Range {
    const codePoint = (this.#source[this.#position++] as string).codePointAt(0) as number;
    return [codePoint, codePoint];
  }

  /** The code points of an escape, after its backslash. */
  #escape(): readonly Range[] {
    const letter = this.#source[this.#position] as string;
    if ((letter >= '1' && letter <= '9') || letter === 'k') this.#refuse('a back reference');
    this.#position++;
    const ranges = escapedClasses[letter.toLowerCase()];
    if (ranges !== undefined) return letter in escapedClasses ? ranges : complement(ranges);
    const control = escapedControls[letter];
    if (control !== undefined) return [[control, control]];
    switch (letter) {
      case '0':
        return [[0, 0]];
      case 'c': {
        const [codePoint] = this.#one();
        return [[codePoint % 32, codePoint % 32]];
      }
      case 'p':
      case 'P': {
        const end = this.#source.indexOf('}', this.#position);
        const name = this.#source.slice(this.#position, end + 1).join('');
        this.#position = end + 1;
        return propertyRanges(`\\${letter}${name}`);
      }
      case 'x':
        return this.#hex(2);
      case 'u':
        return this.#unicode();
      default:
        this.#position--;
        return [this.#one()];
    }
  }

  #hex(count: number): readonly Range[] {
    const digits = this.#source.slice(this.#position, this.#position + count).join('');
    this.#position += count;
    const codePoint = Number.parseInt(digits, 16);
    return [[codePoint, codePoint]];
  }

  #unicode(): readonly Range[] {
    if (this.#take('{')) {
      const ranges = this.#hex(this.#source.indexOf('}', this.#position) - this.#position);
      this.#position++;
      return ranges;
    }
    const ranges = this.#hex(4);
    const [[high]] = ranges as [Range];
    const next = this.#source.slice(this.#position, this.#position + 6).join('');
    if (high < 0xd800 || high > 0xdbff || !/^\\u[dD][c-fC-F]/.test(next)) return ranges;
    this.#position += 2;
    const [[low]] = this.#hex(4) as [Range];
    const codePoint = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return [[codePoint, codePoint]];
  }

  #class(): readonly Range[] {
    const start = this.#position++;
    const isNegative = this.#take('^');
    const ranges: Range[] = [];
    while (!this.#take(']')) {
      const first = this.#classItem();
      const isOne = first.length === 1 && first[0]?.[0] === first[0]?.[1];
      if (!isOne || this.#peek() !== '-' || this.#source[this.#position + 1] === ']') {
        ranges.push(...first);
        continue;
      }
      this.#position++;
      const last = this.#classItem();
      ranges.push([(first[0] as Range)[0], (last[0] as Range)[1]]);
    }
    const text = this.#source.slice(start, this.#position).join('');
    const known = this.#classes.get(text);
    if (known !== undefined) return known;
    const normal = isNegative ? complement(ranges) : normalizeRanges(ranges);
    this.#ranges += normal.length;
    if (this.#ranges > maxRanges) this.#refuse(`more than ${maxRanges} ranges of characters`);
    this.#classes.set(text, normal);
    return normal;
  }

  #classItem(): readonly Range[] {
    if (!this.#take('\\')) return [this.#one()];
    return this.#take('b') ? [[8, 8]] : this.#escape();
  }
}
