// Beam search in TypeScript for any LM with next-token log-probabilities. GreedyLM calls it; LLaMa
// searches natively instead, with the same results.

import { concatenate } from '../common/token-arrays.js';
import { noCost } from '../common/usage.js';
import type { BeamRequest, BeamSearchResult, BeamSequence } from './beam-options.js';
import { topCandidates } from './candidates.js';
import type { Generator } from './generate.js';
import { StopFinder } from './stop-finder.js';

/** A sequence that is not finished. */
interface Hypothesis {
  tokens: number[];
  logprobs: number[];
  sum: number;
}

/** A hypothesis extended by one token. */
interface Extension {
  parent: Hypothesis;
  token: number;
  logprob: number;
  sum: number;
}

/** The best-scoring continuations of a prompt, best first. */
export async function searchBeams(
  lm: Generator,
  prompt: Int32Array,
  request: BeamRequest,
): Promise<BeamSearchResult> {
  const { beams, returnSequences, earlyStopping, lengthPenalty } = request;
  const limit = Math.min(request.maxTokens, (lm.contextSize ?? Infinity) - prompt.length + 1);
  const ends = new Set(lm.endOfGeneration);
  // Enough candidates to leave `beams` unfinished ones even if every end token is among them.
  const width = beams * Math.max(2, 1 + ends.size);
  const score = (sum: number, length: number): number => sum / length ** lengthPenalty;
  const { usage, timings } = noCost();
  usage.promptTokens = prompt.length;
  const finished: BeamSequence[] = [];
  const keep = (sequence: BeamSequence): void => {
    const index = finished.findIndex((other) => other.score < sequence.score);
    finished.splice(index < 0 ? finished.length : index, 0, sequence);
    finished.length = Math.min(finished.length, beams);
  };

  const next = async (hypothesis: Hypothesis): Promise<Float32Array> => {
    const start = performance.now();
    const path = concatenate(prompt, Int32Array.from(hypothesis.tokens));
    const logprobs = await lm.next(path);
    timings[usage.decodeCalls === 0 ? 'promptMs' : 'decodeMs'] += performance.now() - start;
    usage.decodeCalls++;
    usage.decodedTokens += path.length;
    return logprobs;
  };

  let open: Hypothesis[] = [{ tokens: [], logprobs: [], sum: 0 }];
  for (let length = 1; ; length++) {
    const extensions: Extension[] = [];
    for (const parent of open) {
      for (const { token, logprob } of topCandidates(await next(parent), width)) {
        extensions.push({ parent, token, logprob, sum: parent.sum + logprob });
      }
    }
    // The sort is stable: ties go to the better parent, then to the lower token id.
    extensions.sort((a, b) => b.sum - a.sum);
    open = [];
    for (const [rank, { parent, token, logprob, sum }] of extensions.slice(0, width).entries()) {
      if (open.length === beams) break;
      const isAmongBest = rank < beams;
      if (ends.has(token)) {
        const text = await lm.detokenize(Int32Array.from(parent.tokens));
        if (isAmongBest) keep(sequenceOf(parent, text, sum, score(sum, length), 'eog'));
        continue;
      }
      const child = {
        tokens: [...parent.tokens, token],
        logprobs: [...parent.logprobs, logprob],
        sum,
      };
      const text = await lm.detokenize(Int32Array.from(child.tokens));
      const finder = new StopFinder(request.stops);
      if (!finder.extendTo(text) || finder.match === undefined) {
        open.push(child);
        continue;
      }
      const { stop, begin } = finder.match;
      const cut = text.slice(0, begin);
      if (isAmongBest) {
        keep({ ...sequenceOf(child, cut, sum, score(sum, length), 'stop'), stop });
      }
    }
    const best = open[0];
    if (best === undefined) break;
    if (finished.length === beams) {
      const longest = earlyStopping === 'never' && lengthPenalty > 0;
      const reachable = score(best.sum, longest ? limit : length);
      const worst = (finished.at(-1) as BeamSequence).score;
      if (earlyStopping === 'yes' || worst >= reachable) break;
    }
    if (length >= limit) {
      for (const { tokens, logprobs, sum } of open) {
        const text = await lm.detokenize(Int32Array.from(tokens));
        keep(sequenceOf({ tokens, logprobs }, text, sum, score(sum, tokens.length), 'length'));
      }
      break;
    }
  }
  return { beams: finished.slice(0, returnSequences), usage, timings };
}

function sequenceOf(
  { tokens, logprobs }: Pick<Hypothesis, 'tokens' | 'logprobs'>,
  text: string,
  logprob: number,
  score: number,
  stopReason: BeamSequence['stopReason'],
): BeamSequence {
  const arrays = { tokens: Int32Array.from(tokens), logprobs: Float64Array.from(logprobs) };
  return { text, ...arrays, logprob, score, stopReason };
}
