// Native generation: samplers, grammars, context shift, split Unicode characters, long runs. On
// F32, F16 and quantized weights.

import { LLaMa, type LLaMaOptions, type SamplerOptions } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';
import { at } from '../suite/oracle.js';
import { withLM } from '../suite/with-lm.js';
import { loadForm, oneThread } from '../support/forms.js';

const prompt = 'The sky is';

/** A sampler that never picks an end token. */
const endless = (lm: LLaMa, more: SamplerOptions = {}): SamplerOptions => ({
  temperature: 0,
  ...more,
  logitBias: Object.fromEntries([...lm.endOfGeneration].map((token) => [token, -Infinity])),
});

/** A grammar that derives this text only. */
const only = (text: string): string => {
  const quoted = text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
  return `root ::= "${quoted}"`;
};

for (const type of ['F32', 'F16', 'Q8_0', 'Q4_0']) {
  t.test(`on ${type} weights`, async (t) => {
    const model = await loadForm(t, type);
    const open = (options: LLaMaOptions = {}) => new LLaMa(model, { ...oneThread, ...options });

    t.test('the reported seed reproduces a text', async (t) =>
      withLM(open, async (lm) => {
        const sampler = { temperature: 1.5, topK: 0, topP: 1, minP: 0 };
        const first = await lm.complete(prompt, { sampler, maxTokens: 20 });
        t.type(first.seed, 'number');
        const options = { sampler: { ...sampler, seed: first.seed }, maxTokens: 20 };
        for (let round = 0; round < 3; round++) {
          const again = await lm.complete(prompt, options);
          t.match(again, { text: first.text, seed: first.seed });
          await lm.clear();
        }
        const texts = new Set<string>();
        for (let seed = 0; seed < 20; seed++) {
          const each = { sampler: { ...sampler, seed }, maxTokens: 20 };
          texts.add((await lm.complete(prompt, each)).text);
        }
        t.ok(texts.size > 5, `${texts.size} texts of 20 seeds`);
        const greedy = await lm.complete(prompt, { sampler: { temperature: 0 }, maxTokens: 20 });
        t.equal(greedy.seed, undefined, 'nothing was random');
        t.equal(greedy.text, (await lm.complete(prompt, { maxTokens: 20 })).text);
      }),
    );

    t.test('a repeated prompt is sampled several times, each with its own seed', async (t) =>
      withLM(open, async (lm) => {
        const sampler = { temperature: 2, topK: 0, topP: 1, minP: 0, seed: 2 ** 32 - 2 };
        const options = { sampler, maxTokens: 12 };
        const completions = await lm.completeMany(Array(6).fill(prompt), options);
        t.same(
          completions.map(({ seed }) => seed),
          [2 ** 32 - 2, 2 ** 32 - 1, 0, 1, 2, 3],
        );
        t.ok(new Set(completions.map(({ text }) => text)).size > 3);
      }),
    );

    t.test('a full context is an error with the partial completion, or shifts', async (t) =>
      withLM(
        () => open({ contextSize: 256 }),
        async (lm) => {
          const size = lm.contextSize;
          const sampler = endless(lm);
          const ids = await lm.tokenize(prompt, { addSpecial: true });
          const error = await lm
            .complete(prompt, { sampler, maxTokens: 1000 })
            .catch((reason) => reason);
          t.match(error, { name: 'ContextOverflowError', code: 'CONTEXT_OVERFLOW' });
          t.equal(error.completion.tokens.length, size - ids.length + 1);
          const all = await lm.complete(prompt, { sampler, maxTokens: Infinity });
          t.equal(all.stopReason, 'length');
          t.same(all.tokens, error.completion.tokens);

          for (const contextShift of [true, { keep: ids.length }, { keep: 10_000 }]) {
            const long = await lm.complete(prompt, { sampler, maxTokens: 1000, contextShift });
            t.equal(long.tokens.length, 1000);
            t.equal(long.stopReason, 'length');
            t.same(
              long.tokens.subarray(0, all.tokens.length),
              all.tokens,
              'equal until the context was full',
            );
          }
          const { usage } = await lm.complete(prompt, { maxTokens: 1 });
          t.equal(usage.promptTokens, ids.length);
          const scored = await lm.score(prompt, ' blue');
          const fresh = new LLaMa(model, { ...oneThread, contextSize: 256 });
          const expected = await fresh.score(prompt, ' blue');
          await fresh.close();
          t.ok(
            Math.abs(scored.logprob - expected.logprob) < 2e-2,
            'no shifted tokens are in the prefix cache',
          );
          await t.rejects(lm.completeMany([prompt], { contextShift: true }), {
            name: 'NotSupportedError',
          });
        },
      ),
    );

    t.test('a grammar of one text generates that text, and stops cut it anywhere', async (t) =>
      withLM(open, async (lm) => {
        const letters = fc.constantFrom('a', 'b', 'é', '中', '😀', 'e\u0301', ' ');
        const text = fc.string({ unit: letters, minLength: 1, maxLength: 10 });
        const part = fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 3 }));
        const property = fc.asyncProperty(
          text,
          fc.array(part, { maxLength: 2 }),
          async (whole, parts) => {
            const characters = [...whole];
            const stops = parts
              .map(([begin, size]) => characters.slice(begin, begin + size).join(''))
              .filter((stop) => stop !== '');
            const begins = stops.map((stop) => whole.indexOf(stop));
            const expected = stops.length === 0 ? whole : whole.slice(0, Math.min(...begins));
            const options = { grammar: only(whole), stop: stops, maxTokens: 64 };
            const stream = lm.stream(prompt, options);
            let streamed = '';
            for await (const { text: piece } of stream) {
              if (!expected.startsWith(streamed + piece)) throw new Error(`it released ${piece}`);
              if (/\uFFFD/.test(piece)) throw new Error('half a character');
              streamed += piece;
            }
            const completion = await stream.completion;
            if (streamed !== expected || completion.text !== expected) {
              throw new Error(`${JSON.stringify([streamed, completion.text])} of ${expected}`);
            }
          },
        );
        await t.resolves(fc.assert(property, { numRuns: 60 }));
      }),
    );

    t.test('emoji, CJK and combining marks are never split', async (t) =>
      withLM(open, async (lm) => {
        for (const text of [
          '👩‍👩‍👧‍👦🇩🇪😀',
          '日本語のテキスト',
          'e\u0301o\u0308n\u0303',
          'नमस्ते',
          '𝔘𝔫𝔦',
        ]) {
          const pieces: string[] = [];
          const completion = await lm.complete(prompt, {
            grammar: only(text),
            maxTokens: 200,
            onToken: ({ text: piece }) => pieces.push(piece),
          });
          t.equal(completion.text, text);
          t.equal(pieces.join(''), text);
          t.ok(completion.tokens.length > [...text].length / 2);
          t.ok(pieces.every((piece) => !/\uFFFD/.test(piece)));
        }
        const cut = await lm.complete(prompt, { grammar: only('😀😀'), maxTokens: 2 });
        t.match(cut.text, /^\uFFFD*$/, 'the rest of an incomplete character');
      }),
    );

    t.test('an abort within a long prompt is fast and leaves the LM usable', async (t) =>
      withLM(open, async (lm) => {
        const reason = new Error('enough');
        const long = new Int32Array(400).fill(65);
        for (let round = 0; round < 20; round++) {
          const controller = new AbortController();
          const { signal } = controller;
          const sampler = endless(lm);
          const calls = [
            lm.complete(long.subarray(round), { signal, maxTokens: 100, sampler }),
            lm.completeMany([long, prompt], { signal, maxTokens: 100, sampler }),
            lm.beamSearch(long, { signal, beams: 8, maxTokens: 100 }),
          ];
          setTimeout(() => controller.abort(reason), round % 7);
          for (const call of calls) await t.rejects(call as Promise<unknown>, reason);
        }
        t.equal((await lm.complete(prompt, { maxTokens: 3 })).tokens.length, 3);
      }),
    );

    t.test('more beams than a decode has room for are refused', async (t) =>
      withLM(
        () => open({ contextSize: 64, batchSize: 2, microBatchSize: 2, logitsBudget: 1 }),
        async (lm) => {
          await t.rejects(lm.beamSearch(prompt, { beams: 2, maxTokens: 2 }), {
            code: 'OUT_OF_RANGE',
            message: 'Expected 1 to 1 for beams, got 2',
          });
          t.ok(await lm.beamSearch(prompt, { beams: 1, maxTokens: 2 }));
        },
      ),
    );

    t.test('more prompts than fit in the KV cache are completed in turn', async (t) =>
      withLM(
        () => open({ contextSize: 256, maxSequences: 12, promptSlots: 2 }),
        async (lm) => {
          const sampler = endless(lm);
          const prompts = Array.from({ length: 20 }, (_, index) => `${prompt} ${index}`);
          const completions = await lm.completeMany(prompts, { sampler, maxTokens: 40 });
          for (const [index, each] of prompts.entries()) {
            t.equal(at(completions, index).tokens.length, 40, each);
          }
          const all = await lm.completeMany(prompts.slice(0, 3), { sampler, maxTokens: Infinity });
          for (const { tokens, stopReason, usage } of all) {
            t.equal(stopReason, 'length');
            t.equal(tokens.length, lm.contextSize - usage.promptTokens + 1);
          }
        },
      ),
    );
  });
}
