// Greedy texts on the default model, where everything but the decoding shows most: complete
// against node-llama-cpp's evaluate, on one thread and on two. The texts must be the same.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, tell } from '../goals.mjs';
import { autocogLmWriting, nodeLlamaCppWriting } from '../jobs.mjs';
import { questions } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { partings, tolerance } from '../values.mjs';

const maxTokens = 64;
const contextSize = 512;

async function contenders(setup, threads) {
  const { Model, defaultModel: model } = setup;
  const vocabulary = await Model.load(model, { vocabOnly: true });
  const prompts = questions.map((question) => [
    ...vocabulary.tokenizeSync(question, { addSpecial: true }),
  ]);
  await vocabulary.close();
  const name = (who) => `${who}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  const on = { ...setup, model, threads };
  const ours = { prompts: questions, options: { maxTokens }, way: 'complete', contextSize };
  const theirs = { prompts, maxTokens, contextSize };
  return [
    autocogLmWriting(on, `ours${threads}`, name('autocog-lm complete'), {
      ...ours,
      tellsRivals: true,
    }),
    nodeLlamaCppWriting(on, `peer${threads}`, name('node-llama-cpp evaluate'), theirs),
  ];
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
  const counts = [1, 2];
  const specs = [];
  for (const threads of counts) specs.push(...(await contenders(setup, threads)));
  const results = await measure(setup, specs, {
    rounds: setup.rounds ?? 7,
    warmups: 1,
    repetitions: 3,
  });
  const pairs = counts.map((threads) => [results[`ours${threads}`], results[`peer${threads}`]]);
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
  return tell(
    ...pairs.map(([ours, peer]) => {
      return atLeast(`${ours.name}, to node-llama-cpp`, quicker(ours, peer), 3, times);
    }),
  );
}
