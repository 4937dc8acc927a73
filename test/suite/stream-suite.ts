// The consistency of stream with complete, and how a completion is ended early, for any ChoiceLM.

import type { ChoiceLM, CompleteOptions, CompletionChunk } from 'autocog-lm';
import type { Test } from 'tap';
import { at } from './oracle.js';
import { has, type Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

async function readAll(lm: ChoiceLM, prompt: string, options?: CompleteOptions) {
  const stream = lm.stream(prompt, options);
  const chunks: CompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { chunks, completion: await stream.completion };
}

const textOf = (chunks: readonly CompletionChunk[]): string =>
  chunks.map(({ text }) => text).join('');

export function streamSuite(t: Test, subject: Subject): void {
  const { make, prompt, tolerance } = subject;
  testWith(t, make, 'stream delivers what complete returns', async (t, lm) => {
    const options = { maxTokens: 12, topLogprobs: 3 };
    const whole = await lm.complete(prompt, options);
    const { chunks, completion } = await readAll(lm, prompt, options);
    t.equal(textOf(chunks), whole.text);
    t.same(
      chunks.flatMap(({ tokens }) => [...tokens]),
      [...whole.tokens],
    );
    t.ok(chunks.every(({ tokens }) => tokens.length <= 1));
    t.same(
      chunks.flatMap(({ logprobs }) => [...logprobs]),
      [...completion.logprobs],
    );
    t.same(
      chunks.flatMap(({ alternatives = [] }) => alternatives),
      completion.alternatives,
    );
    for (const key of ['text', 'tokens', 'stopReason'] as const) {
      t.same(completion[key], whole[key], key);
    }
  });

  testWith(t, make, 'the alternatives are the candidates of each step', async (t, lm) => {
    const { tokens, alternatives = [] } = await lm.complete(prompt, {
      maxTokens: 3,
      topLogprobs: 4,
    });
    t.equal(alternatives.length, tokens.length);
    for (const [rank, candidate] of (await lm.candidates(prompt, 4)).entries()) {
      const { token, text, logprob } = at(at(alternatives, 0), rank);
      t.match(candidate, { token, text });
      near(t, logprob, candidate.logprob, tolerance, text);
    }
    for (const [index, row] of alternatives.entries()) t.equal(at(row, 0).token, tokens[index]);
    if (!has(subject, 'allAlternatives')) return;
    const all = await lm.complete(prompt, { maxTokens: 1, topLogprobs: 10_000_000 });
    t.equal(
      all.alternatives?.[0]?.length,
      (await lm.greedy(prompt)).length,
      'at most the whole vocabulary',
    );
  });

  testWith(t, make, 'a streamed text never contains a part of its stop', async (t, lm) => {
    const { text } = await lm.complete(prompt, { maxTokens: 12 });
    for (let begin = 1; begin + 1 < text.length; begin += 2) {
      const stop = text.slice(begin, begin + 3);
      // The replacement character stands for bytes that a stop string cannot have.
      if (stop.includes('\uFFFD')) continue;
      const { chunks, completion } = await readAll(lm, prompt, { maxTokens: 12, stop });
      const expected = text.slice(0, text.indexOf(stop));
      t.equal(textOf(chunks), expected);
      t.match(completion, { text: expected, stop, stopReason: 'stop' });
      const kept = await lm.complete(prompt, { maxTokens: 12, stop, includeStop: true });
      t.equal(kept.text, expected + stop);
    }
  });

  testWith(t, make, 'a stop token ends the text before its own text', async (t, lm) => {
    const { tokens } = await lm.complete(prompt, { maxTokens: 6 });
    const stop = at(tokens, 3);
    const length = tokens.indexOf(stop);
    const cut = await lm.complete(prompt, { maxTokens: 12, stop });
    t.match(cut, {
      stop,
      stopReason: 'stop',
      text: await lm.detokenize(tokens.slice(0, length), { continuation: true }),
    });
    t.same(cut.tokens, tokens.slice(0, length + 1), 'it is among the tokens');
  });

  testWith(t, make, 'returning false from onToken ends the completion', async (t, lm) => {
    const seen: number[] = [];
    const cut = await lm.complete(prompt, {
      maxTokens: 12,
      onToken: ({ tokens }) => {
        seen.push(...tokens);
        return seen.length < 3;
      },
    });
    t.match(cut, { stopReason: 'callback', tokens: Int32Array.from(seen) });
    t.equal(seen.length, 3);
    const full = await lm.detokenize(cut.tokens, { continuation: true });
    t.ok(full.startsWith(cut.text), 'all text except an incomplete character');
    const whole = await lm.complete(prompt, { maxTokens: 4, onToken: () => undefined });
    t.equal(whole.tokens.length, 4, 'nothing else ends it');
  });

  testWith(t, make, 'an exception in onToken rejects the call', async (t, lm) => {
    const reason = new Error('mine');
    const fail = (): never => {
      throw reason;
    };
    await t.rejects(lm.complete(prompt, { onToken: fail }), reason);
    await t.rejects(readAll(lm, prompt, { onToken: fail }), reason);
    t.equal((await lm.complete(prompt, { maxTokens: 2 })).tokens.length, 2, 'the LM stays usable');
  });

  testWith(t, make, 'leaving the loop ends the generation', async (t, lm) => {
    const stream = lm.stream(prompt, { maxTokens: 12 });
    let count = 0;
    for await (const _ of stream) if (++count === 2) break;
    const { stopReason, tokens } = await stream.completion;
    const whole = await lm.complete(prompt, { maxTokens: 12 });
    t.ok(tokens.length >= 2, 'at least what was read');
    // A fast engine may have finished by then.
    t.equal(stopReason, tokens.length < whole.tokens.length ? 'callback' : whole.stopReason);
    t.same(await stream.next(), { done: true, value: undefined });
    const unread = lm.stream(prompt, { maxTokens: 3 });
    t.equal((await unread.completion).tokens.length, 3, 'reading is optional');
    t.equal((await readAll(lm, prompt, { maxTokens: 3 })).chunks.length, 3);
  });

  testWith(
    t,
    make,
    'an abort rejects with its reason, or resolves with the partial result',
    async (t, lm) => {
      const reason = new Error('enough');
      for (const stopOnAbort of [false, true]) {
        const controller = new AbortController();
        const seen: number[] = [];
        const onToken = ({ tokens }: CompletionChunk): void => {
          seen.push(...tokens);
          if (seen.length === 2) controller.abort(reason);
        };
        const { signal } = controller;
        const call = lm.complete(prompt, { maxTokens: 500, onToken, signal, stopOnAbort });
        if (!stopOnAbort) {
          await t.rejects(call, reason);
          continue;
        }
        t.match(await call, { stopReason: 'abort', tokens: Int32Array.from(seen) });
      }
      const signal = AbortSignal.abort(reason);
      await t.rejects(readAll(lm, prompt, { signal }), reason);
      await t.rejects(
        lm.complete(prompt, { signal, stopOnAbort: true }),
        reason,
        'generation has not started',
      );
    },
  );

  testWith(t, make, 'streams report invalid options at once', async (t, lm) => {
    t.throws(() => lm.stream(prompt, { maxTokens: 0 }), { name: 'RangeError' });
    t.throws(() => lm.stream(prompt, { onToken: 3 as never }), { name: 'TypeError' });
    t.throws(() => lm.stream(3 as never), { name: 'TypeError' });
    if (lm.contextSize !== undefined) {
      const long = '\u0000'.repeat(lm.contextSize + 1);
      await t.rejects(readAll(lm, long), { code: 'CONTEXT_OVERFLOW' });
    }
    await lm.close();
    await t.rejects(readAll(lm, prompt), { name: 'ClosedError' });
  });

  testWith(t, make, 'a completion reports its speed', async (t, lm) => {
    const start = performance.now();
    const { performance: speed, timings } = await lm.complete(prompt, { maxTokens: 8 });
    const elapsed = performance.now() - start;
    t.ok(speed.firstTokenMs > 0 && speed.firstTokenMs <= elapsed, `${speed.firstTokenMs} ms`);
    t.ok(speed.tokensPerSecond > 0);
    t.ok(timings.totalMs <= elapsed);
    const again = await lm.complete(prompt, { maxTokens: 1 });
    t.equal(again.performance.tokensPerSecond, 0, 'nothing after the first');
  });
}
