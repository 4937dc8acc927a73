// The regular expressions of vocabularies: they find what JavaScript's find, in linear time.

import fc from 'fast-check';
import t from 'tap';
import { compileRegex } from '../../lib/regex/regex.js';

const characters = fc.constantFrom(...'abB1_ .-\n\u00e9\u2028😀ſ');

const classItem = fc.oneof(
  characters.map((character) => character.replace(/[\^\-\]\\]/, '\\$&')),
  fc.constantFrom('\\d', '\\W', '\\s', '\\p{L}', '\\P{Lu}', 'a-z', '\\x41-\\x5a', '\\b', '\\-'),
);

const atom = fc.oneof(
  { arbitrary: characters.map((c) => c.replace(/[.^$|()[\]{}*+?\\/]/, '\\$&')), weight: 4 },
  fc.constantFrom('.', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\p{Lu}', '\\P{L}'),
  fc.constantFrom('\\u{1F600}', '\\ud83d\\ude00', '\\ud83d', '\\x61', '\\cJ', '\\0', '\\t'),
  fc
    .tuple(fc.constantFrom('', '^'), fc.array(classItem, { maxLength: 4 }))
    .map(([negation, items]) => `[${negation}${items.join('')}]`),
);

const { pattern } = fc.letrec<{ pattern: string; item: string; sequence: string }>((tie) => ({
  item: fc
    .tuple(
      fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        atom,
        tie('pattern').map((inner) => `(${inner})`),
        tie('pattern').map((inner) => `(?:${inner})`),
        tie('pattern').map((inner) => `(?<n>${inner})`),
      ),
      fc.constantFrom('', '', '', '*', '+', '?', '*?', '+?', '{2}', '{0,2}', '{1,}', '{0}'),
    )
    .map(([item, quantifier]) => item + quantifier),
  sequence: fc
    .array(
      fc.oneof({ arbitrary: tie('item'), weight: 6 }, fc.constantFrom('^', '$', '\\b', '\\B')),
      { maxLength: 4 },
    )
    .map((parts) => parts.join('')),
  pattern: fc
    .array(tie('sequence'), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('|')),
}));

const isValid = (source: string): boolean => {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    // A name that two groups have.
    return false;
  }
};

t.test('random patterns match the texts that they match in JavaScript', async (t) => {
  const texts = fc.array(fc.string({ unit: characters, maxLength: 8 }), { maxLength: 8 });
  const seen = { true: 0, false: 0 };
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(pattern.filter(isValid), texts, (source, texts) => {
        const expected = new RegExp(source, 'u');
        const matcher = compileRegex(source, 'regex');
        for (const text of ['', ...texts]) {
          // V8 finds \B inside a surrogate pair, where ECMA-262 sees one character.
          if (source.includes('\\B') && /[\u{10000}-\u{10ffff}]/u.test(text)) continue;
          seen[`${expected.test(text)}`]++;
          if (matcher.test(text) !== expected.test(text)) throw new Error(JSON.stringify(text));
        }
      }),
      { numRuns: 1000, seed: 5 },
    ),
  );
  t.ok(seen.true > 500 && seen.false > 500, 'both outcomes occur', { seen });
});

t.test('properties have the characters that JavaScript knows', async (t) => {
  for (const property of [
    '\\p{L}',
    '\\P{L}',
    '\\p{Any}',
    '\\p{Cs}',
    '\\p{Script=Han}',
    '\\P{Lu}',
  ]) {
    const expected = new RegExp(`^${property}$`, 'u');
    const matcher = compileRegex(`^${property}$`, 'regex');
    let different = 0;
    for (let code = 0; code < 0x110000; code += code < 0x3000 ? 1 : 17) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const text = String.fromCodePoint(code);
      if (matcher.test(text) !== expected.test(text)) different++;
    }
    t.equal(different, 0, property);
  }
});

t.test(
  'patterns that make others take exponential time take a few steps per character',
  async (t) => {
    const text = 'a'.repeat(10_000);
    for (const source of ['(a*)*b', '(a|a)*b', '(a|aa)+$b', '^(([a-z])+.)+[A-Z]$', '(.*)*(.*)*x']) {
      const matcher = compileRegex(source, 'regex');
      t.equal(matcher.test(text), false, source);
      t.ok(matcher.steps < 200, `${source}: ${matcher.steps} steps`);
    }
  },
);

t.test('where the states are too many to keep, the steps stay linear in the text', async (t) => {
  // Each state is a set of the last 100 positions with an a.
  const matcher = compileRegex('a.{100}c', 'regex');
  let state = 1;
  const text = Array.from({ length: 5000 }, () => {
    state = (state * 48271) % 2147483647;
    return state % 2 ? 'a' : 'b';
  }).join('');
  t.equal(matcher.test(text), false);
  t.equal(matcher.test(`${text}a${'b'.repeat(100)}c`), true);
  t.ok(matcher.steps < 10_300 * 250, `${matcher.steps} steps`);
});

t.test('invalid patterns are refused with the reason and the name', async (t) => {
  const cases = [
    ['[a', /^Expected a regular expression \(unterminated character class\) for x, got "\[a"$/],
    ['a{2,1}', /numbers out of order/],
    ['*', /nothing to repeat/],
    ['(', /unterminated group/],
    ['\\', /\\ at end of pattern/],
    ['\\p{Foo}', /invalid property name/],
    ['a:(b', /unterminated group/],
  ] as const;
  for (const [source, message] of cases) {
    t.throws(() => compileRegex(source, 'x'), { name: 'TypeError', message });
  }
});

t.test('what has no linear-time engine is refused by name and position', async (t) => {
  const cases = [
    ['a(?=b)', /^Regular expressions have no look-ahead at character 4, in x$/],
    ['(?!b)', /look-ahead/],
    ['(?<=b)', /look-behind/],
    ['(?<!b)', /look-behind/],
    ['(a)\\1', /a back reference at character 5/],
    ['(?<n>a)\\k<n>', /a back reference/],
    ['a{6000}', /more than 5000 characters/],
    ['((a{100}){100}){100}', /more than 5000 characters/],
    ['(){999999999}', /more than 5000 characters/],
    ['(a{0,999999999}){0,999999999}', /more than 5000 characters/],
    [`${'('.repeat(300)}a${')'.repeat(300)}`, /more than 200 nested groups/],
    [
      Array.from(
        { length: 400 },
        (_, index) => `[\\p{L}${String.fromCodePoint(0x2500 + index)}]`,
      ).join(''),
      /more than 200000 ranges of characters/,
    ],
  ] as const;
  for (const [source, message] of cases) {
    t.throws(() => compileRegex(source, 'x'), { name: 'NotSupportedError', message });
  }
  const deep = '('.repeat(100_000) + ')'.repeat(100_000);
  t.throws(() => compileRegex(deep, 'x'));
});
