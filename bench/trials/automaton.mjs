// Automata after a cached prompt: a completion with beams, compared with the bare engine's decodes of
// the same beams, and a single choice, compared with `choose`.

import { PlainError } from '../../scripts/run.mjs';
import { startContender } from '../contender.mjs';
import { atLeast, atMost, exactly, reportGoals } from '../goals.mjs';
import { autocogLm, autocogLmAutomaton, bareBeams } from '../jobs.mjs';
import { choices, prompt } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';

/**
 * Maximum difference of a choice's log-probability from `choose`, which orders its batch differently. On
 * these quantized weights, `choose` differs from itself by 0.011 with its choices in reverse order.
 */
const tolerance = 0.05;

const beamCount = 8;
const length = 32;
const schedule = (setup) => ({ rounds: setup.rounds ?? 5, warmups: 1, repetitions: 2 });

const table = (title, results, reference) => {
  printTable(
    title,
    ['', 'calls', 'decoded', 'median ms', `vs ${reference.name}`],
    Object.values(results).map((result) => [
      result.name,
      result.facts.calls,
      result.facts.decodedTokens,
      milliseconds(result.ms),
      times(ratio(result, reference)),
    ]),
  );
};

/** The tokens of the beams that the package finds. */
async function beamsOf(spec) {
  const contender = await startContender(spec);
  try {
    const { results } = await contender.go();
    return results.map(({ tokens }) => tokens);
  } finally {
    await contender.stop();
  }
}

async function beams(setup) {
  const actions = [{ id: 'completion', type: 'complete', maxTokens: length, beams: beamCount }];
  const ours = autocogLmAutomaton(setup, 'ours', 'autocog-lm evaluate', { prompt, actions });
  const found = await beamsOf(ours);
  if (found.length !== beamCount || found.some((tokens) => tokens.length !== length)) {
    throw new PlainError(`${beamCount} beams of ${length} tokens are expected`);
  }
  const promptTokens = [...setup.vocabulary.tokenizeSync(prompt)];
  const bare = (mode, name) => bareBeams(setup, mode, name, promptTokens, found, mode);
  const specs = [
    bare('together', 'bare llama_decode per step'),
    bare('apart', 'bare llama_decode, one beam after another'),
    ours,
  ];
  const results = await measure(setup, specs, schedule(setup));
  const title = `automaton: ${beamCount} beams of ${length} tokens after ${promptTokens.length} cached`;
  table(title, results, results.together);
  return [
    atLeast('beams one after another vs ours', ratio(results.apart, results.ours), 2, times),
    atMost('beams vs bare decodes', ratio(results.ours, results.together), 1.1, times),
  ];
}

async function choice(setup) {
  const actions = [{ id: 'choice', type: 'choose', choices }];
  const specs = [
    autocogLm(setup, 'choose', 'autocog-lm choose', { prompt, choices }),
    autocogLmAutomaton(setup, 'automaton', 'autocog-lm evaluate', { prompt, actions }),
  ];
  // A run takes a tenth of a second: more of them cost little and steady the median.
  const { rounds, warmups } = schedule(setup);
  const results = await measure(setup, specs, { rounds: 4 * rounds, warmups, repetitions: 5 });
  table(`automaton: one choice of ${choices.length}`, results, results.choose);
  const { choose, automaton } = results;
  const scores = new Map(automaton.facts.results.map(({ text, logprob }) => [text, logprob]));
  for (const [index, { logprob }] of choose.facts.choices.entries()) {
    const difference = Math.abs(scores.get(choices[index]) - logprob);
    if (!(difference <= tolerance))
      throw new PlainError(`${choices[index]} differs by ${difference}`);
  }
  return [
    atMost('choice vs choose', ratio(automaton, choose), 1.05, times),
    exactly('tokens of the choice', automaton.facts.decodedTokens, choose.facts.decodedTokens),
  ];
}

export async function automaton(setup) {
  return reportGoals(...(await beams(setup)), ...(await choice(setup)));
}
