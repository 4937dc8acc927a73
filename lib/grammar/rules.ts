// Collects the rules of a grammar and serializes them as GBNF. The converter uses it.

import { type Expression, either, never, repeat, sequence } from './expression.js';
import type { Work } from './work.js';

/** The engine's limit on a repetition count, as in llama.cpp. */
const maxRepetitions = 2000;

export class Rules {
  readonly work: Work;
  readonly #bodies = new Map<string, Expression>();
  readonly #counts = new Map<string, number>();
  readonly #shared = new Map<string, Expression>();

  constructor(work: Work) {
    this.work = work;
  }

  /** Reserves a unique rule name similar to `hint`. It has to be defined later. */
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
    this.work.spend(sizeOf(body));
    this.#bodies.set(name, body);
  }

  /** The rule that the parts of the converter share under `key`, created on the first call. */
  shared(key: string, make: (self: Expression) => Expression): Expression {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.reserve(key);
    const rule: Expression = { kind: 'rule', name };
    this.#shared.set(key, rule);
    this.define(name, make(rule));
    return rule;
  }

  /** Adds a rule with this body. */
  add(hint: string, body: Expression): Expression {
    const name = this.reserve(hint);
    this.define(name, body);
    return { kind: 'rule', name };
  }

  /** `part` from `min` to `max` times, even beyond the engine's limit. */
  repeat(hint: string, part: Expression, min: number, max: number): Expression {
    // A named rule, since an inlined group would count with all its elements against the limit.
    const item = typeof part === 'object' && part.kind === 'rule' ? part : this.add(hint, part);
    const parts: Expression[] = [];
    let left = min;
    for (; left > maxRepetitions; left -= maxRepetitions) {
      parts.push(repeat(item, maxRepetitions, maxRepetitions));
    }
    if (max === Infinity) return sequence(...parts, repeat(item, left));
    if (left > 0) parts.push(repeat(item, left, left));
    return sequence(...parts, this.#upTo(hint, item, max - min));
  }

  #upTo(hint: string, item: Expression, max: number): Expression {
    if (max <= maxRepetitions) return repeat(item, 0, max);
    const all = repeat(item, maxRepetitions, maxRepetitions);
    const more = sequence(all, this.#upTo(hint, item, max - maxRepetitions));
    return this.add(`${hint}-more`, either(repeat(item, 0, maxRepetitions - 1), more));
  }

  /** Returns a predicate: whether an expression derives any finite text. */
  findProductive(): (expression: Expression) => boolean {
    const found = new Set<string>();
    /** The rules whose bodies are to be tested again when this one turns out productive. */
    const waiting = new Map<string, string[]>();
    let waiter: string | undefined;
    const test = (expression: Expression): boolean => {
      if (typeof expression === 'string') return true;
      if (expression.kind === 'repeat') return expression.min === 0 || test(expression.part);
      if (expression.kind === 'sequence') return expression.parts.every(test);
      if (expression.kind === 'either') return expression.parts.some(test);
      const { name } = expression;
      if (found.has(name)) return true;
      if (waiter !== undefined) {
        const list = waiting.get(name);
        if (list === undefined) waiting.set(name, [waiter]);
        else list.push(waiter);
      }
      return false;
    };
    const open = [...this.#bodies.keys()].reverse();
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (found.has(name)) continue;
      this.work.spend(1);
      waiter = name;
      if (!test(this.#bodies.get(name) as Expression)) continue;
      found.add(name);
      for (const each of waiting.get(name) ?? []) open.push(each);
      waiting.delete(name);
    }
    waiter = undefined;
    return test;
  }

  /** GBNF with the start symbol `root`; undefined if it derives no text. Yields where it may pause. */
  *serialize(): Generator<void, string | undefined> {
    const isProductive = this.findProductive();
    const used = new Set(['root']);
    const lines: string[] = [];
    if (!isProductive({ kind: 'rule', name: 'root' })) return undefined;
    for (const name of used) {
      const body = this.#bodies.get(name) as Expression;
      // Without `""`, an empty rule would continue on the next line.
      lines.push(`${name} ::= ${serialize(body, isProductive, used, false) || '""'}`);
      yield;
    }
    return `${lines.join('\n')}\n`;
  }
}

/** The size of an expression in steps: its parts, and a share of their texts. */
function sizeOf(expression: Expression): number {
  if (typeof expression === 'string') return 1 + expression.length / 8;
  if (expression.kind === 'rule') return 1;
  if (expression.kind === 'repeat') return 1 + sizeOf(expression.part);
  return expression.parts.reduce((sum, part) => sum + sizeOf(part), 1);
}

/** REQUIRES: a productive expression. */
function serialize(
  expression: Expression,
  isProductive: (part: Expression) => boolean,
  used: Set<string>,
  isNested: boolean,
): string {
  if (typeof expression === 'string') return expression;
  const recurse = (part: Expression) => serialize(part, isProductive, used, true);
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
      return part === '' ? '' : group(part) + quantifier(expression.min, expression.max);
    }
  }
}

/** Parenthesizes several items, so that a quantifier applies to all. */
function group(text: string): string {
  const isOne = /^(?:[0-9A-Za-z-]+|\[(?:[^\]\\]|\\.)*\]|\((?:[^()"[\]]*)\))$/.test(text);
  return isOne ? text : `(${text})`;
}

function quantifier(min: number, max: number): string {
  if (min === 0 && max === 1) return '?';
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  return min === max ? `{${min}}` : `{${min},${max}}`;
}
