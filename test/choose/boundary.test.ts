// Where a prompt ends and a choice begins, with a tokenizer that merges what we say.

import t from 'tap';
import {
  type ChoiceTokenizer,
  joint,
  separate,
  separateWithMerges,
} from '../../lib/choose/boundary.js';

const begin = 999;
const codes = (text: string): number[] => [...text].map((char) => char.codePointAt(0) ?? 0);

const textOfCode = (code: number): string => (code === begin ? '' : String.fromCodePoint(code));

/** Code points as tokens, except that these pieces, longest first, are one token each. */
function merging(...pieces: string[]): ChoiceTokenizer & { id(piece: string): number } {
  const id = (piece: string): number => 1000 + pieces.indexOf(piece);
  const ids = (text: string): number[] => {
    if (text === '') return [];
    const piece = pieces.find((candidate) => text.startsWith(candidate));
    const [first = ''] = piece === undefined ? text : [piece];
    return [
      ...(piece === undefined ? codes(first) : [id(piece)]),
      ...ids(text.slice(first.length)),
    ];
  };
  return {
    id,
    prompt: async (prompt) =>
      typeof prompt === 'string' ? Int32Array.from([begin, ...ids(prompt)]) : prompt,
    prompts: async (texts) => texts.map((text) => Int32Array.from([begin, ...ids(text)])),
    texts: async (texts) => texts.map((text) => Int32Array.from(ids(text))),
    textOf: (tokens) => {
      return [...tokens].map((token) => pieces[token - 1000] ?? textOfCode(token)).join('');
    },
  };
}

t.test('separate tokenises each alone, whatever they would merge to', async (t) => {
  const seam = await separate(merging('bc'), 'ab', ['c', 'bc']);
  t.same([...seam.prompt], [begin, ...codes('ab')]);
  t.same(
    seam.paths.map((path) => [...path]),
    [codes('c'), [1000]],
  );
  t.match(seam.report, { kind: 'separate', merges: undefined });
});

t.test('separate finds merges where that is asked for', async (t) => {
  const tokenizer = merging('bc', 'xy');
  const seam = await separateWithMerges(tokenizer, 'ab', ['c', 'bc', 'xy', 'd']);
  const plain = await separate(tokenizer, 'ab', ['c', 'bc', 'xy', 'd']);
  t.same([seam.prompt, seam.paths], [plain.prompt, plain.paths]);
  t.same(seam.report.merges, [0], 'b and c are one token, bc alone is one anyway');
  const prompt = Int32Array.of(1);
  await t.rejects(separateWithMerges(tokenizer, prompt, ['c']), { name: 'TypeError' });
});

t.test('separate takes token ids as they are', async (t) => {
  const given = Int32Array.of(4, 5);
  const seam = await separate(merging(), Int32Array.of(1, 2), [given]);
  t.same([...seam.prompt], [1, 2]);
  t.same(seam.paths[0], given);
});

t.test('joint leaves the white space at the end of the prompt to the choices', async (t) => {
  const tokenizer = merging(' x');
  const seam = await joint(tokenizer, 'a \n ', ['x', 'y']);
  t.same([...seam.prompt], [begin, ...codes('a')]);
  t.same(
    seam.paths.map((path) => [...path]),
    [[...codes(' \n'), tokenizer.id(' x')], codes(' \n y')],
  );
  t.same(seam.report.merges, [0], 'x is other tokens alone, y is not');
  t.same(seam.report.tokens, seam.prompt);
});

t.test('joint agrees with separate where nothing merges', async (t) => {
  const tokenizer = merging();
  const seam = await joint(tokenizer, 'ab', ['c', 'd']);
  const apart = await separate(tokenizer, 'ab', ['c', 'd']);
  t.same(seam.prompt, apart.prompt);
  t.same(seam.paths, apart.paths);
  t.same(seam.report.merges, []);
});

t.test(
  "joint shortens the prompt of all to what every choice leaves of the prompt's tokens",
  async (t) => {
    const tokenizer = merging('bcd', 'cx');
    const seam = await joint(tokenizer, 'abc', ['d', 'x', 'y']);
    t.same([...seam.prompt], [begin, ...codes('a')], "'d' changes the second token already");
    t.same(
      seam.paths.map((path) => [...path]),
      [[tokenizer.id('bcd')], [...codes('b'), tokenizer.id('cx')], codes('bcy')],
    );
    t.same(seam.report.merges, [0, 1]);
  },
);

t.test('joint refuses a prompt of which no token would be left', async (t) => {
  const { texts } = merging('ab');
  const prompt = async (text: string) => (await texts([text]))[0] as Int32Array;
  const tokenizer = {
    ...merging('ab'),
    prompt: prompt as ChoiceTokenizer['prompt'],
    prompts: texts,
  };
  await t.rejects(joint(tokenizer, 'a', ['b']), { name: 'RangeError', code: 'OUT_OF_RANGE' });
});

t.test('joint needs text', async (t) => {
  await t.rejects(joint(merging(), Int32Array.of(1), ['b']), { name: 'TypeError' });
});
