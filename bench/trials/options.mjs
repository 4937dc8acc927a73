// One question of two hundred options of several words about a state of a thousand tokens: this package by
// the options' texts, and what node-llama-cpp has: its `decide`, which lists all options and reads the digits of
// one, and its calls for single tokens, by which the same log-probabilities can be had.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, atMost, reportGoals } from '../goals.mjs';
import { autocogLm, nodeLlamaCpp, nodeLlamaCppDecide } from '../jobs.mjs';
import { decisions, manyOptions } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { tolerance } from '../values.mjs';

const instructions = 'Which of these describes the letter above best?';

export async function options(setup) {
  const [state] = decisions.states;
  const questions = { best: { type: 'choice', instructions, criteria: manyOptions } };
  const tokenize = (text, addSpecial) => setup.vocabulary.tokenizeSync(text, { addSpecial });
  // As `decide` renders a question without a chat template.
  const prompt = tokenize(`${state}\n\nQ: ${instructions}\nA:`, true);
  const paths = manyOptions.map((option) => tokenize(` ${option}`, false));
  const tree = new setup.TokenChoiceTree(paths);
  const asked = { states: [state], questions, cached: true };
  const results = await measure(
    setup,
    [
      autocogLm(setup, 'ours', 'autocog-lm decide, text', {
        ...{ ...asked, options: { template: false } },
      }),
      nodeLlamaCppDecide(setup, 'listed', 'node-llama-cpp decide, digits of a list', {
        ...{ ...asked, parallel: 1, contextSize: 8192 },
      }),
      nodeLlamaCpp(
        ...[setup, 'calls', 'node-llama-cpp, a call per option'],
        ...[prompt, tree, 'perChoice', 4096],
      ),
      nodeLlamaCpp(
        ...[setup, 'texts', 'node-llama-cpp, each inner token of the texts once'],
        ...[prompt, tree, 'depthFirst', 4096],
      ),
    ],
    { rounds: setup.rounds ?? 3, warmups: 0, repetitions: 1 },
  );
  const { ours, calls, texts } = results;
  printTable(
    `options: one of ${manyOptions.length} after ${prompt.length} tokens, the state's cached`,
    ['', 'tokens', 'median ms', 'vs ours'],
    Object.values(results).map((result) => [
      result.name,
      result.facts.decodedTokens,
      milliseconds(result.ms),
      times(ratio(result, ours)),
    ]),
  );
  const [own] = ours.facts.logprobs;
  for (const [index, path] of texts.facts.logprobs.entries()) {
    const difference = own[index] - path.reduce((sum, each) => sum + each, 0);
    if (!(Math.abs(difference) <= tolerance * path.length)) {
      throw new PlainError(`${manyOptions[index]} differs by ${difference}`);
    }
  }
  const tail = tokenize(`Q: ${instructions}\nA:`, false).length;
  return reportGoals(
    atLeast(`${calls.name} vs ours`, ratio(calls, ours), 10, times),
    // The question that was asked before may begin alike.
    atMost('decoded tokens', ours.facts.decodedTokens, tail + tree.size - tree.childless, String),
  );
}
