// Vocabulary expressions and stops, resolved for the toy, and for vocabularies of real models.

import { type ChoiceLM, LLaMa, Model, type Stop, type VocabularyExpression } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';
import { TokenSets } from '../../lib/automaton/token-sets.js';
import type { TokenSource } from '../../lib/automaton/token-source.js';
import { countBits, hasBit } from '../../lib/common/bits.js';
import { ToyLM, toyBegin, toyEnd } from '../suite/toy-lm.js';
import { loadVocabulary } from '../support/vocabulary-lm.js';

const sourceOf = (lm: ChoiceLM): TokenSource =>
  (lm as unknown as { tokenSource: TokenSource }).tokenSource;

const members = (set: Uint8Array): number[] =>
  Array.from({ length: set.length * 8 }, (_, token) => token).filter((token) => hasBit(set, token));

const codes = (text: string): number[] => [...new TextEncoder().encode(text)].sort((a, b) => a - b);

const named: Record<string, VocabularyExpression> = {
  letters: { regex: '^[a-z]$' },
  vowels: { tokens: ['aei', 'ou'] },
  consonants: { difference: ['letters', 'vowels'] },
};

const resolve = (
  lm: ChoiceLM,
  expression: VocabularyExpression | undefined,
  signal?: AbortSignal,
) => new TokenSets(sourceOf(lm), named, signal).vocabulary(expression, 'x');

t.test('expressions are sets of tokens', async (t) => {
  const lm = new ToyLM();
  const cases: [VocabularyExpression, number[]][] = [
    ['vowels', codes('aeiou')],
    ['consonants', codes('bcdfghjklmnpqrstvwxyz')],
    [{ ids: [toyEnd, 3, 3] }, [3, toyEnd]],
    [{ regex: '[x-z]' }, codes('xyz')],
    [{ union: ['vowels', { tokens: ['xa'] }, { ids: [0] }] }, [0, ...codes('aeioux')]],
    [{ intersect: ['letters', { complement: 'vowels' }, { tokens: ['abc'] }] }, codes('bc')],
    [{ complement: { complement: 'vowels' } }, codes('aeiou')],
    [{ complement: { union: [{ regex: '^[^]' }, { ids: [toyBegin] }] } }, []],
    // A single byte of a longer character is U+FFFD.
    [{ regex: '^\ufffd$' }, Array.from({ length: 128 }, (_, index) => 128 + index)],
  ];
  for (const [expression, expected] of cases) {
    const found = resolve(lm, expression);
    if (expected.length === 0) await t.rejects(found, { name: 'RangeError' });
    else t.same(members(await found), expected, JSON.stringify(expression));
  }
  t.same(
    members(await resolve(lm, undefined)),
    Array.from({ length: 256 }, (_, token) => token),
  );
});

t.test('control tokens are only in sets that list them', async (t) => {
  const set = fc.letrec<{ set: VocabularyExpression }>((tie) => ({
    set: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom('letters', 'vowels', 'consonants'),
      fc.record({ regex: fc.constantFrom('.', '^$', '<', '[^a-f]', '\\d') }),
      fc.record({ tokens: fc.constantFrom(['<end>'], ['a', 'b']) }),
      fc.record({ ids: fc.constantFrom([1, 97], [255]) }),
      fc.record({ complement: tie('set') }),
      ...(['union', 'intersect', 'difference'] as const).map((kind) =>
        fc.array(tie('set'), { minLength: 1, maxLength: 3 }).map((parts) => {
          return { [kind]: parts } as unknown as VocabularyExpression;
        }),
      ),
    ),
  })).set;
  const lm = new ToyLM();
  const holds = (expression: VocabularyExpression, token: number): boolean => {
    if (typeof expression === 'string')
      return holds(named[expression] as VocabularyExpression, token);
    const text = new TextDecoder().decode(Uint8Array.of(token));
    if ('regex' in expression) return new RegExp(expression.regex, 'u').test(text);
    if ('tokens' in expression) return codes(expression.tokens.join('')).includes(token);
    if ('ids' in expression) return expression.ids.includes(token);
    if ('complement' in expression) return !holds(expression.complement, token);
    if ('union' in expression) return expression.union.some((part) => holds(part, token));
    if ('intersect' in expression) return expression.intersect.every((part) => holds(part, token));
    const [first, ...others] = expression.difference as [VocabularyExpression];
    return holds(first, token) && !others.some((part) => holds(part, token));
  };
  await t.resolves(
    fc.assert(
      fc.asyncProperty(set, async (expression) => {
        const expected = Array.from({ length: 256 }, (_, token) => token).filter((token) =>
          holds(expression, token),
        );
        const found = await resolve(lm, expression).catch((error: unknown) => {
          if (error instanceof RangeError) return new Uint8Array();
          throw error;
        });
        t.strictSame(members(found), expected);
      }),
      { numRuns: 200, seed: 7 },
    ),
  );
});

t.test('sets are resolved once per vocabulary', async (t) => {
  let texts = 0;
  class Counting extends ToyLM {
    override async detokenize(tokens: Int32Array, options?: { special?: boolean }) {
      texts++;
      return super.detokenize(tokens, options);
    }
  }
  const lm = new Counting();
  const first = await resolve(lm, { union: ['consonants', { regex: 'a' }] });
  t.equal(texts, 258);
  t.equal(await resolve(lm, { union: [{ regex: 'a' }, 'consonants'] }), first, 'in any order');
  t.equal(
    await resolve(lm, 'consonants'),
    await resolve(lm, { difference: ['letters', 'vowels'] }),
  );
  const other = new TokenSets(sourceOf(lm), { letters: { regex: '^[0-9]$' } }, undefined);
  t.same(members(await other.vocabulary('letters', 'x')), codes('0123456789'), 'names may differ');
  t.equal(texts, 258);
});

