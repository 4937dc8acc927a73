// Greedy decoding in TypeScript, with a generator that produces scripted pieces.

import fc from 'fast-check';
import t from 'tap';
import { bestIndices, topCandidates } from '../../lib/generation/candidates.js';
import {
  type CompleteOptions,
  readCompleteOptions,
} from '../../lib/generation/completion-options.js';
import { argmax, generate } from '../../lib/generation/generate.js';
import type { Emit } from '../../lib/generation/generation.js';
import { StopFinder } from '../../lib/generation/stop-finder.js';
import { at } from '../suite/oracle.js';

/** A generator of these pieces, one token each, followed by the end token. */
const scripted = (...pieces: string[]) => ({
  next: async (tokens: Int32Array) => {
    const row = new Float32Array(pieces.length + 1).fill(-10);
    row[tokens.length - 1] = -0.5;
    return row;
  },
  detokenize: async (tokens: Int32Array) => [...tokens].map((token) => pieces[token]).join(''),
  tokenTexts: async (tokens: Int32Array) =>
    new Map([...tokens].map((token) => [token, pieces[token] ?? '<end>'])),
  endOfGeneration: Int32Array.of(pieces.length),
  contextSize: undefined as number | undefined,
});
const prompt = Int32Array.of(0);

const never = new AbortController().signal;

const run = (
  lm: ReturnType<typeof scripted>,
  options: CompleteOptions,
  emit: Emit = () => {},
  stopped = never,
) => generate(lm, prompt, readCompleteOptions(options, {}), emit, stopped);

t.test('ties go to the lowest token id', async (t) => {
  t.equal(argmax([1, 3, 3]), 1);
  t.same(topCandidates(Float32Array.of(1, 3, 3, 2), 3), [
    { token: 1, logprob: 3 },
    { token: 2, logprob: 3 },
    { token: 3, logprob: 2 },
  ]);
});

t.test('top-k selection equals a full sort, with ties by index', async (t) => {
  const values = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 300 });
  const property = fc.property(values, fc.integer({ min: 1, max: 310 }), (list, k) => {
    const order = [...list.keys()].sort((a, b) => at(list, b) - at(list, a) || a - b);
    for (const count of [k, 1, 5]) {
      const found = [...bestIndices(Float32Array.from(list), count)];
      if (`${found}` !== `${order.slice(0, count)}`) throw new Error(`${count}: ${found}`);
    }
  });
  fc.assert(property, { numRuns: 2000 });
  t.pass('2,000 lists');
});

t.test('the stop that begins first counts, however the text is split', async (t) => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '😀'), maxLength: 12 });
  const stop = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', '😀'),
    minLength: 1,
    maxLength: 4,
  });
  const cuts = fc.array(fc.nat(12), { maxLength: 6 });
  let found = 0;
  const property = fc.property(
    letters,
    fc.array(stop, { maxLength: 3 }),
    cuts,
    (text, stops, at) => {
      const begins = stops.map((each) => text.indexOf(each)).filter((begin) => begin >= 0);
      const expected = begins.length === 0 ? undefined : Math.min(...begins);
      const finder = new StopFinder(stops);
      for (const end of [...at.sort((a, b) => a - b), text.length]) {
        if (finder.extendTo(text.slice(0, end))) break;
        if (finder.certain > (expected ?? Infinity))
          throw new Error('it released a part of a stop');
      }
      if (finder.match?.begin !== expected)
        throw new Error(`${finder.match?.begin}, not ${expected}`);
      found += expected === undefined ? 0 : 1;
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5000 }));
  t.ok(found > 500, `${found} with a stop`);
});

t.test('a stop string within one token or across several cuts the text', async (t) => {
  const lm = scripted('one ', 'two.three', ' four');
  const inside = await run(lm, { maxTokens: 9, stop: ['ee', '.'] });
  t.match(inside, { text: 'one two', stopReason: 'stop', tokens: Int32Array.of(0, 1) });
  const across = await run(lm, { maxTokens: 9, stop: 'ee f' });
  t.match(across, { text: 'one two.thr', stopReason: 'stop', tokens: Int32Array.of(0, 1, 2) });
});

