// This package's kernels for the CPU against llama.cpp's: products of each type of weights, and attention.

import { capture, PlainError } from '../../scripts/run.mjs';
import { atLeast, reportGoals } from '../goals.mjs';
import { printTable, times } from '../report.mjs';

const rate = (value) => value.toFixed(0);

/** Billions of multiplications per second, by what was measured and the number of rows. */
function measureRates({ kernels: program, threads }, enabled) {
  const env = { ...process.env, AUTOCOG_KERNELS: enabled ? '1' : '0' };
  const output = capture(program, [String(threads)], { env });
  if (output === null) throw new PlainError(`${program} failed`);
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return new Map(lines.map(({ what, rows, rate }) => [`${what}, ${rows}`, { what, rows, rate }]));
}

export async function kernels(setup) {
  const without = measureRates(setup, false);
  const own = measureRates(setup, true);
  const cell = (key) => {
    const [theirs, ours] = [without.get(key).rate, own.get(key).rate];
    return `${rate(theirs)} → ${rate(ours)}`;
  };
  const all = [...own.values()];
  const counts = [
    ...new Set(all.filter(({ what }) => what === all[0].what).map((one) => one.rows)),
  ];
  const isProduct = ({ what }) =>
    own.has(`${what}, ${counts[0]}`) && own.has(`${what}, ${counts[1]}`);
  const types = [...new Set(all.filter(isProduct).map(({ what }) => what))];
  printTable(
    'kernels: products, 10⁹ multiplications per second, llama.cpp → ours',
    ['rows', ...counts.map(String)],
    types.map((type) => [type.toUpperCase(), ...counts.map((count) => cell(`${type}, ${count}`))]),
  );
  printTable(
    'kernels: attention, 10⁹ multiplications of visible cells per second',
    ['', 'tokens', 'llama.cpp → ours'],
    [...own]
      .filter(([, one]) => !isProduct(one))
      .map(([key, { what, rows }]) => [what, rows, cell(key)]),
  );
  const ratio = (key) => own.get(key).rate / without.get(key).rate;
  return reportGoals(
    atLeast('products of Q8_0, 512 rows', ratio('q8_0, 512'), 2, times),
    atLeast('attention of 20 branches', ratio('20 branches after 1,024 tokens, 500'), 2, times),
  );
}
