// LoRA adapters: files with changed metadata, tensors, bits or lengths. Each is refused with an error of the
// package, or is used and removed, after which the LM computes what it did before, bit for bit.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../run.mjs';
import { runCases } from './support/children.mjs';
import { readGguf } from './support/gguf.mjs';
import { mutateModel } from './support/mutate-model.mjs';
import { Random } from './support/random.mjs';
import { writeAdapter } from './support/write-adapter.mjs';

/** @returns {Promise<string>} what was found */
export async function fuzz(options) {
  const folder = mkdtempSync(join(tmpdir(), 'autocog-fuzz-'));
  const model = readGguf(join(root, 'models', 'default.gguf'));
  writeAdapter(join(folder, 'adapter.gguf'));
  const adapter = readGguf(join(folder, 'adapter.gguf'));
  const makeCase = (number) => {
    const { bytes, changes } = mutateModel(new Random(options.seed, number), adapter, [
      model,
      adapter,
    ]);
    const path = join(folder, `case-${number}.gguf`);
    writeFileSync(path, bytes);
    const label = changes.join(', ') || 'unchanged';
    return { message: path, label, end: () => rmSync(path, { force: true }) };
  };
  try {
    return await runCases('adapters', 'try-adapter.mjs', makeCase, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
