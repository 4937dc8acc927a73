// For every architecture that the vendored llama.cpp can build a model of: embedding, and saving
// and loading prompts, either work or fail with a reason. None aborts the process.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { modelNames } from './support/architectures.js';
import { report, runProgram, runTool } from './support/tools.js';

const fixture = join('test-oracles', 'fixtures', 'beside-scoring.mjs');

/** The output of test-oracles/fixtures/beside-scoring.mjs. */
interface Results {
  embedding: { outcome: string; reason?: string; fromOthers?: number; fromMean?: number };
  state: { outcome: string; reason?: string; off?: number; isCached?: boolean };
}

/** The minimum number of models that support each; fewer would be a regression. */
const minCounts = { embedding: 149, state: 132 };

/** Relative to the largest value of a vector; at least three times the largest observed. */
const embeddingBound = 1e-3;

async function tryModel(name: string, folder: string): Promise<Results | { death: string }> {
  const file = join(folder, 'model.gguf');
  await runTool('write-model', [name, file]);
  const args = [fixture, file, join(folder, 'prompt.state')];
  const { code, signal, stdout, stderr } = await runProgram(process.execPath, args);
  if (code !== 0) return { death: `${signal ?? code}: ${stderr.slice(0, 1000)}` };
  return JSON.parse(stdout) as Results;
}

t.test('every architecture', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'autocog-beside-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const done = { embedding: 0, state: 0 };
  const lines: string[] = [];
  for (const name of await modelNames()) {
    const results = await tryModel(name, folder);
    if ('death' in results) {
      t.fail(`${name} aborted its process`, results);
      continue;
    }
    for (const feature of ['embedding', 'state'] as const) {
      const { outcome, reason } = results[feature];
      if (outcome === 'done') done[feature]++;
      else t.equal(outcome, 'NotSupportedError', `${name}, ${feature}: ${reason}`);
      if (outcome !== 'done') lines.push(`  ${name}, ${feature}: ${reason}`);
    }
    const { embedding, state } = results;
    if (embedding.outcome === 'done') {
      const { fromOthers = Number.NaN, fromMean = Number.NaN } = embedding;
      t.ok(fromOthers <= embeddingBound, `${name}: differs by ${fromOthers} in a batch`);
      t.ok(fromMean <= 1e-6, `${name}: differs by ${fromMean} from the mean of its tokens`);
      if (fromOthers > 0)
        lines.push(`  ${name}, alone and in a batch: ${fromOthers.toExponential(1)}`);
    }
    if (state.outcome === 'done') {
      t.equal(state.isCached, true, `${name}: a loaded prompt is cached`);
      t.equal(state.off, 0, `${name}: its distributions are bitwise equal`);
    }
  }
  t.ok(done.embedding >= minCounts.embedding, `${done.embedding} models embed`);
  t.ok(done.state >= minCounts.state, `${done.state} models save prompts`);
  await report('beside-scoring', [
    `besides scoring: ${done.embedding} architectures embed, ${done.state} save prompts`,
    ...lines,
  ]);
});
