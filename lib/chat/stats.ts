// How full a context is, in words. Threads print it.

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** The use of a context in three lines; two where its size is not known. */
export function statsText(
  tokens: number,
  contextSize: number | undefined,
  messages: number,
): string {
  const count = plural(messages, 'message');
  if (contextSize === undefined) return `${plural(tokens, 'token')}\n${count}`;
  const share = Math.round((100 * tokens) / contextSize);
  return `${tokens} / ${plural(contextSize, 'token')}\n${share}% of context used\n${count}`;
}
