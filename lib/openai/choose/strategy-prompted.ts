// Strategy `'prompted'`: shows a chat model the choices with labels, and reads the label from its
// reply. `choose.ts` calls it.

import { RemoteError } from '../../common/errors.js';
import type { Requests } from './choose-requests.js';
import type { ServerFeatures } from './probe.js';
import type { RemoteEngine } from './remote-engine.js';
import { maxBiases } from './strategy-bias.js';

/** Numbers of equal width, so that none is a prefix of another. */
export function labelsOf(count: number): string[] {
  const width = `${count}`.length;
  return Array.from({ length: count }, (_, index) => `${index + 1}`.padStart(width, '0'));
}

/** The message that requests a label. */
export function messageOf(prompt: string, instruction: string, texts: readonly string[]): string {
  const labels = labelsOf(texts.length);
  const lines = texts.map((text, index) => `${labels[index]}. ${text}`);
  return [prompt, '', instruction, '', ...lines].join('\n');
}

/**
 * The index of the text that a reply selects: by the label at its beginning, else by matching the
 * text itself; −1 for none. Surrounding white space, quotes, brackets and emphasis are ignored.
 */
export function readReply(reply: string, texts: readonly string[]): number {
  const unquoted = reply.replace(/^[\s"'`“”‘’*_([{#]+/u, '');
  const digits = /^\d+/.exec(unquoted)?.[0];
  const labels = labelsOf(texts.length);
  if (digits !== undefined) {
    const label = labels.indexOf(digits.padStart(labels[0]?.length ?? 0, '0'));
    if (label >= 0) return label;
  }
  const normalize = (text: string): string =>
    text.replace(/^[\s"'`“”‘’*_]+|[\s"'`“”‘’*_.]+$/gu, '').toLowerCase();
  const exact = texts.indexOf(reply);
  if (exact >= 0) return exact;
  const matches = texts.flatMap((text, index) =>
    normalize(text) === normalize(reply) ? [index] : [],
  );
  return matches.length === 1 && normalize(reply) !== '' ? (matches[0] as number) : -1;
}

/** The index of the text that the model selects. Throws a RemoteError if it selects none. */
export async function chooseByLabel(
  tokenizer: RemoteEngine['tokenizer'],
  features: ServerFeatures,
  prompt: string,
  instruction: string,
  texts: readonly string[],
  requests: Requests,
): Promise<number> {
  const labels = await tokenizer.texts(labelsOf(texts.length));
  const longest = labels.reduce((max, { length }) => Math.max(max, length), 1);
  const isBiasable = longest === 1 && labels.length <= maxBiases && features.chatBias;
  // If each label is a single token, a bias forces the model to reply with one.
  const bias = isBiasable && {
    logit_bias: Object.fromEntries(labels.map(([token]) => [token as number, 100])),
  };
  const { text } = await requests.chat(messageOf(prompt, instruction, texts), {
    max_tokens: longest,
    ...(features.chatTemperature && { temperature: 0 }),
    ...bias,
  });
  const index = readReply(text, texts);
  if (index >= 0) return index;
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  throw new RemoteError(`Expected a label from the server, got ${JSON.stringify(shown)}`);
}
