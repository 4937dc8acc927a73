// The code points of Unicode property escapes, as the running JavaScript engine knows them.

import type { Range } from '../common/code-points.js';

/** There are a few hundred property escapes that engines accept. */
const known = new Map<string, readonly Range[]>();

/** Every code point that UTF-8 can encode, in order. */
function allCharacters(): string {
  const parts: string[] = [];
  const add = (from: number, to: number): void => {
    for (let start = from; start < to; start += 0x1000) {
      const end = Math.min(to, start + 0x1000);
      parts.push(
        String.fromCodePoint(...Array.from({ length: end - start }, (_, index) => start + index)),
      );
    }
  };
  add(0, 0xd800);
  add(0xe000, 0x110000);
  return parts.join('');
}

/** The code points of a property escape such as `\p{Lu}`, which must be valid. */
export function propertyRanges(property: string): readonly Range[] {
  const cached = known.get(property);
  if (cached !== undefined) return cached;
  const ranges: Range[] = [];
  for (const [run] of allCharacters().matchAll(new RegExp(`${property}+`, 'gu'))) {
    const first = run.codePointAt(0) as number;
    // The last character may be a pair of surrogates.
    const isPair = run.length > 1 && (run.codePointAt(run.length - 2) as number) > 0xffff;
    const last = run.codePointAt(isPair ? run.length - 2 : run.length - 1) as number;
    // A run that crosses the surrogates is two ranges.
    if (first < 0xd800 && last > 0xdfff) ranges.push([first, 0xd7ff], [0xe000, last]);
    else ranges.push([first, last]);
  }
  known.set(property, ranges);
  return ranges;
}
