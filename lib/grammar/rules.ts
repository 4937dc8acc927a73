// The rules of a grammar in the making, and their writing as GBNF.

import { type Expression, either, never, repeat, sequence } from './expression.js';

/** The engine repeats so often at most, and has room for so many elements; both as in llama.cpp. */
const mostRepetitions = 2000;

export class Rules {
  readonly #bodies = new Map<string, Expression>();
  readonly #counts = new Map<string, number>();
  readonly #shared = new Map<string, Expression>();

  /** A name like `hint` that no other rule has. It has to be defined. */
  reserve(hint: string): string {
    const base = hint.replace(/[^0-9A-Za-z]+/g, '-').slice(-40) || 'rule';
    const count = (this.#counts.get(base) ?? 0) + 1;
    this.#counts.set(base, count);
    const name = count === 1 && !this.#bodies.has(base) ? base : `${base}-${count}`;
    if (this.#bodies.has(name)) return this.reserve(base);
    this.#bodies.set(name, never);
    return name;
  }

  define(name: string, body: Expression): void {
    this.#bodies.set(name, body);
  }

  /** The rule that is known by `key` among the parts of the converter, made on the first call. */
  shared(key: string, make: (self: Expression) => Expression): Expression {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.reserve(key);
    const rule: Expression = { kind: 'rule', name };
    this.#shared.set(key, rule);
    this.define(name, make(rule));
    return rule;
  }

  /** A rule that is `body`. */
  add(hint: string, body: Expression): Expression {
    const name = this.reserve(hint);
    this.define(name, body);
    return { kind: 'rule', name };
  }

  /** `part` from `min` to `max` times, whatever the engine's limit. */
  repeat(hint: string, part: Expression, min: number, max: number): Expression {
    // A group of its own would count against the limit with all the rules in it.
    const item = typeof part === 'object' && part.kind === 'rule' ? part : this.add(hint, part);
    const parts: Expression[] = [];
    let left = min;
    for (; left > mostRepetitions; left -= mostRepetitions) {
      parts.push(repeat(item, mostRepetitions, mostRepetitions));
    }
    if (max === Infinity) return sequence(...parts, repeat(item, left));
    if (left > 0) parts.push(repeat(item, left, left));
    return sequence(...parts, this.#upTo(hint, item, max - min));
  }

  #upTo(hint: string, item: Expression, max: number): Expression {
    if (max <= mostRepetitions) return repeat(item, 0, max);
    const all = repeat(item, mostRepetitions, mostRepetitions);
    const more = sequence(all, this.#upTo(hint, item, max - mostRepetitions));
    return this.add(`${hint}-more`, either(repeat(item, 0, mostRepetitions - 1), more));
  }

  /** Whether what a rule derives ends anywhere. */
  findProductive(): (expression: Expression) => boolean {
    const found = new Set<string>();
    const test = (expression: Expression): boolean => {
      if (typeof expression === 'string') return true;
      if (expression.kind === 'rule') return found.has(expression.name);
      if (expression.kind === 'repeat') return expression.min === 0 || test(expression.part);
      if (expression.kind === 'sequence') return expression.parts.every(test);
      return expression.parts.some(test);
    };
    for (let before = -1; before !== found.size; ) {
      before = found.size;
      for (const [name, body] of this.#bodies) if (test(body)) found.add(name);
    }
    return test;
  }

  /** GBNF with the start symbol `root`; undefined where nothing can be derived. */
  write(): string | undefined {
    const isProductive = this.findProductive();
    const used = new Set(['root']);
    const lines: string[] = [];
    if (!isProductive({ kind: 'rule', name: 'root' })) return undefined;
    for (const name of used) {
      const body = this.#bodies.get(name) as Expression;
      // An empty end of a line would let the rule go on in the next.
      lines.push(`${name} ::= ${write(body, isProductive, used, false) || '""'}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

/** REQUIRES: a productive expression. */
function write(
  expression: Expression,
  isProductive: (part: Expression) => boolean,
  used: Set<string>,
  isNested: boolean,
): string {
  if (typeof expression === 'string') return expression;
  const recurse = (part: Expression) => write(part, isProductive, used, true);
  switch (expression.kind) {
    case 'rule':
      used.add(expression.name);
      return expression.name;
    case 'sequence': {
      const parts = expression.parts.map(recurse).filter((part) => part !== '');
      const text = parts.join(' ');
      return isNested && parts.length > 1 ? `(${text})` : text;
    }
    case 'either': {
      const parts = expression.parts.filter(isProductive).map((part) => recurse(part) || '""');
      const text = [...new Set(parts)].join(' | ');
      return isNested ? `(${text})` : text;
    }
    case 'repeat': {
      if (!isProductive(expression.part)) return '';
      const part = recurse(expression.part);
      return part === '' ? '' : group(part) + times(expression.min, expression.max);
    }
  }
}

/** Several items as one. */
function group(text: string): string {
  const isOne = /^(?:[0-9A-Za-z-]+|\[(?:[^\]\\]|\\.)*\]|\((?:[^()"[\]]*)\))$/.test(text);
  return isOne ? text : `(${text})`;
}

function times(min: number, max: number): string {
  if (min === 0 && max === 1) return '?';
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  return min === max ? `{${min}}` : `{${min},${max}}`;
}
