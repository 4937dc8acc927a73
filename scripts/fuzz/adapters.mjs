// LoRA adapters and control vectors: files with changed metadata, tensors, bits or lengths. Each is refused with an error of the
// package, or is used and removed, after which the LM computes what it did before, bit for bit.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../run.mjs';
import { runCases } from './support/children.mjs';
import { readGguf } from './support/gguf.mjs';
import { mutateModel } from './support/mutate-model.mjs';
import { Random } from './support/random.mjs';
import { writeAdapter, writeControlVector } from './support/write-adapter.mjs';

/** @returns {Promise<string>} what was found */
export async function fuzz(options) {
  const folder = mkdtempSync(join(tmpdir(), 'autocog-fuzz-'));
  const model = readGguf(join(root, 'models', 'default.gguf'));
  writeAdapter(join(folder, 'adapter.gguf'));
  writeControlVector(join(folder, 'vector.gguf'));
  const adapter = readGguf(join(folder, 'adapter.gguf'));
  const vector = readGguf(join(folder, 'vector.gguf'));
  const makeCase = (number) => {
    const isVector = number % 4 === 3;
    const [own, other] = isVector ? [vector, adapter] : [adapter, vector];
    const random = new Random(options.seed, number);
    const { bytes, changes } = mutateModel(random, own, [model, other]);
    const kind = isVector ? 'vector' : 'adapter';
    const path = join(folder, `${kind}-${number}.gguf`);
    writeFileSync(path, bytes);
    const label = `${kind}: ${changes.join(', ') || 'unchanged'}`;
    return { message: path, label, end: () => rmSync(path, { force: true }) };
  };
  try {
    return await runCases('adapters', 'try-adapter.mjs', makeCase, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
