// Output of the bench: a header about the machine and the build, and tables.

import { cpus, loadavg, release, totalmem, type } from 'node:os';
import Table from 'cli-table3';
import { pin } from '../scripts/fetch-llama.mjs';
import { capture } from '../scripts/run.mjs';

function commit() {
  const hash = capture('git', ['rev-parse', '--short=12', 'HEAD']);
  if (hash === null) return 'none';
  const changed = capture('git', ['status', '--porcelain']) !== '';
  return changed ? `${hash} with uncommitted changes` : hash;
}

export function printHead({ llamaVersion, systemInfo }, threads, gpus) {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0].toFixed(1);
  const words = ['npm run bench', ...(process.argv.length > 2 ? ['--'] : [])];
  console.log(`command    ${[...words, ...process.argv.slice(2)].join(' ')}`);
  console.log(`machine    ${cpu.model} × ${cpus().length}, ${memory} GiB, ${type()} ${release()}`);
  for (const { description, backend } of gpus) console.log(`GPU        ${description}, ${backend}`);
  console.log(`load       ${load} before the start; ${threads} threads are used`);
  console.log(`commit     ${commit()}, Node ${process.version}`);
  console.log(`llama.cpp  ${llamaVersion} (${pin.commit.slice(0, 12)}), ${systemInfo.trim()}`);
}

export function printTable(title, head, rows) {
  console.log(`\n${title}`);
  const colAligns = head.map((_, column) => (column === 0 ? 'left' : 'right'));
  const table = new Table({ head, colAligns, style: { head: [], border: [] } });
  table.push(...rows);
  console.log(table.toString());
}

export const milliseconds = (value) => value.toFixed(value < 100 ? 1 : 0);
export const times = (value) => `${value.toFixed(2)} ×`;
