// Greedy generation on the default model, which is so small that overhead beyond decoding dominates:
// complete compared with node-llama-cpp's evaluate, with default settings and with flash attention.
// The outputs must be equal. The goal compares the fastest configurations. Ours runs on one thread
// and on two, the peer on one: on two threads of two cores its threads wait for each other, and a run
// that takes a second on one thread took minutes.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, reportGoals } from '../goals.mjs';
import { autocogLmGeneration, nodeLlamaCppGeneration } from '../jobs.mjs';
import { questions } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { divergences, tolerance } from '../values.mjs';

const maxTokens = 64;
const contextSize = 512;

/** One prompt slot, as in the peer: cells of other prompts would slow down every token's attention. */
const flash = { promptSlots: 1, flashAttention: true };

const nameOf = (who, threads, isFlash) =>
  `${who}, ${threads} ${threads === 1 ? 'thread' : 'threads'}${isFlash ? ', flash attention' : ''}`;

function ourContender(setup, threads, isFlash) {
  const on = { ...setup, model: setup.defaultModel, threads };
  const name = nameOf('autocog-lm complete', threads, isFlash);
  return autocogLmGeneration(on, `ours${threads}${isFlash}`, name, {
    prompts: questions,
    options: { maxTokens },
    method: 'complete',
    contextSize,
    context: isFlash ? flash : {},
    reportsAlternatives: true,
  });
}

function peerContender(setup, prompts, isFlash) {
  const on = { ...setup, model: setup.defaultModel, threads: 1 };
  const name = nameOf('node-llama-cpp evaluate', 1, isFlash);
  return nodeLlamaCppGeneration(on, `peer${isFlash}`, name, {
    prompts,
    maxTokens,
    contextSize,
    context: isFlash ? { flashAttention: true } : {},
  });
}

async function promptsOf({ Model, defaultModel }) {
  const vocabulary = await Model.load(defaultModel, { vocabOnly: true });
  const prompts = questions.map((question) => [
    ...vocabulary.tokenizeSync(question, { addSpecial: true }),
  ]);
  await vocabulary.close();
  return prompts;
}

const countOf = ({ facts }) => facts.texts.reduce((sum, { tokens }) => sum + tokens.length, 0);

/** Throughput of `a` relative to `b`. */
const throughputRatio = (a, b) => (ratio(b, a) * countOf(a)) / countOf(b);

/** Checks that both generated the same, except for near ties. */
function compare(ours, peer) {
  const { texts, alternatives } = ours.facts;
  const { same, max } = divergences(texts, alternatives, peer.facts.texts);
  console.log(
    `${peer.name}: ${same} of ${texts.length} completions are equal; in the others, our token ` +
      `is more likely by at most ${max.toFixed(4)}, tolerance ${tolerance}`,
  );
  if (!(max <= tolerance)) throw new PlainError('the contenders generate different text');
}

export async function tiny(setup) {
  const prompts = await promptsOf(setup);
  const ours = [1, 2].flatMap((threads) => {
    return [false, true].map((isFlash) => ourContender(setup, threads, isFlash));
  });
  const theirs = [false, true].map((isFlash) => peerContender(setup, prompts, isFlash));
  const found = await measure(setup, [...ours, ...theirs], {
    rounds: setup.rounds ?? 7,
    warmups: 1,
    repetitions: 3,
  });
  const byTime = (a, b) => a.ms / countOf(a) - b.ms / countOf(b);
  const results = (specs) => specs.map(({ key }) => found[key]);
  const [best] = results(ours).sort(byTime);
  const [fastestPeer] = results(theirs).sort(byTime);
  printTable(
    `tiny: ${questions.length} completions of at most ${maxTokens} tokens after questions, default ` +
      `model; node-llama-cpp on ${fastestPeer.facts.release}`,
    ['', 'tokens', 'median ms', 'CPU ms', 'tokens per second', 'vs fastest peer'],
    results([...ours, ...theirs]).map((result) => [
      result.name,
      countOf(result),
      milliseconds(result.ms),
      milliseconds(result.cpuMs),
      ((countOf(result) / result.ms) * 1000).toFixed(0),
      times(throughputRatio(result, fastestPeer)),
    ]),
  );
  for (const peer of results(theirs)) compare(found[ours[0].key], peer);
  return reportGoals(
    atLeast(`${best.name} vs ${fastestPeer.name}`, throughputRatio(best, fastestPeer), 3, times),
  );
}
