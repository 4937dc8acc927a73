// LoRA adapters: what they compute is what a model computes whose weights the test changed, and
// without them everything is as before.

import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LLaMa, Model, quantize } from 'autocog-lm';
import t, { type Test } from 'tap';
import { runChild } from '../support/child.js';
import { exact } from '../support/forms.js';
import {
  formsOf,
  type Gguf,
  ggufBytes,
  i32,
  keyString,
  keyUint32s,
  noise,
  readGguf,
  tensorOf,
  writeGguf,
} from '../support/gguf.js';
import { adapterKeys, adapterTensors, makePairs, rank, writeAdapter, writeMerged } from './lora.js';

const prompt = 'The capital of France is';
const choices = [' Paris', ' London', ' a city', ' Berlin'];
const folder = t.testdir();
const { path, plain } = await formsOf(t, 'F32');
const base = readGguf(plain);
const pairs = makePairs(base, 1);
const others = makePairs(base, 1000);
const file = join(folder, 'adapter.gguf');
const otherFile = join(folder, 'adapter ❤ 2.gguf');
writeAdapter(file, pairs);
writeAdapter(otherFile, others);

/** How far two lists of numbers are from each other, at most. */
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (value, index) => Math.abs(value - (b[index] as number))).reduce((x, y) =>
    Math.max(x, y),
  );

async function open(t: Test, source = path): Promise<LLaMa> {
  const lm = await LLaMa.load(source, { ...exact, contextSize: 128 });
  t.teardown(() => lm.close());
  return lm;
}

async function logprobsOf(lm: LLaMa, prior?: string): Promise<number[]> {
  const choice = await lm.choose(prompt, choices, prior === undefined ? {} : { prior });
  const scored = [...choice.choices].sort((a, b) => a.index - b.index);
  return scored.flatMap(({ logprob, probability, priorLogprob = 0 }) => {
    return [logprob, probability, priorLogprob];
  });
}

let merges = 0;

async function checkMerged(
  t: Test,
  form: { path: string; base: Gguf },
  scales: readonly [number, number],
  bound: number,
): Promise<void> {
  const merged = join(folder, `merged-${merges++}.gguf`);
  writeMerged(merged, form.base, [
    [pairs, scales[0]],
    [others, scales[1]],
  ]);
  const lm = await open(t, form.path);
  const before = await lm.greedy(prompt);
  const wanted = await open(t, merged);
  const first = await lm.model.loadAdapter(file);
  const second = await lm.model.loadAdapter(otherFile);
  const uses = [
    { adapter: first, scale: scales[0] },
    { adapter: second, scale: scales[1] },
  ];
  await lm.setAdapters(uses.filter(({ scale }) => scale !== 0));
  const greedy = await lm.greedy(prompt);
  const wantedGreedy = await wanted.greedy(prompt);
  const off = distance(greedy, wantedGreedy);
  t.ok(off <= bound, `greedy is within ${bound} of the merged weights: ${off}`);
  const moved = distance(greedy, before);
  t.ok(moved > 10 * bound, `and has moved by ${moved}`);
  const chosen = distance(await logprobsOf(lm), await logprobsOf(wanted));
  t.ok(chosen <= bound, `choose, too: ${chosen}`);
}

t.test('adapters compute what their sum with the weights computes', async (t) => {
  for (const scales of [
    [1, 0],
    [0.5, 0],
    [-1, 0],
    [0.7, 0.4],
  ] as const) {
    await t.test(`with the scales ${scales}`, (t) => checkMerged(t, { path, base }, scales, 2e-4));
  }
});

t.test('adapters on Q8_0 weights agree as far as their kernels round', async (t) => {
  const form = await formsOf(t, 'Q8_0');
  await checkMerged(t, { path: form.path, base: readGguf(form.plain) }, [1, 0], 0.6);
});

t.test('scale 0, and no adapters, are the model itself', async (t) => {
  const lm = await open(t);
  const before = await lm.greedy(prompt);
  const chosen = await logprobsOf(lm);
  const adapter = await lm.model.loadAdapter(file);
  await lm.setAdapters([{ adapter, scale: 0 }]);
  t.strictSame(await lm.greedy(prompt), before, 'scale 0');
  await lm.setAdapters([{ adapter }]);
  t.strictSame(lm.adapters, [{ adapter, scale: 1 }], 'the scale is 1 unless given');
  const with1 = await lm.greedy(prompt);
  t.notSame(with1, before);
  await lm.setAdapters([]);
  t.strictSame(lm.adapters, []);
  t.strictSame(await lm.greedy(prompt), before, 'none');
  t.strictSame(await logprobsOf(lm), chosen);
  await lm.setAdapters([{ adapter }]);
  t.strictSame(await lm.greedy(prompt), with1, 'and again');
});

