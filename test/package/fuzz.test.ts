// The fuzzers run, and find nothing with these seeds: docs/reliability.md has the long runs.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';

const fuzz = (...args: readonly string[]) => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const script = join('scripts', 'fuzz.mjs');
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env });
};

t.test('changed model files end no process', async (t) => {
  const args = ['--seed', '15', '--count', '120', '--seeds', 'models', '--jobs', '1'];
  const { stdout, stderr, status } = fuzz('models', ...args);
  t.match({ stdout, status }, { stdout: /120 cases, 0 failed/, status: 0 }, stderr);
  t.match(stdout, /MODEL_LOAD/, 'some are refused');
  t.match(stdout, /ranks: NOT_SUPPORTED/, 'others compute');
});

t.test('a case is determined by its seed and number', async (t) => {
  const runs = [1, 2].map(() => fuzz('models', '--case', '15:7', '--seeds', 'models').stdout);
  t.match(runs[0], /15:7 default: .+/);
  t.equal(runs[0]?.replace(/\d+ s$/m, ''), runs[1]?.replace(/\d+ s$/m, ''));
});

t.test('random calls settle, and leave the LM as it was', async (t) => {
  const { stdout, stderr, status } = fuzz('calls', '--seed', '15', '--count', '40');
  t.match({ stdout, status }, { stdout: /40 cases, 0 failed/, status: 0 }, stdout + stderr);
});

t.test('another kind, or no number, is an error', async (t) => {
  for (const args of [[], ['nothing'], ['constructor'], ['models', '--count', 'x']]) {
    const { status, stderr } = fuzz(...args);
    t.equal(status, 1);
    t.match(stderr, /usage: npm run fuzz/);
  }
});
