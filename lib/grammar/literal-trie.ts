// An alternation of literals as a trie: common prefixes appear once, so that the engine follows few
// alternatives at a time. The converter uses it for `enum`.

import { type Expression, eitherOf, literal, nothing, sequence } from './expression.js';
import type { Rules } from './rules.js';

/** Up to this many literals stay a plain, more readable alternation. */
const maxPlain = 8;

export function oneOfLiterals(rules: Rules, hint: string, texts: readonly string[]): Expression {
  const sorted = [...new Set(texts)].sort();
  if (sorted.length <= maxPlain) return eitherOf(texts.map(literal));
  return branch(rules, hint, sorted, 0, sorted.length, 0);
}

/** The suffixes from index `at` of the sorted texts `begin` to `end`, which are equal before. */
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
  // Do not split a surrogate pair.
  if (isHighSurrogate(first, shared - 1)) shared--;
  const parts: Expression[] = [];
  let from = begin;
  if (first.length === shared) {
    parts.push(nothing);
    from++;
  }
  while (from < end) {
    const codePoint = (texts[from] as string).codePointAt(shared);
    let to = from + 1;
    while (to < end && (texts[to] as string).codePointAt(shared) === codePoint) to++;
    parts.push(branch(rules, hint, texts, from, to, shared));
    from = to;
  }
  return sequence(literal(first.slice(at, shared)), rules.add(hint, eitherOf(parts)));
}

const isHighSurrogate = (text: string, index: number): boolean => {
  const unit = text.charCodeAt(index);
  return unit >= 0xd800 && unit < 0xdc00;
};
