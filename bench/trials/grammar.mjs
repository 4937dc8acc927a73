// What a grammar costs: texts under one that never ends, against texts of as many tokens without
// one, per token, on the default model and on one with 151,936 tokens to forbid. What is written
// must be the beginning of what the grammar derives.

import { PlainError } from '../../scripts/run.mjs';
import { atMost, tell } from '../goals.mjs';
import { autocogLmWriting } from '../jobs.mjs';
import { openings, questions } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { faultIn, records } from '../records.mjs';
import { printTable, times } from '../report.mjs';

const maxTokens = 64;

/** llama.cpp's own defaults, as its server samples. */
const chance = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05, seed: 1 };

async function endsOf({ Model }, path) {
  const model = await Model.load(path, { vocabOnly: true });
  const ends = [...model.vocab.endOfGeneration];
  await model.close();
  return ends;
}

/** Without and with the grammar; `ends` may come in neither. */
function contenders(setup, { key, model, prompts, sampler }, ends) {
  // Jobs go by JSON, which has no infinity.
  const logitBias = Object.fromEntries(ends.map((token) => [token, -1000]));
  const options = { maxTokens, sampler: { ...sampler, logitBias } };
  return [
    ['free', options],
    ['bound', { ...options, grammar: records }],
  ].map(([kind, chosen]) => {
    const job = { model, prompts, options: chosen, way: 'complete', isCached: true };
    return autocogLmWriting(setup, `${key}-${kind}`, kind, job);
  });
}

const countOf = ({ facts }) => facts.texts.reduce((sum, { tokens }) => sum + tokens.length, 0);
const perToken = (result) => result.ms / countOf(result);

function check({ key }, free, bound) {
  const wanted = free.facts.texts.length * maxTokens;
  for (const result of [free, bound]) {
    const count = countOf(result);
    if (count !== wanted) throw new PlainError(`${key}: ${count} tokens, not ${wanted}`);
  }
  for (const { text } of bound.facts.texts) {
    const fault = faultIn(text);
    if (fault) throw new PlainError(`${key}: ${fault} in ${text}`);
  }
}

export async function grammar(setup) {
  const small = { model: setup.defaultModel, prompts: questions.slice(0, 16), repetitions: 3 };
  const large = { model: setup.model, prompts: openings.slice(0, 1), repetitions: 1 };
  const cases = [
    { key: 'small', name: 'default model, temperature 0', ...small, sampler: { temperature: 0 } },
    { key: 'small-chance', name: 'default model, sampled', ...small, sampler: chance },
    { key: 'large', name: '151,936 tokens, temperature 0', ...large, sampler: { temperature: 0 } },
    { key: 'large-chance', name: '151,936 tokens, sampled', ...large, sampler: chance },
  ];
  const rows = [];
  for (const each of cases) {
    const specs = contenders(setup, each, await endsOf(setup, each.model));
    const { repetitions } = each;
    const schedule = { rounds: setup.rounds ?? 5, warmups: 0, repetitions };
    const [free, bound] = Object.values(await measure(setup, specs, schedule));
    check(each, free, bound);
    rows.push({ ...each, free, bound, more: ratio(bound, free) });
  }
  const micro = (result) => (perToken(result) * 1000).toFixed(0);
  printTable(
    `grammar: records of a JSON array, ${maxTokens} tokens a text; microseconds per token`,
    ['', 'without', 'with', 'with to without'],
    rows.map(({ name, free, bound, more }) => [name, micro(free), micro(bound), times(more)]),
  );
  return tell(...rows.map(({ name, more }) => atMost(`a grammar, ${name}`, more, 1.5, times)));
}
