// The search for a guard, and continuations behind it, with tokenizers made for the purpose.

import t from 'tap';
import {
  findGuard,
  findGuardSync,
  tokenizeContinuation,
  tokenizeContinuationSync,
} from '../../lib/common/continuation.js';

const codePoints = (text: string): Int32Array =>
  Int32Array.from(text, (character) => character.codePointAt(0) as number);

/** As SentencePiece: a space in front of every text. */
const spacing = (text: string): Int32Array => codePoints(text === '' ? '' : ` ${text}`);

t.test('a tokenizer that adds nothing needs no guard', async (t) => {
  t.equal(findGuardSync(codePoints), undefined);
  t.equal(await findGuard(async (texts) => texts.map(codePoints)), undefined);
  t.same(tokenizeContinuationSync(codePoints, undefined, ' x'), codePoints(' x'));
});

t.test('the space in front of a text is left out of a continuation', async (t) => {
  const guard = findGuardSync(spacing);
  t.same(await findGuard(async (texts) => texts.map(spacing)), guard);
  for (const text of [' park', 'park', '\n', '', ' ', '  a', 'é', '\u0301', '\u0001']) {
    t.same(tokenizeContinuationSync(spacing, guard, text), codePoints(text), JSON.stringify(text));
    const awaited = await tokenizeContinuation(async (some) => spacing(some), guard, text);
    t.same(awaited, codePoints(text));
  }
});

t.test('a guard that the tokenizer drops is not taken', async (t) => {
  const dropping = (text: string) => spacing(text.replaceAll('\u0001', '').replaceAll('\n', ''));
  const guard = findGuardSync(dropping);
  t.not(guard?.text, '\u0001');
  t.same(tokenizeContinuationSync(dropping, guard, ' park'), codePoints(' park'));
});

t.test('a guard that merges with what follows it is not taken', async (t) => {
  // One token for the bar and a letter.
  const joined = (text: string) => text.replace(/\|([a-z])/g, (_, letter) => letter.toUpperCase());
  const merging = (text: string) => spacing(joined(text.replaceAll('\u0001', '|')));
  const guard = findGuardSync(merging);
  t.ok(guard !== undefined && !['\u0001', '|'].includes(guard.text), JSON.stringify(guard?.text));
  t.same(tokenizeContinuationSync(merging, guard, 'park'), codePoints('park'));
});

t.test('a text that merges with every guard is tokenized alone', async (t) => {
  const guard = findGuardSync(spacing);
  // Only this text merges: no probe has its character.
  const merging = (text: string) => {
    return text.includes('\u0301') ? codePoints(`?${text.length}`) : spacing(text);
  };
  t.same(tokenizeContinuationSync(merging, guard, '\u0301'), merging('\u0301'));
});

t.test('a tokenizer that has no tokens for anything has no guard', async (t) => {
  t.equal(
    findGuardSync(() => new Int32Array(0)),
    undefined,
  );
});

t.test('a failure of the tokenizer is passed on', async (t) => {
  const failing = async (): Promise<never> => {
    throw new Error('no tokens today');
  };
  await t.rejects(findGuard(failing), { message: 'no tokens today' });
});
