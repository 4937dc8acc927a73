// Runs an addon that `npm run prebuild -- NAME` has built for another platform, in an emulator with that platform's Node
// from the npm registry, and compares it with the addon of this clone: probabilities, completions and errors, on weights in
// F32 and Q8_0, in files with names outside of ASCII. `npm run check:cross -- NAME`; each emulated CPU and each variant of
// the CPU backend is a row of the table.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { requirePrograms } from '../requirements.mjs';
import { capture, main, PlainError, root } from '../run.mjs';
import { writeMuslRuntime } from './musl-runtime.mjs';
import { copyPrebuilt } from './prebuilt-copy.mjs';
import { fileOfPackage } from './registry.mjs';
import { crossFolder, targetOf, targets } from './targets.mjs';

/** The largest difference of a log-probability, by the type of weights; quantized ones are rounded by each kernel. */
const tolerances = { F32: 1e-4, Q8_0: 0.05 };
const types = Object.keys(tolerances);
const program = join(root, 'scripts', 'package', 'cross-program.cjs');

/** Runs the program in a folder with a command for Node, and returns its report. */
function execute(folder, [command, ...args], home, env = {}) {
  const models = types.map((type) => `modèle 模型 ${type}.gguf`);
  // Files: Node for Windows cannot write to the sockets that it would get here in wine.
  const outputs = ['output', 'errors'].map((name) => join(folder, name));
  const files = outputs.map((path) => openSync(path, 'w'));
  const { status, signal, error } = spawnSync(command, [...args, 'program.cjs', home, ...models], {
    cwd: folder,
    stdio: ['ignore', ...files],
    timeout: 900_000,
    env: { ...process.env, ...env },
  });
  for (const file of files) closeSync(file);
  const [stdout, stderr] = outputs.map((path) => readFileSync(path, 'utf8').trim());
  const last = stdout.split('\n').at(-1);
  if (status === 0 && last.startsWith('{')) return JSON.parse(last);
  const reason = error?.message ?? (stderr || `no output, exit code ${status ?? signal}`);
  throw new PlainError(`${[command, ...args].join(' ')}: ${reason}`);
}

/** The models under names outside of ASCII. */
async function writeModels(folder) {
  const { defaultModelPath, quantize } = await import('autocog-lm');
  for (const type of types) {
    const path = join(folder, `modèle 模型 ${type}.gguf`);
    await quantize(defaultModelPath, path, type);
  }
}

/** The largest difference per type of weights, and what else differs. */
function compare(report, reference) {
  const complaints = [];
  if (report.source !== 'prebuilt') complaints.push(`the addon is ${report.source}`);
  if (!isDeepStrictEqual(report.codes, reference.codes))
    complaints.push(`errors: ${report.codes.join('; ')} instead of ${reference.codes.join('; ')}`);
  const errors = types.map((type, at) => {
    const { scores, ranks, text } = report.results[at];
    const expected = reference.results[at];
    if (type === 'F32' && (text !== expected.text || !isDeepStrictEqual(ranks, expected.ranks)))
      complaints.push(`ranks or the completion in ${type}: ${JSON.stringify(text)}`);
    if (scores.length !== expected.scores.length) return Number.POSITIVE_INFINITY;
    const error = Math.max(...scores.map((score, i) => Math.abs(score - expected.scores[i])));
    // NaN is no agreement.
    if (!(error <= tolerances[type])) complaints.push(`a log-probability in ${type} by ${error}`);
    return error;
  });
  return { errors, complaints };
}

/** wine with a configuration of its own, as Windows 10, which Node requires. */
function prepareWine() {
  const env = { WINEPREFIX: join(crossFolder, 'wine'), WINEDEBUG: '-all', DISPLAY: '' };
  mkdirSync(crossFolder, { recursive: true });
  const args = ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'];
  if (capture('wine', args, { env: { ...process.env, ...env } }) === null)
    throw new PlainError('wine does not start');
  return env;
}

export async function checkCross(name) {
  const { platform, arch, libc, runner } = targetOf(name);
  if (runner === undefined) throw new PlainError(`nothing here runs addons for ${name}`);
  requirePrograms(`running addons for ${name}`, runner.programs);
  const file = ['autocog-lm', libc, 'node'].filter(Boolean).join('.');
  if (!existsSync(join(root, 'prebuilds', `${platform}-${arch}`, file)))
    throw new PlainError(`first: npm run prebuild -- ${name}`);
  const node = fileOfPackage(runner.node, runner.file);
  chmodSync(node, 0o755);
  const folder = mkdtempSync(join(tmpdir(), 'autocog-lm-cross-'));
  const env = { AUTOCOG_CACHE: join(folder, 'none') };
  try {
    copyPrebuilt(folder);
    copyFileSync(program, join(folder, 'program.cjs'));
    await writeModels(folder);
    const reference = execute(folder, [process.execPath], root);
    if (platform === 'win32') Object.assign(env, prepareWine());
    // Alpine has a file by which node-gyp-build knows it.
    if (libc === 'musl') Object.assign(env, { LIBC: 'musl', ...writeMuslRuntime(node) });
    const failed = [];
    const row = (title, cpu, variant, program = node) => {
      const command = [...runner.command(cpu), program];
      const home = join('node_modules', 'autocog-lm');
      const own = variant ? { AUTOCOG_CPU_VARIANT: variant } : {};
      const report = execute(folder, command, home, { ...env, ...own });
      const { errors, complaints } = compare(report, reference);
      const expected = variant ?? runner.cpus?.[cpu];
      if (report.variant !== expected)
        complaints.push(`the CPU variant ${report.variant} is chosen, not ${expected}`);
      const cells = [
        title,
        report.variant ?? 'one',
        ...errors.map((each) => each.toExponential(1)),
      ];
      console.log(`| ${[...cells, complaints.join('; ') || 'agrees'].join(' | ')} |`);
      failed.push(...complaints.map((complaint) => `${title}: ${complaint}`));
      return report;
    };
    console.log(`| CPU | CPU backend | ${types.join(' | ')} | result |\n|---|---|---|---|---|`);
    const cpus = Object.keys(runner.cpus ?? { [arch]: '' });
    const last = cpus.map((cpu) => row(cpu, runner.cpus && cpu)).at(-1);
    // The last CPU can execute all variants that any of them can.
    const tried = new Set(Object.values(runner.cpus ?? {}));
    for (const variant of last.runnable.filter((each) => !tried.has(each)))
      row(cpus.at(-1), cpus.at(-1), variant);
    if (platform === 'win32') {
      const renamed = join(folder, 'renamed.exe');
      copyFileSync(node, renamed);
      row(`${arch}, node.exe renamed`, undefined, undefined, renamed);
    }
    console.log(`\n${last.platform}, ${last.runtime}: ${last.codes.join('; ')}`);
    if (failed.length > 0) throw new PlainError(failed.join('\n  '));
  } finally {
    if (env.WINEPREFIX) capture('wineserver', ['-k'], { env: { ...process.env, ...env } });
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(import.meta.url, () => {
  const names = process.argv.slice(2);
  const known = Object.keys(targets).join(' or ');
  if (names.length !== 1)
    throw new PlainError(`Expected ${known}, got ${names.join(' ') || 'none'}`);
  return checkCross(names[0]);
});
