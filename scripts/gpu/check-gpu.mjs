// What GPUs compute, compared with the CPU: `npm run check:gpu` with an addon that has a GPU's backend
// (AUTOCOG_CUDA=1 npm run build:native). It prints the devices; every kind of call on the GPU and on the CPU; the
// largest differences of log-probabilities, as `npm run measure:reproducibility` does; and the bench's trials that run on
// GPUs. Options: --model FILE.gguf, to compare another model as well; --problems N, of the table; --no-bench.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultModelPath, getBackends, Model, quantize } from 'autocog-lm';
import { printTable } from '../reproducibility.mjs';
import { cases, forms, measure, onCpu } from '../reproducibility-cases.mjs';
import { main, PlainError, root } from '../run.mjs';
import { conclude } from '../tally.mjs';

/**
 * By weight type, how far a log-probability on a GPU may be from the CPU's: the bounds of docs/reproducibility.md for
 * other kernels.
 */
const bounds = { F32: 5e-2, F16: 1e-1, Q8_0: 1.5, Q4_0: 1.5 };

function printDevices({ devices, modules, llamaVersion }) {
  console.log(`llama.cpp ${llamaVersion}, Node ${process.version}`);
  for (const { name, description, backend, memoryTotal } of devices) {
    const memory = (memoryTotal / 2 ** 30).toFixed(1);
    console.log(`${name}: ${description}, ${backend}, ${memory} GiB`);
  }
  for (const { name, error } of modules.filter(({ loaded }) => !loaded)) {
    console.log(`${name} was not loaded: ${error}`);
  }
}

function hasGpu() {
  const backends = getBackends();
  printDevices(backends);
  if (backends.devices.some(({ type }) => /gpu/.test(type))) return;
  throw new PlainError(
    'there is no GPU that this addon can use. With CUDA: AUTOCOG_CUDA=1 npm run build:native',
  );
}

/** Runs a script of this folder in a process of its own, since a GPU's backend ends the process where it fails. */
function runCalls(model) {
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    [join(root, 'scripts', 'gpu', 'calls.mjs'), model],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 },
  );
  const results = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const ended = { what: 'the process ends', ok: status === 0, detail: signal ?? `${status}` };
  return [...results, ended];
}

function checkCalls(model) {
  const tally = { passed: 0, failed: 0 };
  for (const { what, ok, detail } of runCalls(model)) {
    tally[ok ? 'passed' : 'failed']++;
    console.log(`${ok ? 'ok' : 'NOT OK'}  ${what}: ${detail}`);
  }
  return tally;
}

/** Per label, the results of all cases on the GPU, and of the comparison with the CPU, which is the first. */
async function measureForms(folder, problems) {
  const columns = new Map();
  for (const { label, type, options } of forms) {
    const path = join(folder, `${type}.gguf`);
    await quantize(defaultModelPath, path, type);
    const [gpu, cpu] = [await Model.load(path), await Model.load(path, { gpuLayers: 0 })];
    const results = await measure(gpu, { threads: 2, ...options }, problems, [
      onCpu(cpu),
      ...cases,
    ]);
    columns.set(label, results);
    for (const model of [gpu, cpu]) await model.close();
  }
  return columns;
}

function judge(columns) {
  const tally = { passed: 0, failed: 0 };
  for (const { label, type } of forms) {
    const [{ worst, values }] = columns.get(label);
    const ok = values > 0 && worst <= bounds[type];
    tally[ok ? 'passed' : 'failed']++;
    if (!ok) console.log(`NOT OK  ${label}: ${worst}, more than ${bounds[type]}`);
  }
  return tally;
}

function bench() {
  const { status } = spawnSync(process.execPath, [join(root, 'bench', 'run.mjs'), '--gpu'], {
    stdio: 'inherit',
  });
  return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

await main(import.meta.url, async () => {
  const { values } = parseArgs({
    options: {
      model: { type: 'string' },
      problems: { type: 'string', default: '8' },
      bench: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  hasGpu();
  const folder = mkdtempSync(join(tmpdir(), 'autocog-gpu-'));
  try {
    const tallies = [];
    const files = [defaultModelPath, ...(values.model === undefined ? [] : [values.model])];
    for (const file of files) {
      console.log(`\n${file}, on the GPU and on the CPU`);
      tallies.push(checkCalls(file));
    }
    const problems = Number(values.problems);
    console.log(`\nlog-probabilities on the GPU, ${problems} problems\n`);
    const columns = await measureForms(folder, problems);
    printTable(columns);
    tallies.push(judge(columns));
    if (values.bench) tallies.push(bench());
    conclude(tallies);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
