// The boundary between prompt and choices, with a tokenizer that merges configured pieces.

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

/** Code points are tokens, except that each of these pieces, longest first, is one token. */
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

t.test('separate tokenizes prompt and choices alone, even where they would merge', async (t) => {
  const tokenized = await separate(merging('bc'), 'ab', ['c', 'bc']);
  t.same([...tokenized.prompt], [begin, ...codes('ab')]);
  t.same(
    tokenized.paths.map((path) => [...path]),
    [codes('c'), [1000]],
  );
  t.match(tokenized.report, { kind: 'separate', merges: undefined });
});

t.test('separate reports merges if requested', async (t) => {
  const tokenizer = merging('bc', 'xy');
  const tokenized = await separateWithMerges(tokenizer, 'ab', ['c', 'bc', 'xy', 'd']);
  const plain = await separate(tokenizer, 'ab', ['c', 'bc', 'xy', 'd']);
  t.same([tokenized.prompt, tokenized.paths], [plain.prompt, plain.paths]);
  t.same(tokenized.report.merges, [0], 'b and c merge into one token; bc is one token anyway');
  const prompt = Int32Array.of(1);
  await t.rejects(separateWithMerges(tokenizer, prompt, ['c']), { name: 'TypeError' });
});

t.test('separate keeps token ids unchanged', async (t) => {
  const ids = Int32Array.of(4, 5);
  const tokenized = await separate(merging(), Int32Array.of(1, 2), [ids]);
  t.same([...tokenized.prompt], [1, 2]);
  t.same(tokenized.paths[0], ids);
});

t.test('joint moves trailing white space of the prompt to the choices', async (t) => {
  const tokenizer = merging(' x');
  const tokenized = await joint(tokenizer, 'a \n ', ['x', 'y']);
  t.same([...tokenized.prompt], [begin, ...codes('a')]);
  t.same(
    tokenized.paths.map((path) => [...path]),
    [[...codes(' \n'), tokenizer.id(' x')], codes(' \n y')],
  );
  t.same(tokenized.report.merges, [0], 'x has other tokens alone, y does not');
  t.same(tokenized.report.tokens, tokenized.prompt);
});

t.test('joint equals separate if nothing merges', async (t) => {
  const tokenizer = merging();
  const tokenized = await joint(tokenizer, 'ab', ['c', 'd']);
  const separated = await separate(tokenizer, 'ab', ['c', 'd']);
  t.same(tokenized.prompt, separated.prompt);
  t.same(tokenized.paths, separated.paths);
  t.same(tokenized.report.merges, []);
});

t.test('joint shortens the prompt to the tokens that every choice preserves', async (t) => {
  const tokenizer = merging('bcd', 'cx');
  const tokenized = await joint(tokenizer, 'abc', ['d', 'x', 'y']);
  t.same([...tokenized.prompt], [begin, ...codes('a')], "'d' changes the second token");
  t.same(
    tokenized.paths.map((path) => [...path]),
    [[tokenizer.id('bcd')], [...codes('b'), tokenizer.id('cx')], codes('bcy')],
  );
  t.same(tokenized.report.merges, [0, 1]);
});

t.test('joint rejects a prompt of which no token would remain', async (t) => {
  const { texts } = merging('ab');
  const prompt = async (text: string) => (await texts([text]))[0] as Int32Array;
  const tokenizer = {
    ...merging('ab'),
    prompt: prompt as ChoiceTokenizer['prompt'],
    prompts: texts,
  };
  await t.rejects(joint(tokenizer, 'a', ['b']), { name: 'RangeError', code: 'OUT_OF_RANGE' });
});

t.test('joint requires text', async (t) => {
  await t.rejects(joint(merging(), Int32Array.of(1), ['b']), { name: 'TypeError' });
});
