// The addon under AddressSanitizer and UBSan, in Node: built by clang 16 and used by a copy of the package, so that the
// checkout's own addon stays. Node itself has no sanitizer, so that its runtime is loaded before everything else.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cmakeJs, installAddon } from '../build-native.mjs';
import { buildTs } from '../build-ts.mjs';
import { fetchLlama } from '../fetch-llama.mjs';
import { capture, PlainError, root } from '../run.mjs';
import { runTap } from '../test.mjs';

const folder = join(root, 'build-sanitize-addon');
const copy = join(folder, 'package');

/** Tests of what crosses the border to C++, without those that limit a process's memory or time. */
const tests = [
  'test/native/logger.test.ts',
  'test/context/non-finite.test.ts',
  'test/context/state.test.ts',
  'test/context/state-rejected.test.ts',
  'test/context/state-steering.test.ts',
  'test/context/state-wrapped.test.ts',
  'test/choose/search.test.ts',
  'test/embedding/embed-calls.test.ts',
  'test/generation/generation.test.ts',
  'test/lm/default-model.test.ts',
  'test/lm/recurrent.test.ts',
  'test/model/bad-model.test.ts',
  'test/model/control-vector.test.ts',
  'test/model/lora.test.ts',
  'test/model/quantize.test.ts',
  'test/model/tokenizers.test.ts',
  'test/thoughts/agreement.test.ts',
];

export function buildSanitizedAddon() {
  fetchLlama();
  buildTs();
  const defines = {
    CMAKE_C_COMPILER: 'clang-16',
    CMAKE_CXX_COMPILER: 'clang++-16',
    AUTOCOG_TESTS: 'OFF',
    AUTOCOG_SANITIZE: 'address;undefined',
  };
  const args = Object.entries(defines).map(([name, value]) => `--CD${name}=${value}`);
  cmakeJs('configure', folder, args);
  cmakeJs('build', folder, ['--parallel', String(availableParallelism())]);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  for (const name of ['bench', 'dist', 'examples', 'lib', 'models', 'native', 'scripts', 'test']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.base.json', '.taprc']) {
    cpSync(join(root, name), join(copy, name));
  }
  symlinkSync(join(root, 'llama.cpp'), join(copy, 'llama.cpp'));
  installAddon(join(folder, 'Release'), copy);
}

/** The variables of a process whose addon is sanitized. Node's own leaks are not ours to report. */
function environment() {
  const runtime = 'libclang_rt.asan-x86_64.so';
  const path = capture('clang++-16', [`-print-file-name=${runtime}`]);
  if (path === null || path === runtime) {
    throw new PlainError('the runtime of clang 16 is missing (Debian: libclang-rt-16-dev)');
  }
  return {
    LD_PRELOAD: path,
    ASAN_OPTIONS: 'detect_leaks=0:allow_user_segv_handler=1',
    UBSAN_OPTIONS: `print_stacktrace=1:halt_on_error=1:suppressions=${join(root, 'native', 'test', 'ubsan.supp')}`,
  };
}

/** Runs tests of the copy, and returns their tally. */
export function runAddonTests(files = tests) {
  const variables = Object.entries(environment());
  const options = variables.map(([name, value]) => `--test-env=${name}=${value}`);
  return runTap([...options, '--timeout=1200', ...files], copy);
}

/** Runs a fuzzer of the copy; throws a PlainError if it fails. */
export function runFuzzer(args) {
  const { status, signal } = spawnSync(
    process.execPath,
    [join(copy, 'scripts', 'fuzz.mjs'), ...args],
    {
      cwd: copy,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment() },
    },
  );
  if (status !== 0) throw new PlainError(`fuzz.mjs failed (${signal ?? status})`);
}
