// The cost of a grammar: time per token with an endless grammar and without one, on the default
// model and on one with a vocabulary of 151,936 tokens. The output must be a prefix of what the
// grammar derives.

import { PlainError } from '../../scripts/run.mjs';
import { atMost, reportGoals } from '../goals.mjs';
import { autocogLmGeneration } from '../jobs.mjs';
import { openings, questions } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { faultIn, records } from '../records.mjs';
import { printTable, times } from '../report.mjs';

const maxTokens = 64;

/** The sampling defaults of llama.cpp's server. */
const sampled = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05, seed: 1 };

async function endsOf({ Model }, path) {
  const model = await Model.load(path, { vocabOnly: true });
  const ends = [...model.vocab.endOfGeneration];
  await model.close();
  return ends;
}

/** Without and with the grammar; both ban the `ends` tokens. */
function contenders(setup, { key, model, prompts, sampler }, ends) {
  // Jobs are JSON, which has no infinity.
  const logitBias = Object.fromEntries(ends.map((token) => [token, -1000]));
  const options = { maxTokens, sampler: { ...sampler, logitBias } };
  return [
    ['free', options],
    ['constrained', { ...options, grammar: records }],
  ].map(([kind, chosen]) => {
    const job = { model, prompts, options: chosen, method: 'complete', isCached: true };
    return autocogLmGeneration(setup, `${key}-${kind}`, kind, job);
  });
}

const countOf = ({ facts }) => facts.texts.reduce((sum, { tokens }) => sum + tokens.length, 0);
const perToken = (result) => result.ms / countOf(result);

function check({ key }, free, constrained) {
  const expected = free.facts.texts.length * maxTokens;
  for (const result of [free, constrained]) {
    const count = countOf(result);
    if (count !== expected) throw new PlainError(`${key}: ${count} tokens instead of ${expected}`);
  }
  for (const { text } of constrained.facts.texts) {
    const fault = faultIn(text);
    if (fault) throw new PlainError(`${key}: ${fault} in ${text}`);
  }
}

export async function grammar(setup) {
  const small = { model: setup.defaultModel, prompts: questions.slice(0, 16), repetitions: 3 };
  const large = { model: setup.model, prompts: openings.slice(0, 1), repetitions: 1 };
  const cases = [
    { key: 'small', name: 'default model, temperature 0', ...small, sampler: { temperature: 0 } },
    { key: 'small-sampled', name: 'default model, sampled', ...small, sampler: sampled },
    { key: 'large', name: '151,936 tokens, temperature 0', ...large, sampler: { temperature: 0 } },
    { key: 'large-sampled', name: '151,936 tokens, sampled', ...large, sampler: sampled },
  ];
  const rows = [];
  for (const each of cases) {
    const specs = contenders(setup, each, await endsOf(setup, each.model));
    const { repetitions } = each;
    const schedule = { rounds: setup.rounds ?? 5, warmups: 0, repetitions };
    const [free, constrained] = Object.values(await measure(setup, specs, schedule));
    check(each, free, constrained);
    rows.push({ ...each, free, constrained, overhead: ratio(constrained, free) });
  }
  const micro = (result) => (perToken(result) * 1000).toFixed(0);
  printTable(
    `grammar: records of a JSON array, ${maxTokens} tokens per completion; microseconds per token`,
    ['', 'without', 'with', 'with vs without'],
    rows.map(({ name, free, constrained, overhead }) => [
      name,
      micro(free),
      micro(constrained),
      times(overhead),
    ]),
  );
  return reportGoals(
    ...rows.map(({ name, overhead }) => atMost(`a grammar, ${name}`, overhead, 1.5, times)),
  );
}
