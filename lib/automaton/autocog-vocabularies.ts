// Vocabularies, stops and metrics of AutoCog's files, from and to this package's.

import { checkOneOf, checkString, wrongRange, wrongType } from '../common/arguments.js';
import type { Metric, Stop } from './actions.js';
import { checkKeys, readObject } from './json-objects.js';
import type { VocabularyExpression } from './vocabulary-expression.js';

/** A vocabulary of an AutoCog file. */
export interface AutoCogVocabulary {
  kind: 'tokenize' | 'regex' | 'union' | 'intersect' | 'diff' | 'complement';
  /** Of `tokenize`, any number; of `regex`, one. */
  strings?: readonly string[];
  /** Of `complement`, one; of the others, two. */
  operands?: readonly AutoCogVocabulary[];
}

const kinds = ['tokenize', 'regex', 'union', 'intersect', 'diff', 'complement'] as const;
const maxDepth = 100;

function listOf(value: unknown, name: string, length?: number): unknown[] {
  if (!Array.isArray(value)) throw wrongType('an array', name, value);
  if (length === undefined ? value.length > 0 : value.length === length) return value;
  const what =
    length === undefined ? 'at least one element' : `${length} element${length > 1 ? 's' : ''}`;
  throw wrongRange(what, name, value);
}

/** A vocabulary as this package has it. */
export function readAutoCogVocabulary(
  value: unknown,
  name: string,
  depth = 0,
): VocabularyExpression {
  if (depth > maxDepth) throw wrongRange(`at most ${maxDepth} nested vocabularies`, name, value);
  const object = readObject(value, name);
  checkKeys(object, ['kind', 'strings', 'operands'], name);
  const kind = checkOneOf(object.kind, `${name}.kind`, kinds);
  if (kind === 'tokenize' || kind === 'regex') {
    checkKeys(object, ['kind', 'strings'], name);
    const length = kind === 'regex' ? 1 : undefined;
    const strings = listOf(object.strings, `${name}.strings`, length).map((text, index) => {
      return checkString(text, `${name}.strings[${index}]`);
    });
    return kind === 'regex' ? { regex: strings[0] as string } : { tokens: strings };
  }
  checkKeys(object, ['kind', 'operands'], name);
  const length = kind === 'complement' ? 1 : 2;
  const operands = listOf(object.operands, `${name}.operands`, length).map((operand, index) => {
    return readAutoCogVocabulary(operand, `${name}.operands[${index}]`, depth + 1);
  });
  switch (kind) {
    case 'union':
      return { union: operands };
    case 'intersect':
      return { intersect: operands };
    case 'diff':
      return { difference: operands };
    case 'complement':
      return { complement: operands[0] as VocabularyExpression };
  }
}

/** A vocabulary as AutoCog has it: names are replaced by what they stand for. */
export function writeAutoCogVocabulary(
  expression: VocabularyExpression,
  vocabularies: Readonly<Record<string, VocabularyExpression>>,
  name: string,
): AutoCogVocabulary {
  const write = (part: VocabularyExpression) => writeAutoCogVocabulary(part, vocabularies, name);
  if (typeof expression === 'string') return write(vocabularies[expression] as typeof expression);
  if ('tokens' in expression) return { kind: 'tokenize', strings: [...expression.tokens] };
  if ('regex' in expression) return { kind: 'regex', strings: [expression.regex] };
  if ('ids' in expression) {
    throw wrongRange('a vocabulary without token ids, which AutoCog lacks,', name, expression.ids);
  }
  if ('union' in expression) return nest('union', expression.union.map(write));
  if ('intersect' in expression) return nest('intersect', expression.intersect.map(write));
  if ('difference' in expression) return nest('diff', expression.difference.map(write));
  return { kind: 'complement', operands: [write(expression.complement)] };
}

/** AutoCog reads two operands: more of them are nested, to the left. */
function nest(kind: 'union' | 'intersect' | 'diff', operands: AutoCogVocabulary[]) {
  const [first] = operands as [AutoCogVocabulary];
  if (operands.length === 1) return first;
  return operands.reduce((a, b): AutoCogVocabulary => ({ kind, operands: [a, b] }));
}

/** Whether a text has the form of a control token: `<|eot_id|>`, `</s>`, `<end_of_turn>`. */
export const looksLikeControl = (text: string): boolean =>
  /^(<\|[^<>|\s]+\|>|<\/?[a-zA-Z_][\w-]*>)$/.test(text);

/** A stop of AutoCog's, which parses control tokens in it, as this package has it. */
export const stopOf = (text: string): Stop => (looksLikeControl(text) ? { control: text } : text);

/**
 * A set of stop tokens: AutoCog parses control tokens in the texts of `tokenize`, and this package
 * does not.
 */
export function stopsOf(
  name: string,
  vocabularies: Readonly<Record<string, VocabularyExpression>>,
): readonly Stop[] {
  const expression = vocabularies[name];
  const texts =
    typeof expression === 'object' && 'tokens' in expression ? expression.tokens : undefined;
  const controls = texts?.filter(looksLikeControl) ?? [];
  if (texts === undefined || controls.length === 0) return [{ tokens: name }];
  const others = texts.filter((text) => !looksLikeControl(text));
  const stops = controls.map((control): Stop => ({ control }));
  return others.length === 0 ? stops : [...stops, { tokens: { tokens: others } }];
}

/** Metrics by which AutoCog orders its queue and that this package has, too. */
const metrics: Readonly<Record<string, Metric>> = {
  mean: 'mean',
  perplexity: 'mean',
  sum: 'sum',
  logprob: 'sum',
  bytes: 'bytes',
};

/** The first metric in a list, or alone, that this package has; `'mean'` if there is none. */
export function metricOf(value: unknown): Metric {
  for (const name of [value].flat()) {
    const metric = typeof name === 'string' && Object.hasOwn(metrics, name) && metrics[name];
    if (metric) return metric;
  }
  return 'mean';
}
