// Every architecture that the vendored llama.cpp can make a model of embeds, and has its prompts
// saved and loaded, or says why it cannot. None ends the process.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { modelNames } from './support/architectures.js';
import { report, runProgram, runTool } from './support/tools.js';

const fixture = join('test-oracles', 'fixtures', 'beside-scoring.mjs');

/** What test-oracles/fixtures/beside-scoring.mjs tells. */
interface Found {
  embedding: { outcome: string; reason?: string; fromOthers?: number; fromMean?: number };
  state: { outcome: string; reason?: string; off?: number; isCached?: boolean };
}

/** Of which so many can; more would be a gain, fewer a loss. */
const least = { embedding: 149, state: 110 };

/** Relative to the largest number of a vector; at least three times what was observed. */
const embeddingBound = 1e-3;

async function tryModel(name: string, folder: string): Promise<Found | { death: string }> {
  const file = join(folder, 'model.gguf');
  await runTool('write-model', [name, file]);
  const args = [fixture, file, join(folder, 'prompt.state')];
  const { code, signal, stdout, stderr } = await runProgram(process.execPath, args);
  if (code !== 0) return { death: `${signal ?? code}: ${stderr.slice(0, 1000)}` };
  return JSON.parse(stdout) as Found;
}

t.test('every architecture', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'autocog-beside-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const done = { embedding: 0, state: 0 };
  const lines: string[] = [];
  for (const name of await modelNames()) {
    const found = await tryModel(name, folder);
    if ('death' in found) {
      t.fail(`${name} ended its process`, found);
      continue;
    }
    for (const what of ['embedding', 'state'] as const) {
      const { outcome, reason } = found[what];
      if (outcome === 'done') done[what]++;
      else t.equal(outcome, 'NotSupportedError', `${name}, ${what}: ${reason}`);
      if (outcome !== 'done') lines.push(`  ${name}, ${what}: ${reason}`);
    }
    const { embedding, state } = found;
    if (embedding.outcome === 'done') {
      const { fromOthers = Number.NaN, fromMean = Number.NaN } = embedding;
      t.ok(fromOthers <= embeddingBound, `${name}: among others within ${fromOthers}`);
      t.ok(fromMean <= 1e-6, `${name}: the mean is that of its tokens, within ${fromMean}`);
      if (fromOthers > 0)
        lines.push(`  ${name}, a text among others: ${fromOthers.toExponential(1)}`);
    }
    if (state.outcome === 'done') {
      t.equal(state.isCached, true, `${name}: a loaded prompt is cached`);
      t.equal(state.off, 0, `${name}: its distributions are the same to the last bit`);
    }
  }
  t.ok(done.embedding >= least.embedding, `${done.embedding} embed`);
  t.ok(done.state >= least.state, `${done.state} are saved`);
  await report('beside-scoring', [
    `besides scoring: ${done.embedding} architectures embed, of ${done.state} prompts can be saved`,
    ...lines,
  ]);
});