t.test('an end token ends the completion and is not part of it', async (t) => {
  const done = await run(scripted('a', 'b'), { maxTokens: 9 });
  t.match(done, { text: 'ab', stopReason: 'eog', tokens: Int32Array.of(0, 1) });
  t.same([...done.logprobs], [-0.5, -0.5]);
  t.match(done.usage, { promptTokens: 1, decodedTokens: 1 + 2 + 3, decodeCalls: 3 });
});

t.test('a full context ends the completion', async (t) => {
  const small = { ...scripted('a', 'b', 'c', 'd'), contextSize: 2 };
  const cut = await run(small, { maxTokens: 9 });
  t.match(cut, { text: 'ab', stopReason: 'context' }, 'nothing is decoded after the last token');
});

t.test('a limit far beyond the generated length takes no memory', async (t) => {
  const lm = scripted('one', ' two');
  let peak = 0;
  const next = (tokens: Int32Array) => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers);
    return lm.next(tokens);
  };
  const before = process.memoryUsage().arrayBuffers;
  const result = await run({ ...lm, next }, { maxTokens: 2 ** 31 - 1 });
  t.match(result, { text: 'one two', stopReason: 'eog' });
  t.ok(peak - before < 2 ** 20, `${peak - before} bytes`);
});

t.test('text is held back while a stop may have begun, and flushed at the end', async (t) => {
  const pieces: string[] = [];
  const emit: Emit = ({ text }) => pieces.push(text);
  const stopped = await run(scripted('a<', '/', 'b', '</', 's>', 'c'), { stop: '</s>' }, emit);
  t.match(stopped, { text: 'a</b', stopReason: 'stop', stop: '</s>' });
  t.same(pieces, ['a', '', '</b', '', '']);
  pieces.length = 0;
  const open = await run(scripted('a', '</'), { stop: '</s>' }, emit);
  t.match(open, { text: 'a</', stopReason: 'eog' });
  t.same(pieces, ['a', '', '</'], 'no further text can complete the stop');
});

t.test('a stop that began earlier takes precedence over one that completed earlier', async (t) => {
  const stop = ['bc', 'abcd'];
  t.match(await run(scripted('xab', 'c', 'd'), { stop }), { text: 'x', stop: 'abcd' });
  t.match(await run(scripted('xab', 'c', 'e'), { stop }), { text: 'xa', stop: 'bc' });
  t.match(await run(scripted('xabc'), { stop, maxTokens: 1 }), { text: 'xa', stopReason: 'stop' });
});

t.test('token ids are stops, too, and a stop may be included', async (t) => {
  const lm = scripted('a', 'b', 'c');
  t.match(await run(lm, { stop: [1, 'x'] }), { text: 'a', stopReason: 'stop', stop: 1 });
  t.match(await run(lm, { stop: 1, includeStop: true }), { text: 'ab', stop: 1 });
  t.match(await run(lm, { stop: 'b', includeStop: true }), { text: 'ab', stop: 'b' });
});

t.test('an abort ends it with the partial result', async (t) => {
  const controller = new AbortController();
  const emit: Emit = ({ text }) => {
    if (text === 'b') controller.abort();
  };
  const cut = await run(scripted('a', 'b', 'c'), {}, emit, controller.signal);
  t.match(cut, { text: 'ab', stopReason: 'abort', tokens: Int32Array.of(0, 1) });
});

t.test('the most likely tokens are reported on request', async (t) => {
  const { alternatives = [] } = await run(scripted('a', 'b'), { topLogprobs: 2 });
  t.same(
    alternatives.map((row) => row.map(({ text }) => text)),
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
  );
});
