// LoRA adapter files: what is read from them, and which are rejected.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Model } from 'autocog-lm';
import t from 'tap';
import {
  ggufBytes,
  i32,
  keyString,
  keyUint32s,
  noise,
  tensorOf,
  writeGguf,
} from '../support/gguf.js';
import { adapterFiles, adapterKeys, adapterTensors, open, prompt, rank } from './lora.js';

const { folder, modelPath, pairs, file, otherFile } = await adapterFiles(t);

t.test('an adapter has the metadata of its file', async (t) => {
  const lm = await open(t, modelPath);
  const adapter = await lm.model.loadAdapter(otherFile);
  t.match(adapter, { path: otherFile, model: lm.model, closed: false });
  t.match(adapter.metadata, {
    'general.type': 'adapter',
    'general.name': 'noise, größer',
    'adapter.type': 'lora',
  });
  t.equal(Number(adapter.metadata['adapter.lora.alpha']), 6);
});

t.test('files that are not adapters are rejected, with the reason', async (t) => {
  const lm = await open(t, modelPath);
  const whole = readFileSync(file);
  const keys = adapterKeys();
  const tensors = adapterTensors(pairs);
  const [a, b, ...rest] = tensors as [(typeof tensors)[0], (typeof tensors)[0]];
  const write = (name: string, bytes: Buffer): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const cases: [string, RegExp][] = [
    [join(folder, 'missing.gguf'), /no such file/],
    [folder, /it is a folder/],
    [write('empty.gguf', Buffer.alloc(0)), /the file is empty/],
    [write('text.gguf', Buffer.from('hello')), /it is not a GGUF file/],
    [modelPath, /it is not an adapter; its general.type is 'model'/],
    [
      write('control.gguf', ggufBytes([keyString('general.type', 'adapter')], tensors)),
      /it is an adapter of type '', not a LoRA/,
    ],
    [write('gemma.gguf', ggufBytes(adapterKeys('gemma'), tensors)), /for the architecture 'gemma'/],
    [write('bare.gguf', ggufBytes(keys, [])), /it has no LoRA tensors/],
    [write('half.gguf', ggufBytes(keys, [a])), /llama\.cpp refuses it/],
    [
      write(
        'stranger.gguf',
        ggufBytes(keys, [
          { ...a, name: 'x.lora_a' },
          { ...b, name: 'x.lora_b' },
        ]),
      ),
      /llama\.cpp refuses it/,
    ],
    [
      write('suffix.gguf', ggufBytes(keys, [...tensors, { ...a, name: 'x.bias' }])),
      /llama\.cpp refuses it/,
    ],
    [
      write('narrow.gguf', ggufBytes(keys, [{ ...a, shape: [64, 2 * rank] }, b])),
      /llama\.cpp refuses it/,
    ],
    [
      write('deep.gguf', ggufBytes(keys, [{ ...a, shape: [128, 1, rank] }, b, ...rest])),
      /has the shape 128 × 1 × 4 × 1/,
    ],
    [
      write('rank0.gguf', ggufBytes(keys, [{ ...a, shape: [128, 0], data: Buffer.alloc(0) }, b])),
      /./,
    ],
    [write('integers.gguf', ggufBytes(keys, [{ ...a, type: i32 }, b])), /has the type i32/],
    [
      write(
        'alpha.gguf',
        ggufBytes([...keys.slice(0, 4), keyString('adapter.lora.alpha', 'much')], tensors),
      ),
      /llama\.cpp refuses it/,
    ],
  ];
  for (const part of [30, 200, 0.1, 0.5, 0.9, 1 - 40 / whole.length]) {
    const length = part < 1 ? Math.round(part * whole.length) : part;
    cases.push([write(`first-${length}.gguf`, whole.subarray(0, length)), /broken|the file ends/]);
  }
  for (const [path, message] of cases) {
    await t.rejects(
      lm.model.loadAdapter(path),
      { name: 'ModelLoadError', code: 'MODEL_LOAD', message },
      path,
    );
  }
  const activated = write(
    'alora.gguf',
    ggufBytes([...keys, keyUint32s('adapter.alora.invocation_tokens', [1, 2])], tensors),
  );
  await t.rejects(lm.model.loadAdapter(activated), { code: 'NOT_SUPPORTED' });
  const vocabulary = await Model.load(modelPath, { vocabOnly: true });
  t.teardown(() => vocabulary.close());
  await t.rejects(vocabulary.loadAdapter(file), { message: /vocabOnly/ });
  t.equal((await lm.candidates(prompt, 1)).length, 1, 'and the process survives');
});

t.test('tensors that llama.cpp ignores cause a warning', async (t) => {
  const lm = await open(t, modelPath);
  const path = join(folder, 'norm.gguf');
  const norm = tensorOf('blk.0.attn_norm.weight', [128], noise(128, 1, 3));
  writeGguf(path, adapterKeys(), [...adapterTensors(pairs), norm]);
  const warning = new Promise((resolve) => process.once('warning', resolve));
  await lm.model.loadAdapter(path);
  t.match(await warning, {
    name: 'AutocogWarning',
    code: 'AUTOCOG_ADAPTER_PARTIAL',
    message: /ignores 1 tensors/,
    detail: 'blk.0.attn_norm.weight',
  });
});

t.test('corrupted bytes never abort the process', async (t) => {
  const lm = await open(t, modelPath);
  const whole = readFileSync(file);
  const random = noise(2000, 1, 99).values();
  const below = (limit: number): number => {
    return Math.min(limit - 1, Math.floor(((random.next().value as number) / 2 + 0.5) * limit));
  };
  const outcomes = new Set<string>();
  const corrupted = join(folder, 'corrupted.gguf');
  for (let count = 0; count < 300; count++) {
    const bytes = Buffer.from(whole);
    for (let remaining = below(3); remaining >= 0; remaining--) bytes[below(3200)] = below(256);
    writeFileSync(corrupted, bytes);
    const outcome = await lm.model.loadAdapter(corrupted).then(
      async (adapter) => {
        await lm.setAdapters([{ adapter }]);
        await lm.greedy(prompt);
        return 'OK';
      },
      (error) => error.code as string,
    );
    outcomes.add(outcome);
    await lm.setAdapters([]);
  }
  t.strictSame([...outcomes].sort(), ['MODEL_LOAD', 'OK']);
});
