// Beam search compared with `complete`, with an exhaustive search and with `score`, for any
// ChoiceLM.

import type { BeamOptions, ChoiceLM } from 'autocog-lm';
import type { Test } from 'tap';
import { at, join, promptOf, sum } from './oracle.js';
import type { Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

interface Sequence {
  tokens: number[];
  sum: number;
  score: number;
}

/** All sequences of `length` tokens and all that end earlier, best first, by exhaustive search. */
async function allSequences(lm: ChoiceLM, prompt: Int32Array, length: number, width: number) {
  const sequences: Sequence[] = [];
  const visit = async (tokens: number[], total: number): Promise<void> => {
    const next = await lm.greedy(join(prompt, tokens));
    const order = [...next.keys()].sort((a, b) => at(next, b) - at(next, a)).slice(0, width);
    for (const token of order) {
      const reached = total + at(next, token);
      if (lm.endOfGeneration.includes(token)) {
        sequences.push({ tokens, sum: reached, score: reached / (tokens.length + 1) });
      } else if (tokens.length + 1 === length) {
        sequences.push({ tokens: [...tokens, token], sum: reached, score: reached / length });
      } else await visit([...tokens, token], reached);
    }
  };
  await visit([], 0);
  return sequences.sort((a, b) => b.score - a.score);
}

export function beamSuite(t: Test, { make, prompt, tolerance }: Subject): void {
  testWith(t, make, 'one beam generates what complete generates', async (t, lm) => {
    const { text, tokens } = await lm.complete(prompt, { maxTokens: 8 });
    const { beams } = await lm.beamSearch(prompt, { beams: 1, maxTokens: 8, earlyStopping: true });
    // With one beam the search may finish one sequence and continue another; this is the first.
    t.same(at(beams, 0).tokens.subarray(0, tokens.length), tokens.subarray(0, tokens.length));
    t.equal(at(beams, 0).text, text);
  });

  testWith(t, make, 'enough beams find the best of all sequences', async (t, lm) => {
    const ids = await promptOf(lm, prompt);
    const all = await allSequences(lm, ids, 2, 40);
    const { beams } = await lm.beamSearch(ids, {
      beams: 40,
      returnSequences: 5,
      maxTokens: 2,
      earlyStopping: 'never',
    });
    for (const [rank, beam] of beams.entries()) {
      near(t, beam.score, at(all, rank).score, 3 * tolerance, `the score of rank ${rank}`);
      const scored = sum(beam.logprobs);
      t.ok(beam.logprob <= scored + tolerance, 'an end token adds its own log-probability');
    }
  });

  testWith(t, make, 'beams are scored as the LM scores them', async (t, lm) => {
    const options: BeamOptions = { beams: 4, returnSequences: 4, maxTokens: 6 };
    const { beams, usage } = await lm.beamSearch(prompt, options);
    t.ok(usage.decodedTokens > 0);
    const scores = beams.map(({ score }) => score);
    t.same(
      scores,
      [...scores].sort((a, b) => b - a),
      'best first',
    );
    t.equal(new Set(beams.map(({ tokens, stopReason }) => `${tokens}${stopReason}`)).size, 4);
    for (const { tokens, logprobs, logprob, score, text, stopReason } of beams) {
      const terminator = stopReason === 'eog' ? ('eog' as const) : undefined;
      const { logprob: scored } = await lm.score(prompt, tokens);
      near(t, sum(logprobs), scored, tokens.length * tolerance + 1e-9, text);
      if (terminator === undefined) near(t, logprob, sum(logprobs), 1e-9, 'no end');
      near(t, score, logprob / (tokens.length + (terminator ? 1 : 0)), 1e-9, 'its score');
    }
  });

  testWith(t, make, 'a length penalty of 0 ranks by log-probability', async (t, lm) => {
    const options = { beams: 4, returnSequences: 4, maxTokens: 5, lengthPenalty: 0 };
    for (const { score, logprob } of (await lm.beamSearch(prompt, options)).beams) {
      near(t, score, logprob, 1e-9, 'the score');
    }
  });

  testWith(t, make, 'a stop string ends a beam', async (t, lm) => {
    // By log-probability alone, a beam that ends early is never worse than its continuations.
    const options = { beams: 3, returnSequences: 3, maxTokens: 6, lengthPenalty: 0 };
    const { beams } = await lm.beamSearch(prompt, options);
    // Avoid incomplete characters, whose text may still change.
    const stop = /[^\uFFFD]{2}/.exec(at(beams, 0).text.slice(1))?.[0];
    if (stop === undefined) return t.comment('no two characters to stop at');
    const cut = await lm.beamSearch(prompt, { ...options, stop });
    t.ok(cut.beams.some(({ stopReason }) => stopReason === 'stop'));
    for (const { text, stopReason, stop: reported } of cut.beams) {
      t.notOk(text.includes(stop));
      t.equal(reported, stopReason === 'stop' ? stop : undefined);
    }
  });

  testWith(t, make, 'beam search rejects invalid options', async (t, lm) => {
    const range = { name: 'RangeError' };
    await t.rejects(lm.beamSearch(prompt, { beams: 0 }), range);
    await t.rejects(lm.beamSearch(prompt, { beams: 65 }), range);
    await t.rejects(lm.beamSearch(prompt, { beams: 2, returnSequences: 3 }), range);
    await t.rejects(lm.beamSearch(prompt, { lengthPenalty: Number.NaN }), range);
    await t.rejects(lm.beamSearch(prompt, { stop: '' }), range);
    await t.rejects(lm.beamSearch(prompt, { earlyStopping: 'soon' as never }), {
      name: 'TypeError',
    });
    const reason = new Error('mine');
    await t.rejects(lm.beamSearch(prompt, { signal: AbortSignal.abort(reason) }), reason);
    t.equal((await lm.beamSearch(prompt, { maxTokens: 1 })).beams.length, 1, 'the LM stays usable');
  });
}
