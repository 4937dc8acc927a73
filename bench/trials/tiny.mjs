// Greedy texts on the default model, where everything but the decoding shows most: complete
// against node-llama-cpp's evaluate, as they come and with flash attention. The texts must be the
// same. The goal takes both at their quickest. Ours runs on one thread and on two, theirs on one:
// on two of two cores its threads wait for each other, and a run that takes a second on one took
// minutes.

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

const nameOf = (who, threads, isFlash) =>
  `${who}, ${threads} ${threads === 1 ? 'thread' : 'threads'}${isFlash ? ', flash attention' : ''}`;

function ourWay(setup, threads, isFlash) {
  const on = { ...setup, model: setup.defaultModel, threads };
  const name = nameOf('autocog-lm complete', threads, isFlash);
  return autocogLmWriting(on, `ours${threads}${isFlash}`, name, {
    prompts: questions,
    options: { maxTokens },
    way: 'complete',
    contextSize,
    context: isFlash ? flash : {},
    tellsRivals: true,
  });
}

function theirWay(setup, prompts, isFlash) {
  const on = { ...setup, model: setup.defaultModel, threads: 1 };
  const name = nameOf('node-llama-cpp evaluate', 1, isFlash);
  return nodeLlamaCppWriting(on, `peer${isFlash}`, name, {
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
  const prompts = await promptsOf(setup);
  const ours = [1, 2].flatMap((threads) => {
    return [false, true].map((isFlash) => ourWay(setup, threads, isFlash));
  });
  const theirs = [false, true].map((isFlash) => theirWay(setup, prompts, isFlash));
  const found = await measure(setup, [...ours, ...theirs], {
    rounds: setup.rounds ?? 7,
    warmups: 1,
    repetitions: 3,
  });
  const byTime = (a, b) => a.ms / countOf(a) - b.ms / countOf(b);
  const results = (specs) => specs.map(({ key }) => found[key]);
  const [best] = results(ours).sort(byTime);
  const [rival] = results(theirs).sort(byTime);
  printTable(
    `tiny: ${questions.length} texts of ${maxTokens} tokens at most after questions, default ` +
      `model; node-llama-cpp on ${rival.facts.release}`,
    ['', 'tokens', 'median ms', 'CPU ms', 'tokens per second', 'to the quicker of theirs'],
    results([...ours, ...theirs]).map((result) => [
      result.name,
      countOf(result),
      milliseconds(result.ms),
      milliseconds(result.cpuMs),
      ((countOf(result) / result.ms) * 1000).toFixed(0),
      times(quicker(result, rival)),
    ]),
  );
  for (const peer of results(theirs)) compare(found[ours[0].key], peer);
  return tell(atLeast(`${best.name}, to ${rival.name}`, quicker(best, rival), 3, times));
}
