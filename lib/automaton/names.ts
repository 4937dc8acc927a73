// How messages refer to the actions of an automaton.

/** `actions[2] 'answer'`; without the id if it is missing or long. */
export function nameOf(index: number, id: unknown): string {
  const isShort = typeof id === 'string' && id !== '' && id.length <= 60;
  return isShort ? `actions[${index}] '${id}'` : `actions[${index}]`;
}