t.test('errors name the expression', async (t) => {
  const lm = new ToyLM();
  await t.rejects(resolve(lm, { union: ['vowels', { ids: [3, 258] }] }), {
    name: 'RangeError',
    message: /^Expected a token id below 258, .* for x\.union\[1\]\.ids\[1\], got 258$/,
  });
  await t.rejects(resolve(lm, { intersect: ['vowels', 'consonants'] }), {
    name: 'RangeError',
    message: /^Expected a set with at least one token of this model for x, got/,
  });
  const stops = new TokenSets(sourceOf(lm), named, undefined).stops(
    [{ tokens: { regex: 'ab' } }],
    'y',
  );
  await t.rejects(stops, { name: 'RangeError', message: /for y\[0\]\.tokens/ });
});

t.test('stops are texts, and one set of tokens', async (t) => {
  const stopsOf = async (lm: ChoiceLM, stops: readonly Stop[]) => {
    const { texts, tokens } = await new TokenSets(sourceOf(lm), named, undefined).stops(
      stops,
      'stop',
    );
    return { texts, tokens: tokens && members(tokens) };
  };
  const lm = new ToyLM();
  t.same(await stopsOf(lm, []), { texts: [], tokens: undefined });
  t.same(await stopsOf(lm, ['\n', { control: '<|eot_id|>' }, 'END']), {
    texts: ['\n', 'END'],
    tokens: undefined,
  });
  t.same(await stopsOf(lm, [{ tokens: 'vowels' }, '.', { tokens: { ids: [toyEnd] } }]), {
    texts: ['.'],
    tokens: [...codes('aeiou'), toyEnd],
  });
});

t.test('an abort ends it, and nothing is half kept', async (t) => {
  const model = await loadVocabulary(t, 'gpt-2');
  const source = textsOf(model);
  const sets = new TokenSets(source, {}, AbortSignal.abort(new Error('enough')));
  await t.rejects(sets.vocabulary({ regex: 'a' }, 'x'), { message: 'enough' });
  const controller = new AbortController();
  const running = new TokenSets(source, {}, controller.signal).vocabulary({ regex: 'a' }, 'x');
  setImmediate(() => controller.abort(new Error('later')));
  await t.rejects(running, { message: 'later' });
  t.ok(
    countBits(await new TokenSets(source, {}, undefined).vocabulary({ regex: 'a' }, 'x')) > 1000,
  );
});

/** The vocabulary of a model without weights, as LLaMa provides it. */
function textsOf(model: Model): TokenSource {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    owner: model,
    size: async () => model.vocab.size,
    texts: (tokens) => Array.from(tokens, (token) => decoder.decode(model.tokenBytes(token))),
    tokenize: (texts) =>
      Promise.all(texts.map((text) => model.tokenize(text, { continuation: true }))),
    tokenizeSpecial: (text) => model.tokenize(text, { parseSpecial: true, continuation: true }),
    endOfGeneration: model.vocab.endOfGeneration,
  };
}

for (const [name, control, absent] of [
  ['llama-bpe', '<|eot_id|>', '</s>'],
  ['llama-spm', '</s>', '<|eot_id|>'],
  ['gpt-2', '<|endoftext|>', '</s>'],
] as const) {
  t.test(`the vocabulary of ${name}`, async (t) => {
    const model = await loadVocabulary(t, name);
    const sets = new TokenSets(textsOf(model), {}, undefined);
    for (const pattern of ['^ ?\\p{Lu}\\w*$', '\\b\\d+\\b', '[^\\x00-\\x7f]']) {
      const set = await sets.vocabulary({ regex: pattern }, 'x');
      const expected = new RegExp(pattern, 'u');
      let different = 0;
      for (let token = 0; token < model.vocab.size; token += 7) {
        const text = Buffer.from(model.tokenBytes(token)).toString();
        const isIn = text !== '' && expected.test(text);
        if (isIn !== hasBit(set, token)) different++;
      }
      t.equal(different, 0, pattern);
    }
    const digits = await sets.vocabulary({ tokens: ['7', '42'] }, 'x');
    const found = members(digits).map((token) => Buffer.from(model.tokenBytes(token)).toString());
    t.ok(found.includes('7') && found.every((text) => /^\d+$/.test(text)), found.join());
    const { texts, tokens } = await sets.stops([{ control }, { control: absent }], 'stop');
    t.same(texts, []);
    t.same(tokens && members(tokens).map((token) => model.tokenInfo(token).text), [control]);
  });
}

t.test('LLaMas of one model share their sets', async (t) => {
  const model = await Model.load('models/default.gguf');
  const lms = [new LLaMa(model, { threads: 1 }), new LLaMa(model, { threads: 1 })] as const;
  const [first, second] = await Promise.all(lms.map((lm) => resolve(lm, 'letters')));
  t.equal(first, await resolve(lms[1], 'letters'));
  t.same(second && members(second), first && members(first));
  t.ok(first && countBits(first) >= 26);
  await Promise.all([...lms.map((lm) => lm.close()), model.close()]);
});
