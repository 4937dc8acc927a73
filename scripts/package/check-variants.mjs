// Runs the prebuilt addon of this machine with each of its CPU variants that this CPU, or an emulator, can execute, on
// weights of several types: all must agree. `npm run check:variants`, after `npm run prebuild`; variants for CPUs without
// AVX run in qemu-user's emulation of such a CPU, too, if qemu-x86_64 is installed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { main, onPath, PlainError } from '../run.mjs';
import { copyPrebuilt } from './prebuilt-copy.mjs';

/** CPUs that qemu-user emulates, by the best variant for them. */
const emulated = { x64: 'core2duo', sse42: 'Nehalem', haswell: 'max' };
const types = ['F16', 'Q8_0', 'Q4_0', 'Q4_K'];
/** Log-probabilities of quantized weights differ by the kernels' rounding of activations. */
const tolerance = 0.05;

const program = `
const { defaultModelPath, getBackends, LLaMa, quantize } = require('autocog-lm');
async function run() {
  const logprobs = [];
  for (const type of ${JSON.stringify(types)}) {
    const path = process.argv[2] + '/' + type + '.gguf';
    if (!require('node:fs').existsSync(path)) await quantize(defaultModelPath, path, type);
    const lm = await LLaMa.load(path, { threads: 1 });
    const { choices } = await lm.choose('The capital of France is', [' Paris', ' Rome'], { details: true });
    logprobs.push(choices[0].logprob);
    await lm.close();
  }
  const { cpuVariants, modules } = getBackends();
  console.log(JSON.stringify({ cpuVariants, modules, logprobs }));
}
run();
`;

/** Runs the program with a variant, or with the best one. */
function start(folder, emulator, variant) {
  const [command, ...before] = [...emulator, process.execPath];
  return spawnSync(command, [...before, 'program.cjs', folder], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      AUTOCOG_CACHE: join(folder, 'none'),
      AUTOCOG_CPU_VARIANT: variant ?? '',
    },
  });
}

function execute(folder, emulator, variant) {
  const { status, stdout, stderr, signal } = start(folder, emulator, variant);
  if (status !== 0)
    throw new PlainError(`${variant ?? emulator.join(' ')}: ${signal ?? stderr.trim()}`);
  return JSON.parse(stdout);
}

/** A backend that cannot be loaded is reported, and the others work. */
function checkBroken(folder) {
  const name = `${process.platform}-${process.arch}`;
  const file = join(folder, 'node_modules', 'autocog-lm', 'prebuilds', name, 'libggml-broken.so');
  writeFileSync(file, 'no library');
  const [{ error, ...found }, ...others] = execute(folder, []).modules;
  rmSync(file);
  if (!isDeepStrictEqual([found, ...others], [{ name: 'broken', loaded: false }]) || !error) {
    throw new PlainError('a backend that cannot be loaded is not reported');
  }
  console.log(`a broken backend: ${error}`);
}

export function checkVariants() {
  const folder = mkdtempSync(join(tmpdir(), 'autocog-lm-variants-'));
  try {
    copyPrebuilt(folder);
    writeFileSync(join(folder, 'program.cjs'), program);
    const first = execute(folder, []);
    checkBroken(folder);
    const compare = (name, { cpuVariants, logprobs }) => {
      const chosen = cpuVariants.find((each) => each.chosen)?.name;
      const errors = logprobs.map((value, index) => Math.abs(value - first.logprobs[index]));
      console.log(
        `| ${name} | ${chosen} | ${errors.map((error) => error.toExponential(1)).join(' | ')} |`,
      );
      if (!errors.every((error) => error < tolerance)) throw new PlainError(`${name} disagrees`);
      return chosen;
    };
    console.log(`| CPU | variant | ${types.join(' | ')} |`);
    for (const { name } of first.cpuVariants.filter((each) => each.score > 0)) {
      if (compare('this one', execute(folder, [], name)) !== name)
        throw new PlainError(`${name} is not chosen`);
    }
    const other = first.cpuVariants.find(({ score }) => score === 0)?.name;
    for (const name of ['none', ...(other === undefined ? [] : [other])]) {
      const { status, stderr } = start(folder, [], name);
      const isRefused =
        /NOT_SUPPORTED/.test(stderr) && stderr.includes(`AUTOCOG_CPU_VARIANT, got ${name}`);
      if (status !== 1 || !isRefused) throw new PlainError(`${name} is not refused: ${stderr}`);
      console.log(`${name}: refused, as it should be`);
    }
    if (!onPath('qemu-x86_64')) return;
    for (const [name, cpu] of Object.entries(emulated)) {
      if (compare(cpu, execute(folder, ['qemu-x86_64', '-cpu', cpu])) !== name) {
        throw new PlainError(`${name} is not chosen on ${cpu}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(import.meta.url, checkVariants);
