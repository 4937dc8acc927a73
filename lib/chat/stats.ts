// The context usage as text. `Thread.printStats` prints it.

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** The context usage in three lines; two if the context size is unknown. */
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
