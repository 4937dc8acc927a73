// Converts the regular expressions of JSON Schema's `pattern` to expressions over the characters of
// a JSON string. The syntax is ECMA-262 with flag u; constructs without a grammar are rejected.

import { describe } from '../common/arguments.js';
import {
  complement,
  escapedClasses,
  escapedControls,
  lineEnds,
  normalizeRanges,
  type Range,
} from '../common/code-points.js';
import { NotSupportedError } from '../common/errors.js';
import { type Expression, eitherOf, nothing, repeat, sequence, sequenceOf } from './expression.js';
import { anyCharacter, characterOf, quote } from './json-strings.js';
import type { Rules } from './rules.js';

/** Maximum nesting depth of groups; the engine's limit is 256, and one group may need two. */
const maxNesting = 100;
const maxRepetitions = 2000;
/** Longer patterns make grammars larger than the engine accepts. */
const maxLength = 2 ** 14;

/** A JSON string that contains a match. Throws NotSupportedError and SyntaxError. */
export function stringOfPattern(rules: Rules, pattern: string): Expression {
  if (pattern.length > maxLength) {
    throw new NotSupportedError(
      `Cannot convert a pattern of more than ${maxLength} characters to a grammar, got ${pattern.length}`,
    );
  }
  // Reports syntax errors; the parser below assumes a valid pattern.
  try {
    new RegExp(pattern, 'u');
  } catch {
    new RegExp(pattern);
  }
  return sequence(quote, new PatternParser(rules, pattern).parse(), quote);
}

/** Assumes that rules are non-empty: here they are single characters or repeated items. */
function canBeEmpty(expression: Expression): boolean {
  if (typeof expression === 'string' || expression.kind === 'rule') return false;
  if (expression.kind === 'repeat') return expression.min === 0;
  const { kind, parts } = expression;
  return kind === 'sequence' ? parts.every(canBeEmpty) : parts.some(canBeEmpty);
}

/** The same without the empty text. */
function notEmpty(rules: Rules, expression: Expression): Expression {
  if (!canBeEmpty(expression) || typeof expression === 'string') return expression;
  if (expression.kind === 'rule') return expression;
  if (expression.kind === 'repeat') return repeat(expression.part, 1, expression.max);
  if (expression.kind === 'either') {
    return eitherOf(expression.parts.map((part) => notEmpty(rules, part)));
  }
  // Alternatives by which part is the first non-empty one. What follows it is a rule of its own, as
  // it follows in many of them.
  const alternatives: Expression[] = [];
  let rest = nothing;
  for (const [index, part] of [...expression.parts.entries()].reverse()) {
    alternatives.push(sequence(notEmpty(rules, part), rest));
    if (index > 0) rest = rules.add('pattern-rest', sequence(part, rest));
  }
  return eitherOf(alternatives.reverse());
}

class PatternParser {
  readonly #rules: Rules;
  readonly #source: string[];
  readonly #pattern: string;
  #position = 0;

  constructor(rules: Rules, pattern: string) {
    this.#rules = rules;
    this.#source = Array.from(pattern);
    this.#pattern = pattern;
  }