t.test('nothing that was kept before is used afterwards', async (t) => {
  const lm = await open(t);
  const variant = lm.with({});
  const adapter = await lm.model.loadAdapter(file);
  await lm.ingest(prompt);
  t.equal((await lm.eval(prompt)).usage.cachedTokens, (await lm.eval(prompt)).usage.promptTokens);
  const unadapted = await logprobsOf(lm, 'A city is');
  await logprobsOf(variant, 'A city is');
  await lm.setAdapters([{ adapter }]);
  t.equal((await lm.eval(prompt)).usage.cachedTokens, 0, 'no cached prompt');
  const fresh = await open(t);
  await fresh.setAdapters([{ adapter: await fresh.model.loadAdapter(file) }]);
  const wanted = await logprobsOf(fresh, 'A city is');
  t.notSame(wanted, unadapted);
  t.ok(distance(await logprobsOf(lm, 'A city is'), wanted) < 1e-4, 'no prior');
  t.ok(distance(await logprobsOf(variant, 'A city is'), wanted) < 1e-4, 'nor one of a variant');
  t.strictSame(variant.adapters, lm.adapters);
});

t.test('an adapter says what its file says', async (t) => {
  const lm = await open(t);
  const adapter = await lm.model.loadAdapter(otherFile);
  t.match(adapter, { path: otherFile, model: lm.model, closed: false });
  t.match(adapter.metadata, {
    'general.type': 'adapter',
    'general.name': 'noise, größer',
    'adapter.type': 'lora',
  });
  t.equal(Number(adapter.metadata['adapter.lora.alpha']), 6);
});

t.test('a closed adapter goes on where it is used, and nowhere else', async (t) => {
  const model = await Model.load(path);
  const lm = new LLaMa(model, { ...exact, contextSize: 128 });
  const adapter = await model.loadAdapter(file);
  await lm.setAdapters([{ adapter }]);
  const before = await lm.greedy(prompt);
  await adapter.close();
  await adapter.close();
  t.ok(adapter.closed);
  await lm.clear();
  t.strictSame(await lm.greedy(prompt), before);
  await t.rejects(lm.setAdapters([{ adapter }]), { name: 'ClosedError', code: 'CLOSED' });
  t.strictSame(await lm.greedy(prompt), before, 'a refused call changes nothing');
  const other = await model.loadAdapter(otherFile);
  await model.close();
  t.notOk(other.closed, 'a model that is in use keeps its adapters');
  await lm.setAdapters([{ adapter: other }]);
  await lm.close();
  t.ok(other.closed, 'which end with it');
  await t.rejects(model.loadAdapter(file), { name: 'ClosedError' });
  await t.rejects(lm.setAdapters([]), { name: 'ClosedError' });
});

t.test('what is no adapter of this model is refused, with the reason', async (t) => {
  const lm = await open(t);
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
    [path, /it is not an adapter; its general.type is 'model'/],
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
  const vocabulary = await Model.load(path, { vocabOnly: true });
  t.teardown(() => vocabulary.close());
  await t.rejects(vocabulary.loadAdapter(file), { message: /vocabOnly/ });
  t.equal((await lm.candidates(prompt, 1)).length, 1, 'and the process lives');
});

t.test('an adapter that llama.cpp asserts about when it computes is refused', async (t) => {
  const lm = await open(t);
  // The default model's output shares its embeddings, which a LoRA transposes.
  const { vocab, info } = lm.model;
  const size = info.embeddingSize;
  const path = join(folder, 'embeddings.gguf');
  writeGguf(path, adapterKeys(), [
    tensorOf('token_embd.weight.lora_a', [rank, vocab.size], noise(rank * vocab.size, 0.1, 1)),
    tensorOf('token_embd.weight.lora_b', [rank, size], noise(rank * size, 0.1, 2)),
  ]);
  const good = await lm.model.loadAdapter(file);
  await lm.setAdapters([{ adapter: good }]);
  const before = await lm.greedy(prompt);
  const bad = await lm.model.loadAdapter(path);
  await t.rejects(lm.setAdapters([{ adapter: good }, { adapter: bad }]), {
    name: 'NotSupportedError',
  });
  t.strictSame(lm.adapters, [{ adapter: good, scale: 1 }], 'those in use stay');
  t.strictSame(await lm.greedy(prompt), before);
});

