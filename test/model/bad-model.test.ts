// Files that are not models: each is rejected with a specific error, and none aborts the process.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { defaultModelPath, LLaMa, Model, quantize } from 'autocog-lm';
import t from 'tap';
import { failures, wrongKind } from '../support/failures.js';
import { exact } from '../support/forms.js';
import { manyPaths } from '../support/many.js';

const folder = t.testdir();

t.test('a path that is not a model is rejected, with the reason', async (t) => {
  const whole = readFileSync(defaultModelPath);
  const noise = Buffer.concat(manyPaths(64, 64, 2 ** 31).map((path) => Buffer.from(path.buffer)));
  const header = Buffer.from('GGUF\x03\0\0\0');
  const file = (name: string, bytes: Buffer): string => {
    const path = joinPath(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  mkdirSync(joinPath(folder, 'folder.gguf'));
  const cases: [string, RegExp, RegExp | undefined][] = [
    [joinPath(folder, 'missing.gguf'), /no such file/, /No such file or directory/],
    [joinPath(folder, 'folder.gguf'), /it is a folder/, undefined],
    [file('empty.gguf', Buffer.alloc(0)), /the file is empty/, undefined],
    [file('random.gguf', noise), /it is not a GGUF file/, undefined],
    [file('text.gguf', Buffer.from('hello')), /it is not a GGUF file/, undefined],
    [file('short.gguf', Buffer.from('GG')), /it is not a GGUF file/, undefined],
    [file('header.gguf', header), /llama\.cpp refuses it/, /gguf/],
    [file('noise.gguf', Buffer.concat([header, noise])), /llama\.cpp refuses it/, /gguf/],
  ];
  for (const part of [8, 100, 5000, 20_000, 0.1, 0.5, 0.9, 1 - 1 / whole.length]) {
    const length = part < 1 ? Math.round(part * whole.length) : part;
    const path = file(`first-${length}.gguf`, whole.subarray(0, length));
    cases.push([path, /llama\.cpp refuses it/, /gguf|tensor .* not within the file bounds/]);
  }
  for (const [path, why, cause] of cases) {
    for (const error of await failures([Model.load(path), LLaMa.load(path, exact)])) {
      t.match(error, { name: 'ModelLoadError', code: 'MODEL_LOAD', message: why }, path);
      t.ok(error.message.startsWith(`Cannot load ${path}: `), 'the message names the file');
      if (cause === undefined) t.notOk('cause' in error && error.cause);
      else t.match((error.cause as Error).message, cause, 'the cause is the message of llama.cpp');
    }
  }
  const target = joinPath(folder, 'target.gguf');
  await t.rejects(quantize(joinPath(folder, 'missing.gguf'), target, 'Q8_0'), {
    name: 'ModelLoadError',
  });
  await t.rejects(quantize(joinPath(folder, 'first-100.gguf'), target, 'Q8_0'), {
    name: 'ModelLoadError',
  });
  await t.rejects(quantize(defaultModelPath, target, 'Q9'), { name: 'RangeError' });
  await t.rejects(Model.load(''), wrongKind('a file path', 'path', '""'));
  await t.rejects(Model.load('a\0b'), { name: 'TypeError' });
});

t.test('a failed assertion of llama.cpp on load is an error, not an abort', async (t) => {
  for (const [key, value] of [
    ['llama.block_count', 0n],
    ['llama.block_count', -1n],
    ['llama.block_count', 600n],
    ['llama.expert_count', 4n],
    ['llama.rope.scaling.type', 'x'],
  ] as const) {
    const load = Model.load(defaultModelPath, { metadataOverrides: { [key]: value } });
    const [error] = await failures([load]);
    t.match(error, { name: 'ModelLoadError', code: 'MODEL_LOAD' }, `${key} = ${value}`);
    t.match(error?.cause, { message: /GGML_ASSERT/ }, 'the cause names the assertion');
  }
});

t.test('a context larger than the memory is rejected before it is allocated', async (t) => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  const lm = new LLaMa(model, { ...exact, contextSize: 2 ** 31 - 1 });
  await t.rejects(lm.ready, { name: 'LMError', code: 'OUT_OF_MEMORY' });
});
