// One of several texts, with what they begin alike written once: the engine follows as many ways at
// a time as still differ.

import { type Expression, either, literal, nothing, sequence } from './expression.js';
import type { Rules } from './rules.js';

/** So few are easier to read one after the other. */
const few = 8;

export function oneText(rules: Rules, hint: string, texts: readonly string[]): Expression {
  const all = [...new Set(texts)].sort();
  if (all.length <= few) return either(...texts.map(literal));
  return branch(rules, hint, all, 0, all.length, 0);
}

/** What follows in the sorted texts from `begin` to `end`, which are alike before `at`. */
function branch(
  rules: Rules,
  hint: string,
  texts: readonly string[],
  begin: number,
  end: number,
  at: number,
): Expression {
  const first = texts[begin] as string;
  const last = texts[end - 1] as string;
  if (end - begin === 1) return literal(first.slice(at));
  let shared = at;
  while (shared < first.length && first[shared] === last[shared]) shared++;
  // Not within a surrogate pair.
  if (isHighSurrogate(first, shared - 1)) shared--;
  const parts: Expression[] = [];
  let from = begin;
  if (first.length === shared) {
    parts.push(nothing);
    from++;
  }
  while (from < end) {
    const letter = letterAt(texts[from] as string, shared);
    let to = from + 1;
    while (to < end && letterAt(texts[to] as string, shared) === letter) to++;
    parts.push(branch(rules, hint, texts, from, to, shared));
    from = to;
  }
  return sequence(literal(first.slice(at, shared)), rules.add(hint, either(...parts)));
}

const isHighSurrogate = (text: string, index: number): boolean => {
  const unit = text.charCodeAt(index);
  return unit >= 0xd800 && unit < 0xdc00;
};

const letterAt = (text: string, index: number): number => text.codePointAt(index) as number;