t.test('tensors that llama.cpp leaves out bring a warning', async (t) => {
  const lm = await open(t);
  const path = join(folder, 'norm.gguf');
  const norm = tensorOf('blk.0.attn_norm.weight', [128], noise(128, 1, 3));
  writeGguf(path, adapterKeys(), [...adapterTensors(pairs), norm]);
  const warned = new Promise((resolve) => process.once('warning', resolve));
  await lm.model.loadAdapter(path);
  t.match(await warned, {
    name: 'AutocogWarning',
    code: 'AUTOCOG_ADAPTER_PARTIAL',
    message: /leaves out 1 tensors/,
    detail: 'blk.0.attn_norm.weight',
  });
});

t.test('a wrong call is a mistake of the caller, and changes nothing', async (t) => {
  const lm = await open(t);
  const stranger = await open(t);
  const adapter = await lm.model.loadAdapter(file);
  const foreign = await stranger.model.loadAdapter(file);
  await lm.setAdapters([{ adapter }]);
  const before = await lm.greedy(prompt);
  const type = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  const range = { name: 'RangeError', code: 'OUT_OF_RANGE' };
  const call = (uses: unknown): Promise<void> => lm.setAdapters(uses as never);
  await t.rejects(call(undefined), type);
  await t.rejects(call({ adapter }), type);
  await t.rejects(call([adapter]), type);
  await t.rejects(call([undefined]), type);
  await t.rejects(call([{ adapter, weight: 1 }]), type);
  await t.rejects(call([{ adapter, scale: '1' }]), type);
  await t.rejects(call([{ adapter, scale: Number.NaN }]), range);
  await t.rejects(call([{ adapter, scale: 1e39 }]), range);
  await t.rejects(call([{ adapter }, { adapter, scale: 2 }]), range);
  await t.rejects(call([{ adapter: foreign }]), range);
  await t.rejects(lm.model.loadAdapter(''), type);
  await t.rejects(lm.model.loadAdapter('a\0b'), type);
  const target = join(folder, 'quantised.gguf');
  await t.rejects(quantize(file, target, 'Q8_0'), { name: 'LMError' }, 'it is no model');
  const signal = AbortSignal.abort(new Error('enough'));
  await t.rejects(lm.setAdapters([], { signal }), { message: 'enough' });
  await t.rejects(lm.model.loadAdapter(file, { signal }), { message: 'enough' });
  const aborting = new AbortController();
  const loading = lm.model.loadAdapter(file, { signal: aborting.signal });
  aborting.abort(new Error('too late'));
  await t.rejects(loading, { message: 'too late' });
  t.strictSame(await lm.greedy(prompt), before);
});

t.test('calls at once are one after the other', async (t) => {
  const lm = await open(t);
  const before = await lm.greedy(prompt);
  const adapters = await Promise.all(
    [file, otherFile, file].map((path) => lm.model.loadAdapter(path)),
  );
  const calls = adapters.map((adapter) => lm.setAdapters([{ adapter }]));
  await Promise.all([...calls, lm.greedy(prompt), lm.setAdapters([])]);
  t.strictSame(lm.adapters, []);
  t.strictSame(await lm.greedy(prompt), before);
});

t.test('however a process ends, it ends well', async (t) => {
  process.env.ADAPTER = resolve(file);
  const run = (scenario: string) => runChild('adapters', scenario);
  t.match(await run('exit'), { code: 7, signal: null, stderr: '' });
  t.match(await run('terminate'), { code: 0, told: ['done'], stderr: '' });
  t.match(await run('close'), { code: 0, told: ['ClosedError', true], stderr: '' });
  const { code, told } = await run('memory');
  t.equal(code, 0);
  // One adapter is 90 kB: 300 that leaked would be 26 MiB.
  t.ok((told[0] as number) < 12, `${told[0]} MiB more`);
});

t.test('bytes that a file should not have never end the process', async (t) => {
  const lm = await open(t);
  const whole = readFileSync(file);
  const random = noise(2000, 1, 99).values();
  const below = (limit: number): number => {
    return Math.min(limit - 1, Math.floor(((random.next().value as number) / 2 + 0.5) * limit));
  };
  const codes = new Set<string>();
  const broken = join(folder, 'broken.gguf');
  for (let count = 0; count < 300; count++) {
    const bytes = Buffer.from(whole);
    for (let left = below(3); left >= 0; left--) bytes[below(3200)] = below(256);
    writeFileSync(broken, bytes);
    const outcome = await lm.model.loadAdapter(broken).then(
      async (adapter) => {
        await lm.setAdapters([{ adapter }]);
        await lm.greedy(prompt);
        return 'OK';
      },
      (error) => error.code as string,
    );
    codes.add(outcome);
    await lm.setAdapters([]);
  }
  t.strictSame([...codes].sort(), ['MODEL_LOAD', 'OK']);
});
