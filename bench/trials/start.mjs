// From process start to the first token, in a fresh process each time: importing this package
// compared with node-llama-cpp's getLlama, then loading the 0.5 GB model and the first token.

import { PlainError } from '../../scripts/run.mjs';
import { atLeast, atMost, reportGoals } from '../goals.mjs';
import { starts } from '../jobs.mjs';
import { openings } from '../material.mjs';
import { measureFresh, ratio, resultOf } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';
import { divergence, tolerance } from '../values.mjs';

/** The sum of some of a process's times, as a contender's result. */
function span(name, runs, ...steps) {
  const ms = (run) => steps.reduce((sum, step) => sum + run[step], 0);
  const cpuMs = Number.NaN;
  return resultOf(
    name,
    {},
    runs.map((run) => [{ ms: ms(run), cpuMs }]),
  );
}

export async function start(setup) {
  const prompt = [...setup.vocabulary.tokenizeSync(openings[0])];
  const specs = starts(setup, prompt);
  const [ours, theirs] = await measureFresh(specs, { rounds: setup.rounds ?? 9 });
  const both = (what, mine, others) => ({
    what,
    mine: span('autocog-lm', ours, ...mine),
    peer: span('node-llama-cpp', theirs, ...others),
  });
  const engine = both('import; getLlama', ['startMs'], ['startMs']);
  const imported = both('import; import and getLlama', ['startMs'], ['importMs', 'startMs']);
  const load = both('load model and context', ['loadMs'], ['loadMs']);
  const first = both(`first token after ${prompt.length}`, ['firstMs'], ['firstMs']);
  const loaded = both('load and first token', ['loadMs', 'firstMs'], ['loadMs', 'firstMs']);
  const all = both(
    'total',
    ['startMs', 'loadMs', 'firstMs'],
    ['importMs', 'startMs', 'loadMs', 'firstMs'],
  );
  printTable(
    'start: a fresh process each time, files in the page cache; median ms',
    ['', 'autocog-lm', 'node-llama-cpp', 'node-llama-cpp vs ours'],
    [engine, imported, load, first, loaded, all].map(({ what, mine, peer }) => {
      return [what, milliseconds(mine.ms), milliseconds(peer.ms), times(ratio(peer, mine))];
    }),
  );
  const largest = Math.max(
    ...theirs.map(({ tokens }, round) =>
      divergence(ours[round].tokens, ours[round].alternatives, tokens),
    ),
  );
  if (!(largest <= tolerance)) throw new PlainError(`first tokens differ by ${largest}`);
  return reportGoals(
    atLeast("node-llama-cpp's getLlama vs our import", ratio(engine.peer, engine.mine), 10, times),
    atMost('load and first token vs node-llama-cpp', ratio(loaded.mine, loaded.peer), 1, times),
  );
}
