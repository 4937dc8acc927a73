// The encodings of js-tiktoken, and which model uses which. `options.ts` and
// `tiktoken-tokenizer.ts` use it.

/** The encodings that js-tiktoken provides. */
export const encodingNames = [
  'gpt2',
  'r50k_base',
  'p50k_base',
  'p50k_edit',
  'cl100k_base',
  'o200k_base',
] as const;

/** One of {@link encodingNames}. */
export type EncodingName = (typeof encodingNames)[number];

/** Models for which js-tiktoken 1.0 disagrees with OpenAI's own tiktoken. */
const corrected: Record<string, EncodingName> = {
  'babbage-002': 'cl100k_base',
  'davinci-002': 'cl100k_base',
};

/**
 * Model families, longest prefix first: a model newer than js-tiktoken uses the encoding of its
 * family.
 */
const families: readonly (readonly [string, EncodingName])[] = [
  ['gpt-3.5-turbo', 'cl100k_base'],
  ['gpt-35-turbo', 'cl100k_base'],
  ['chatgpt-4o', 'o200k_base'],
  ['gpt-4.1', 'o200k_base'],
  ['gpt-4.5', 'o200k_base'],
  ['gpt-4o', 'o200k_base'],
  ['gpt-4-', 'cl100k_base'],
  ['gpt-5', 'o200k_base'],
  ['o1', 'o200k_base'],
  ['o3', 'o200k_base'],
  ['o4', 'o200k_base'],
];

/**
 * The encoding of one of OpenAI's models; undefined for other names.
 *
 * @param known js-tiktoken's own lookup; throws for unknown names
 */
export function encodingOf(
  model: string,
  known: (model: string) => EncodingName,
): EncodingName | undefined {
  // A fine-tuned model: `ft:gpt-4o-mini:organization::id`.
  const base = model.startsWith('ft:') ? (model.split(':')[1] ?? '') : model;
  const own = Object.hasOwn(corrected, base) ? corrected[base] : undefined;
  if (own !== undefined) return own;
  try {
    return known(base);
  } catch {
    return families.find(([family]) => base.startsWith(family))?.[1];
  }
}
