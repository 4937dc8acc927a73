// Greedy texts on the default model, where everything but the decoding shows most: complete
// against node-llama-cpp's evaluate, on one thread and on two, as they come and with flash
// attention. The texts must be the same. The goal takes both at their quickest.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, tell } from '../goals.mjs';
import { autocogLmWriting, nodeLlamaCppWriting } from '../jobs.mjs';
import { questions } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { partings, tolerance } from '../values.mjs';

const maxTokens = 64;
const contextSize = 512;

/** Ours keeps one prompt, as theirs does: cells of others would cost every token attention. */
const flash = { promptSlots: 1, flashAttention: true };

/** The two on so many threads, in one way. */
function pairOf(setup, prompts, threads, isFlash) {
  const key = `${threads}${isFlash ? 'flash' : ''}`;
  const name = (who) => {
    const count = `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    return `${who}, ${count}${isFlash ? ', flash attention' : ''}`;
  };
  const on = { ...setup, model: setup.defaultModel, threads };
  return [
    autocogLmWriting(on, `ours${key}`, name('autocog-lm complete'), {
      prompts: questions,
      options: { maxTokens },
      way: 'complete',
      contextSize,
      context: isFlash ? flash : {},
      tellsRivals: true,
    }),
    nodeLlamaCppWriting(on, `peer${key}`, name('node-llama-cpp evaluate'), {
      prompts,
      maxTokens,
      contextSize,
      context: isFlash ? { flashAttention: true } : {},
    }),
  ];
}

async function contenders(setup) {
  const vocabulary = await setup.Model.load(setup.defaultModel, { vocabOnly: true });
  const prompts = questions.map((question) => [
    ...vocabulary.tokenizeSync(question, { addSpecial: true }),
  ]);
  await vocabulary.close();
  return [1, 2].flatMap((threads) => {
    return [false, true].map((isFlash) => pairOf(setup, prompts, threads, isFlash));
  });
}

const countOf = ({ facts }) => facts.texts.reduce((sum, { tokens }) => sum + tokens.length, 0);

/** How many times the tokens per second `a` gives. */
const quicker = (a, b) => (ratio(b, a) * countOf(a)) / countOf(b);

/** Whether both wrote the same, but for ties. */
function compare(ours, peer) {
  const { texts, rivals } = ours.facts;
  const { same, most } = partings(texts, rivals, peer.facts.texts);
  console.log(
    `${peer.name}: ${same} of ${texts.length} texts are the same; where others part, ours ` +
      `thought its token likelier by ${most.toFixed(4)} at most, tolerance ${tolerance}`,
  );
  if (!(most <= tolerance)) throw new PlainError('the contenders do not write the same');
}

export async function tiny(setup) {
  const specs = await contenders(setup);
  const results = await measure(setup, specs.flat(), {
    rounds: setup.rounds ?? 7,
    warmups: 1,
    repetitions: 3,
  });
  const pairs = specs.map((pair) => pair.map(({ key }) => results[key]));
  printTable(
    `tiny: ${questions.length} texts of ${maxTokens} tokens at most after questions, default ` +
      `model; node-llama-cpp on ${pairs[0][1].facts.release}`,
    ['', 'tokens', 'median ms', 'CPU ms', 'tokens per second', 'to node-llama-cpp'],
    pairs.flatMap(([ours, peer]) =>
      [ours, peer].map((result) => [
        result.name,
        countOf(result),
        milliseconds(result.ms),
        milliseconds(result.cpuMs),
        ((countOf(result) / result.ms) * 1000).toFixed(0),
        times(quicker(result, peer)),
      ]),
    ),
  );
  for (const pair of pairs) compare(...pair);
  const quickest = (side) =>
    pairs.map((pair) => pair[side]).sort((a, b) => a.ms / countOf(a) - b.ms / countOf(b))[0];
  const best = [0, 1].map(quickest);
  return tell(atLeast(`${best[0].name}, to ${best[1].name}`, quicker(...best), 3, times));
}
