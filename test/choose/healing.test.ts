// The healed boundary, with difficult tokenizers.

import t from 'tap';
import type { ChoiceTokenizer } from '../../lib/choose/boundary.js';
import { healed } from '../../lib/choose/healing.js';
import { findGuardSync, tokenizeContinuationSync } from '../../lib/common/continuation.js';

const control = 3;
const decoder = (bytes: readonly number[]): string =>
  new TextDecoder().decode(Uint8Array.from(bytes));
const bytesOf = (text: string): number[] => [...new TextEncoder().encode(text)];

/** Bytes are tokens; pieces, longest first, have ids from 1000. Token 3 is a control token. */
function bytewise(...pieces: string[]): ChoiceTokenizer & { ids(text: string): number[] } {
  const sorted = [...pieces].sort((a, b) => b.length - a.length);
  const ids = (text: string): number[] => {
    if (text === '') return [];
    const piece = sorted.find((candidate) => text.startsWith(candidate));
    const [first = ''] = piece === undefined ? text : [piece];
    const head = piece === undefined ? bytesOf(first) : [1000 + pieces.indexOf(piece)];
    return [...head, ...ids(text.slice(first.length))];
  };
  return {
    ids,
    prompt: async (prompt) => (typeof prompt === 'string' ? Int32Array.from(ids(prompt)) : prompt),
    prompts: async (texts) => texts.map((text) => Int32Array.from(ids(text))),
    texts: async (texts) => texts.map((text) => Int32Array.from(ids(text))),
    textOf: (tokens, special) =>
      decoder(
        [...tokens].flatMap((token) => {
          if (token === control) return special ? bytesOf('<c>') : [];
          return token >= 1000 ? bytesOf(pieces[token - 1000] as string) : [token];
        }),
      ),
  };
}

/** A tokenizer that prefixes every text with a space, and strips it when detokenizing. */
function spacing(...pieces: string[]): ReturnType<typeof bytewise> {
  const inner = bytewise(...pieces);
  const ids = (text: string): number[] => (text === '' ? [] : inner.ids(` ${text}`));
  const tokenize = (text: string) => Int32Array.from(ids(text));
  const many = async (texts: readonly string[]) => texts.map(tokenize);
  const guard = findGuardSync(tokenize);
  const continued = (text: string) => tokenizeContinuationSync(tokenize, guard, text);
  return {
    ids,
    prompt: async (prompt) => (typeof prompt === 'string' ? Int32Array.from(ids(prompt)) : prompt),
    prompts: many,
    texts: async (texts) => texts.map((text) => continued(text)),
    textOf: (tokens, special) => (inner.textOf(tokens, special) as string).replace(/^ /, ''),
  };
}

const lists = (paths: readonly Int32Array[]): number[][] => paths.map((path) => [...path]);

t.test('a split word gets its usual tokens', async (t) => {
  const tokenizer = bytewise(' Paris', ' Pa', 'ris');
  const tokenized = await healed(tokenizer, 'in Pa', ['ris', 'ra', '']);
  t.same([...tokenized.prompt], bytesOf('in'));
  t.same(lists(tokenized.paths), [[1000], [1001, ...bytesOf('ra')], [1001]]);
  t.same(tokenized.report, {
    kind: 'healed',
    tokens: tokenized.prompt,
    merges: [0],
    healed: { tokens: Int32Array.of(1001), text: ' Pa' },
  });
});

t.test('tokens are trimmed until they are whole characters', async (t) => {
  const tokenizer = bytewise();
  const euro = bytesOf('€');
  const tokenized = await healed(tokenizer, 'a€', ['b']);
  t.same(
    [[...tokenized.prompt], ...lists(tokenized.paths)],
    [bytesOf('a'), [...euro, ...bytesOf('b')]],
  );
  const own = await healed(tokenizer, 'a\ufffd', ['b']);
  t.same([...own.prompt], bytesOf('a'), 'U+FFFD may be a literal character');
  t.equal(own.report.healed?.text, '\ufffd');
  const lone = await healed(tokenizer, 'ab', ['\ud800']);
  t.same(
    lists(lone.paths),
    [[...bytesOf('b'), ...bytesOf('\ufffd')]],
    'or come from a lone surrogate',
  );
  const cut = Int32Array.from([...bytesOf('ab'), ...euro.slice(0, 2)]);
  const wrong = {
    name: 'RangeError',
    message: /^Expected whole characters .* for prompt, got Int32Array/,
  };
  await t.rejects(healed(tokenizer, cut, ['b']), wrong);
  await t.rejects(healed(tokenizer, cut, ['b'], 'prior'), { message: /for prior/ });
  await t.rejects(healed(tokenizer, 'a', ['b']), { name: 'RangeError', message: /two tokens/ });
});

t.test('token ids are healed by their text, if they have one', async (t) => {
  const tokenizer = bytewise('ab', 'é');
  const id = (...ids: number[]): Int32Array => Int32Array.from(ids);
  const tokenized = await healed(tokenizer, 'xa', [id(...bytesOf('b')), id(1001)]);
  t.same(lists(tokenized.paths), [[1000], [...bytesOf('a'), 1001]]);
  t.same(tokenized.report.merges, [0]);
  const refused = { name: 'RangeError', message: /whole characters of text.* for choices\[1\]/ };
  for (const bad of [id(bytesOf('é')[0] as number), id(control), id(97, control)]) {
    await t.rejects(healed(tokenizer, 'xa', [id(98), bad]), refused);
  }
});

t.test('nothing is trimmed after a control token', async (t) => {
  const tokenizer = bytewise('ab');
  const ended = Int32Array.of(97, control);
  const tokenized = await healed(tokenizer, ended, ['ab', 'b']);
  t.same([tokenized.prompt, ...lists(tokenized.paths)], [ended, [1000], [98]]);
  t.same(tokenized.report.healed, { tokens: new Int32Array(0), text: '' });
  t.same(tokenized.report.merges, []);
  t.same((await healed(tokenizer, Int32Array.of(control), ['b'])).prompt, Int32Array.of(control));
  const first = await healed(tokenizer, Int32Array.of(control, 97), ['b']);
  t.same([[...first.prompt], ...lists(first.paths)], [[control], [1000]]);
});

t.test('a space that the tokenizer adds counts as one of the text', async (t) => {
  const tokenizer = spacing(' the', ' then', ' ');
  const tokenized = await healed(tokenizer, 'and the', ['n', ' x']);
  t.same(lists(tokenized.paths), [[1001], [1000, ...tokenizer.ids('x')]]);
  t.equal(tokenized.report.healed?.text, ' the');
  const space = await healed(tokenizer, Int32Array.from([...tokenizer.ids('and'), 1002]), ['then']);
  t.equal(space.report.healed?.text, ' ', 'though it has no text at the start');
  t.same(lists(space.paths), [[1001]]);
  const within = await healed(spacing('dd'), 'and', ['d', 'e']);
  t.same(lists(within.paths), [[1000], bytesOf('de')], 'and no space is added within a word');
});

t.test('a lossy tokenizer is rejected', async (t) => {
  const lower = bytewise();
  const fold = async (texts: readonly string[]) =>
    texts.map((text) => Int32Array.from(lower.ids(text.toLowerCase())));
  const error = { name: 'NotSupportedError', code: 'NOT_SUPPORTED', message: /"aB"/ };
  await t.rejects(healed({ ...lower, texts: fold }, 'xa', ['b', 'B']), error);
});
