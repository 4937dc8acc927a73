// "Did you mean": the known word that a misspelt one most resembles. Errors about options use it.

/** The known word at most a third of whose letters differ from `word`; undefined if there is none. */
export function similarTo(word: string, known: readonly string[]): string | undefined {
  const text = word.slice(0, 60).toLowerCase();
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const edits = distance(text, candidate.toLowerCase());
    if (edits < least && edits <= Math.ceil(Math.max(candidate.length, text.length) / 3)) {
      [best, least] = [candidate, edits];
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbors that turn one word into the other. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let edits = Math.min(
        (last[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (last[column - 1] as number) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        edits = Math.min(edits, (beforeLast[column - 2] as number) + 1);
      }
      current.push(edits);
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] as number;
}
