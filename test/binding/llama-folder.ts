// A folder of models for tests of LlamaBinding, and bindings over it.

import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath } from 'autocog-lm';
import { LlamaBinding, type LlamaBindingOptions } from 'autocog-lm/binding';
import t, { type Test } from 'tap';

export const folder = t.testdir();
copyFileSync(defaultModelPath, join(folder, 'one.gguf'));
copyFileSync(defaultModelPath, join(folder, 'two.gguf'));
writeFileSync(join(folder, 'broken.gguf'), 'GGUF');

export const prompt = 'The capital of France is';
/** Keeps the model from ending the text. */
export const grammar = 'root ::= [A-Za-z. ]{2000}';

/** A binding with the model `one`, destroyed at the end of the test. */
export async function build(t: Test, options: LlamaBindingOptions = {}): Promise<LlamaBinding> {
  const binding = new LlamaBinding({
    modelsDir: folder,
    ...options,
    bindingConfig: { threads: 1, temperature: 0, ...options.bindingConfig },
  });
  t.teardown(() => binding.destroyModel());
  return binding.buildModel('one');
}