  /** Each alternative may begin and end with an anchor; without one, any text may come there. */
  parse(): Expression {
    const anything = repeat(anyCharacter(this.#rules), 0);
    const alternatives: Expression[] = [];
    do {
      const begin = this.#take('^') ? nothing : anything;
      const body = this.#sequence(0);
      const end = this.#take('$') ? nothing : anything;
      alternatives.push(sequence(begin, body, end));
    } while (this.#take('|'));
    if (this.#position < this.#source.length) this.#refuse('an anchor within the pattern');
    return eitherOf(alternatives);
  }

  #peek(): string | undefined {
    return this.#source[this.#position];
  }

  #take(text: string): boolean {
    if (text.length === 1) {
      const isNext = this.#source[this.#position] === text;
      if (isNext) this.#position++;
      return isNext;
    }
    const characters = Array.from(text);
    if (!characters.every((each, index) => this.#source[this.#position + index] === each))
      return false;
    this.#position += characters.length;
    return true;
  }

  #refuse(what: string): never {
    const pattern = describe(this.#pattern);
    throw new NotSupportedError(
      `Cannot convert ${what} to a grammar, at character ${this.#position + 1} of the pattern ${pattern}`,
    );
  }

  #alternatives(depth: number): Expression {
    if (depth > maxNesting) this.#refuse(`more than ${maxNesting} nested groups`);
    const parts = [this.#sequence(depth)];
    while (this.#take('|')) parts.push(this.#sequence(depth));
    return eitherOf(parts);
  }

  #sequence(depth: number): Expression {
    const parts: Expression[] = [];
    for (
      let next = this.#peek();
      next !== undefined && !'|)$^'.includes(next);
      next = this.#peek()
    ) {
      parts.push(this.#quantified(this.#item(depth)));
    }
    if (depth > 0 && (this.#peek() === '^' || this.#peek() === '$'))
      this.#refuse('an anchor in a group');
    return sequenceOf(parts);
  }

  #item(depth: number): Expression {
    if (this.#take('(')) {
      if (this.#take('?')) {
        const isNamed = this.#take('<') && this.#peek() !== '=' && this.#peek() !== '!';
        if (isNamed) this.#position = this.#source.indexOf('>', this.#position) + 1;
        else if (!this.#take(':')) this.#refuse('a lookaround or flag group');
      }
      const body = this.#alternatives(depth + 1);
      this.#take(')');
      return body;
    }
    if (this.#take('.')) return characterOf(complement(lineEnds));
    if (this.#take('[')) return characterOf(this.#class());
    if (this.#take('\\')) return characterOf(this.#escape());
    return characterOf([this.#character()]);
  }

  #quantified(item: Expression): Expression {
    let [min, max] = [1, 1];
    if (this.#take('*')) [min, max] = [0, Infinity];
    else if (this.#take('+')) [min, max] = [1, Infinity];
    else if (this.#take('?')) [min, max] = [0, 1];
    else if (
      /^\{\d+(?:,\d*)?\}/.test(this.#source.slice(this.#position, this.#position + 30).join(''))
    ) {
      [min, max] = this.#counts();
    } else return item;
    // A lazy quantifier matches the same texts.
    this.#take('?');
    if (min > maxRepetitions || (max !== Infinity && max > maxRepetitions)) {
      this.#refuse(`more than ${maxRepetitions} repetitions`);
    }
    // The engine rejects repetitions of an item that can be empty; these derive the same texts.
    if (canBeEmpty(item)) return this.#rules.repeat('pattern', notEmpty(this.#rules, item), 0, max);
    return this.#rules.repeat('pattern', item, min, max);
  }

  #counts(): [number, number] {
    const end = this.#source.indexOf('}', this.#position);
    const [min = '', max] = this.#source
      .slice(this.#position + 1, end)
      .join('')
      .split(',');
    this.#position = end + 1;
    if (max === undefined) return [Number(min), Number(min)];
    return [Number(min), max === '' ? Infinity : Number(max)];
  }

  #character(): Range {
    const codePoint = (this.#source[this.#position++] as string).codePointAt(0) as number;
    return [codePoint, codePoint];
  }

  /** The code points of an escape, after its backslash. */
  #escape(): readonly Range[] {
    const letter = this.#source[this.#position++] as string;
    const ranges = escapedClasses[letter.toLowerCase()];
    if (ranges !== undefined) return letter in escapedClasses ? ranges : complement(ranges);
    const known = escapedControls[letter];
    if (known !== undefined) return [[known, known]];
    if (letter === 'x') return this.#hex(2);
    if (letter === 'u') return this.#unicode();
    if (letter === 'c') {
      const control = this.#character()[0] % 32;
      return [[control, control]];
    }
    if (letter === '0') return [[0, 0]];
    if (/[bB1-9kpP]/.test(letter)) {
      this.#position--;
      this.#refuse(`the escape \\${letter}`);
    }
    this.#position--;
    return [this.#character()];
  }

  #hex(count: number): readonly Range[] {
    const codePoint = Number.parseInt(
      this.#source.slice(this.#position, this.#position + count).join(''),
      16,
    );
    this.#position += count;
    return [[codePoint, codePoint]];
  }

  #unicode(): readonly Range[] {
    if (this.#take('{')) {
      const end = this.#source.indexOf('}', this.#position);
      const range = this.#hex(end - this.#position);
      this.#take('}');
      return range;
    }
    const [[high]] = this.#hex(4) as [Range];
    if (high < 0xd800 || high > 0xdfff) return [[high, high]];
    if (high > 0xdbff || !this.#take('\\u')) this.#refuse('a lone surrogate');
    const [[low]] = this.#hex(4) as [Range];
    const codePoint = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return [[codePoint, codePoint]];
  }

  #class(): readonly Range[] {
    const isNegative = this.#take('^');
    const ranges: Range[] = [];
    while (!this.#take(']')) {
      const first = this.#classItem();
      const isOne = first.length === 1 && first[0]?.[0] === first[0]?.[1];
      const isRange = isOne && this.#peek() === '-' && this.#source[this.#position + 1] !== ']';
      if (!isRange) {
        ranges.push(...first);
        continue;
      }
      this.#take('-');
      const last = this.#classItem();
      ranges.push([(first[0] as Range)[0], (last[0] as Range)[1]]);
    }
    return isNegative ? complement(ranges) : normalizeRanges(ranges);
  }

  #classItem(): readonly Range[] {
    if (!this.#take('\\')) return [this.#character()];
    if (this.#take('b')) return [[8, 8]];
    return this.#escape();
  }
}
