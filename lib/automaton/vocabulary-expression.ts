// Expressions that name sets of tokens, as data. `token-sets.ts` resolves them for a model.

/**
 * A set of tokens.
 *
 * - `{ tokens }`: all tokens of these texts, each tokenized as a text that continues another.
 * - `{ ids }`: these token ids.
 * - `{ regex }`: the tokens in whose text the regular expression finds a match; anchor it with `^` and
 *   `$` for the whole text. Syntax of ECMA-262 with flag u, without look-around and back references;
 *   the time is linear in the text. Invalid UTF-8 is U+FFFD.
 * - `{ union }`, `{ intersect }`: of any number of sets, at least one.
 * - `{ difference }`: the first set without the tokens of the others.
 * - `{ complement }`: all tokens that are not in the set.
 * - a string: the set of this name in the automaton's `vocabularies`.
 *
 * Control tokens are only in sets that list their `ids`.
 */
export type VocabularyExpression =
  | string
  | { tokens: readonly string[] }
  | { ids: readonly number[] }
  | { regex: string }
  | { union: readonly VocabularyExpression[] }
  | { intersect: readonly VocabularyExpression[] }
  | { difference: readonly VocabularyExpression[] }
  | { complement: VocabularyExpression };
