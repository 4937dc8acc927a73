// Greedy decoding in TypeScript, with a generator that says what we want.

import t from 'tap';
import { topCandidates } from '../lib/candidates.js';
import { argmax, findStop, generate } from '../lib/generate.js';

/** A generator of these pieces, one token each; the end token comes after them. */
const saying = (...pieces: string[]) => ({
  next: async (tokens: Int32Array) => {
    const row = new Float32Array(pieces.length + 1).fill(-10);
    row[tokens.length - 1] = -0.5;
    return row;
  },
  detokenize: async (tokens: Int32Array) => [...tokens].map((token) => pieces[token]).join(''),
  endOfGeneration: Int32Array.of(pieces.length),
  contextSize: undefined as number | undefined,
});
const prompt = Int32Array.of(0);

t.test('the lowest of equal tokens is the best', async (t) => {
  t.equal(argmax([1, 3, 3]), 1);
  t.same(topCandidates(Float32Array.of(1, 3, 3, 2), 3), [
    { token: 1, logprob: 3 },
    { token: 2, logprob: 3 },
    { token: 3, logprob: 2 },
  ]);
});

t.test('the earliest stop string counts, not the first in the list', async (t) => {
  t.equal(findStop('abcd', ['d', 'bc']), 1);
  t.equal(findStop('abcd', ['x']), -1);
  t.equal(findStop('abcd', []), -1);
});

t.test('a stop string inside one token, or over several, cuts the text', async (t) => {
  const lm = saying('one ', 'two.three', ' four');
  const inside = await generate(lm, prompt, { maxTokens: 9, stops: ['ee', '.'] });
  t.match(inside, { text: 'one two', stopReason: 'stop', tokens: Int32Array.of(0, 1) });
  const across = await generate(lm, prompt, { maxTokens: 9, stops: ['ee f'] });
  t.match(across, { text: 'one two.thr', stopReason: 'stop', tokens: Int32Array.of(0, 1, 2) });
});

t.test('an end token ends the completion and is no part of it', async (t) => {
  const done = await generate(saying('a', 'b'), prompt, { maxTokens: 9, stops: [] });
  t.match(done, { text: 'ab', stopReason: 'eog', tokens: Int32Array.of(0, 1) });
  t.same([...done.logprobs], [-0.5, -0.5]);
  t.match(done.usage, { promptTokens: 1, decodedTokens: 1 + 2 + 3, decodeCalls: 3 });
});

t.test('a full context ends the completion', async (t) => {
  const small = { ...saying('a', 'b', 'c', 'd'), contextSize: 2 };
  const cut = await generate(small, prompt, { maxTokens: 9, stops: [] });
  t.match(cut, { text: 'ab', stopReason: 'length' }, 'nothing is decoded after the last token');
});

t.test('a limit far beyond what is written takes no memory', async (t) => {
  const lm = saying('one', ' two');
  let most = 0;
  const next = (tokens: Int32Array) => {
    most = Math.max(most, process.memoryUsage().arrayBuffers);
    return lm.next(tokens);
  };
  const before = process.memoryUsage().arrayBuffers;
  const result = await generate({ ...lm, next }, prompt, { maxTokens: 2 ** 31 - 1, stops: [] });
  t.match(result, { text: 'one two', stopReason: 'eog' });
  t.ok(most - before < 2 ** 20, `${most - before} bytes`);
});
