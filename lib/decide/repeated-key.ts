// Finds a key that a JSON object has twice: `JSON.parse` keeps the last value, so that a question or an option
// would vanish.

import { Pace } from '../common/yield-to-event-loop.js';

interface Level {
  /** The keys so far; undefined for an array. */
  keys: Set<string> | undefined;
  /** The key or index of the value that is being read. */
  at: string | number;
}

/** How many structural characters are read between two looks at the clock. */
const stride = 4096;

/**
 * The path of the first repeated key, such as `questions["tone"]["criteria"]["calm"]`, with `…` for what would
 * make it long; undefined if all keys differ.
 *
 * @param json valid JSON
 */
export async function findRepeatedKey(json: string): Promise<string | undefined> {
  const levels: Level[] = [];
  let expectsKey = false;
  const pace = new Pace();
  for (let i = 0, turn = 1; i < json.length; i++, turn++) {
    if (turn % stride === 0 && pace.isDue) await pace.pause();
    const level = levels.at(-1);
    switch (json[i]) {
      case '{':
        levels.push({ keys: new Set(), at: '' });
        expectsKey = true;
        break;
      case '[':
        levels.push({ keys: undefined, at: 0 });
        break;
      case '}':
      case ']':
        levels.pop();
        break;
      case ',':
        if (level?.keys === undefined) (level as { at: number }).at++;
        expectsKey = level?.keys !== undefined;
        break;
      case '"': {
        const end = endOfString(json, i);
        if (expectsKey && level?.keys !== undefined) {
          level.at = JSON.parse(json.slice(i, end)) as string;
          if (level.keys.has(level.at)) return pathOf(levels);
          level.keys.add(level.at);
          expectsKey = false;
        }
        i = end - 1;
        break;
      }
    }
  }
  return undefined;
}

/** The index after the quote that ends the string which begins at `start`. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); ; end = json.indexOf('"', end + 1)) {
    let first = end;
    while (json[first - 1] === '\\') first--;
    if ((end - first) % 2 === 0) return end + 1;
  }
}

/** The first and last of more levels than this name a path, so that messages stay short. */
const shownLevels = 16;
/** Longer keys are cut. */
const shownCharacters = 60;

function pathOf(levels: readonly Level[]): string {
  const parts = levels.map(({ at }, depth) => {
    if (typeof at === 'number') return `[${at}]`;
    if (depth === 0 && /^\w+$/.test(at) && at.length <= shownCharacters) return at;
    const key = at.length > shownCharacters ? `${at.slice(0, shownCharacters)}…` : at;
    return `[${JSON.stringify(key)}]`;
  });
  if (parts.length > shownLevels) {
    parts.splice(shownLevels / 2, parts.length - shownLevels, '…');
  }
  return parts.join('');
}
