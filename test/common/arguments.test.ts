// Argument validation: the error messages, and the edge cases of every validator.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import {
  checkBoolean,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptions,
  checkPrompt,
  checkSignal,
  checkString,
  checkStrings,
  checkTokens,
  describe,
} from '../../lib/common/arguments.js';
import {
  availableCores,
  countCores,
  cpuQuota,
  numbersIn,
} from '../../lib/common/available-cores.js';
import { readContextOptions } from '../../lib/context/context-options.js';
import { checkInto, readEvalOptions, rowsOf } from '../../lib/context/eval.js';
import type { RopeTraining } from '../../lib/context/rope.js';
import { checkPath, readModelOptions } from '../../lib/model/model-options.js';

const wrongType = (message: string) => ({ name: 'TypeError', code: 'INVALID_ARGUMENT', message });
const wrongRange = (message: string) => ({ name: 'RangeError', code: 'OUT_OF_RANGE', message });

t.test('a message describes the value briefly', async (t) => {
  const shown = [
    ['a\n"b"', '"a\\n\\"b\\""'],
    ['x'.repeat(61), `"${'x'.repeat(60)}…"`],
    [undefined, 'undefined'],
    [null, 'null'],
    [1.5, '1.5'],
    [5n, '5n'],
    [true, 'true'],
    [() => 1, 'a function'],
    [[1, 2], 'an array of 2'],
    [Int32Array.of(1), 'Int32Array of 1'],
    [{ a: 1 }, 'an object'],
    [Object.create(null), 'an object'],
    [new Map(), 'an instance of Map'],
    [Symbol('s'), 'Symbol(s)'],
  ] as const;
  for (const [value, text] of shown) t.equal(describe(value), text);
});

t.test(
  'every validator returns a valid value and reports what is wrong with an invalid one',
  async (t) => {
    t.equal(checkString('a', 'x'), 'a');
    t.throws(() => checkString(1, 'x'), wrongType('Expected a string for x, got 1'));
    t.equal(checkBoolean(false, 'x'), false);
    t.throws(() => checkBoolean(0, 'x'), wrongType('Expected a boolean for x, got 0'));
    t.equal(checkNumber(-1.5, 'x'), -1.5);
    t.throws(() => checkNumber('1', 'x'), wrongType('Expected a number for x, got "1"'));
    t.throws(() => checkNumber(NaN, 'x'), wrongRange('Expected a finite number for x, got NaN'));
    t.throws(
      () => checkNumber(-1, 'x', 0),
      wrongRange('Expected a finite number of at least 0 for x, got -1'),
    );
    t.equal(checkInteger(3, 'x', 1, 3), 3);
    t.throws(
      () => checkInteger(4, 'x', 1, 3),
      wrongRange('Expected an integer between 1 and 3 for x, got 4'),
    );
    t.throws(
      () => checkInteger(2 ** 31, 'x', 1),
      wrongRange('Expected an integer of at least 1 for x, got 2147483648'),
    );
    t.throws(() => checkInteger(1n, 'x', 1), wrongType('Expected an integer for x, got 1n'));
    t.equal(checkOneOf('a', 'x', ['a', 'b']), 'a');
    t.throws(
      () => checkOneOf('c', 'x', ['a', 'b']),
      wrongType(`Expected one of 'a', 'b' for x, got "c"`),
    );
    t.same(checkStrings(['a'], 'x'), ['a']);
    t.throws(
      () => checkStrings('a', 'x'),
      wrongType('Expected an array of strings for x, got "a"'),
    );
    t.throws(() => checkStrings(['a', 1], 'x'), wrongType('Expected a string for x[1], got 1'));
  },
);

t.test('token ids have to be within the vocabulary', async (t) => {
  const tokens = Int32Array.of(0, 9);
  t.same(checkTokens(tokens, 'x', 10), tokens);
  t.not(checkTokens(tokens, 'x', 10), tokens, 'a copy, since the caller may change its own');
  t.equal(checkPrompt('text', 'x', 10), 'text');
  t.throws(
    () => checkTokens(tokens, 'x', 9),
    wrongRange('Expected a token id below 9 for x[1], got 9'),
  );
  t.throws(
    () => checkTokens(Int32Array.of(-1), 'x'),
    wrongRange('Expected a token id for x[0], got -1'),
  );
  t.throws(
    () => checkTokens([1], 'x'),
    wrongType('Expected an Int32Array for x, got an array of 1'),
  );
  t.throws(
    () => checkPrompt(new Uint32Array(1), 'x'),
    wrongType('Expected a string or an Int32Array for x, got Uint32Array of 1'),
  );
});

t.test('an options object has known keys only', async (t) => {
  t.same(checkOptions(undefined, 'options', []), {});
  t.same(checkOptions({ a: 1 }, 'options', ['a']), { a: 1 });
  t.throws(
    () => checkOptions({ b: 1 }, 'options', ['a' as 'b', 'c' as 'b']),
    wrongType('Expected only a, c for the keys of options, got "b"'),
  );
  t.throws(
    () => checkOptions(null as never, 'options', []),
    wrongType('Expected an object for options, got null'),
  );
  t.throws(
    () => checkOptions([] as never, 'options', []),
    wrongType('Expected an object for options, got an array of 0'),
  );
  t.throws(
    () => checkOptions('a' as never, 'options', []),
    wrongType('Expected an object for options, got "a"'),
  );
});

t.test('a signal is recognized by its interface', async (t) => {
  const { signal } = new AbortController();
  t.equal(checkSignal(signal, 'signal'), signal);
  t.equal(checkSignal(undefined, 'signal'), undefined);
  t.throws(
    () => checkSignal(null, 'signal'),
    wrongType('Expected an AbortSignal for signal, got null'),
  );
  t.throws(() => checkSignal({ aborted: false }, 'signal'), { name: 'TypeError' });
});

/** A model with this training context size. */
const trainedFor = (trainContextSize: number): RopeTraining => ({
  trainContextSize,
  ropeFrequencyBaseTrain: undefined,
  ropeFrequencyScaleTrain: undefined,
  ropeScalingTrain: undefined,
});

t.test('a context has defaults that fit the model and each other', async (t) => {
  const defaults = readContextOptions(undefined, trainedFor(32768));
  t.match(defaults, {
    contextSize: 4096,
    batchSize: 2048,
    microBatchSize: 0,
    maxSequences: 256,
    promptSlots: 0,
    threads: availableCores(),
    threadsBatch: availableCores(),
    flashAttention: 'off',
    kvCacheTypeK: 'f16',
    kvCacheTypeV: 'f16',
    offloadKqv: true,
    logitsBudget: 67108864,
    ropeFrequencyBase: 0,
    ropeFrequencyScale: 0,
  });
  t.equal(readContextOptions({}, trainedFor(64)).contextSize, 64);
  t.equal(readContextOptions({}, undefined).contextSize, 4096);
  t.match(readContextOptions({ contextSize: 32 }, trainedFor(64)), {
    batchSize: 32,
    microBatchSize: 0,
    maxSequences: 256,
  });
  t.match(readContextOptions({ batchSize: 2, microBatchSize: 2 }, trainedFor(64)), {
    microBatchSize: 2,
    maxSequences: 256,
  });
  t.match(readContextOptions({ maxSequences: 4, promptSlots: 1 }, trainedFor(64)), {
    promptSlots: 1,
  });
  t.equal(readContextOptions({ threads: 3 }, trainedFor(64)).threadsBatch, 3);
  t.equal(
    readContextOptions({ flashAttention: true, kvCacheTypeV: 'q8_0' }, trainedFor(64))
      .flashAttention,
    'on',
  );
  t.equal(readContextOptions({ flashAttention: 'auto' }, trainedFor(64)).flashAttention, 'auto');
});

t.test('invalid context options are rejected', async (t) => {
  const expectRejected = (options: object, name: string) =>
    t.throws(
      () => readContextOptions(options, trainedFor(4096)),
      { name },
      JSON.stringify(options),
    );
  expectRejected({ contextSize: 0 }, 'RangeError');
  expectRejected({ contextSize: '4096' }, 'TypeError');
  expectRejected({ batchSize: 1 }, 'RangeError');
  expectRejected({ microBatchSize: 1 }, 'RangeError');
  expectRejected({ batchSize: 64, microBatchSize: 65 }, 'RangeError');
  expectRejected({ maxSequences: 3 }, 'RangeError');
  expectRejected({ maxSequences: 257 }, 'RangeError');
  expectRejected({ maxSequences: 8, promptSlots: 6 }, 'RangeError');
  expectRejected({ promptSlots: 0 }, 'RangeError');
  expectRejected({ threads: 0 }, 'RangeError');
  expectRejected({ threads: 513 }, 'RangeError');
  expectRejected({ threadsBatch: 513 }, 'RangeError');
  expectRejected({ flashAttention: 'on' }, 'TypeError');
  expectRejected({ kvCacheTypeK: 'F16' }, 'TypeError');
  expectRejected({ kvCacheTypeV: 'q8_0' }, 'RangeError');
  expectRejected({ n_ctx: 512 }, 'TypeError');
});

t.test('model options have defaults and are validated', async (t) => {
  t.match(readModelOptions(undefined).native, {
    gpuLayers: -1,
    devices: [],
    splitMode: 'layer',
    mainGpu: 0,
    tensorSplit: new Float32Array(0),
    rpcServers: [],
    mmap: true,
    mlock: false,
    vocabOnly: false,
    checkTensors: false,
    overrideKeys: [],
    overrideValues: [],
  });
  const { native } = readModelOptions({
    gpuLayers: 3,
    tensorSplit: [1, 3],
    metadataOverrides: { a: 1n, b: 2, c: 'x', d: false },
  });
  t.match(native, {
    gpuLayers: 3,
    overrideKeys: ['a', 'b', 'c', 'd'],
    overrideValues: [1n, 2, 'x', false],
  });
  t.same(native.tensorSplit, Float32Array.of(1, 3));
  const expectRejected = (options: object, name: string) =>
    t.throws(() => readModelOptions(options), { name });
  expectRejected({ gpuLayers: -1 }, 'RangeError');
  expectRejected({ devices: 'cuda' }, 'TypeError');
  expectRejected({ splitMode: 'column' }, 'TypeError');
  expectRejected({ tensorSplit: [1, -1] }, 'RangeError');
  expectRejected({ metadataOverrides: { a: null } }, 'TypeError');
  expectRejected({ metadataOverrides: { a: 2n ** 63n } }, 'RangeError');
  expectRejected({ metadataOverrides: [] }, 'TypeError');
  expectRejected({ onProgress: true }, 'TypeError');
  expectRejected({ useMmap: true }, 'TypeError');
  t.equal(checkPath('a.gguf', 'path'), 'a.gguf');
  const url = pathToFileURL(resolve('models', 'é b.gguf'));
  t.equal(checkPath(url, 'path'), resolve('models', 'é b.gguf'));
  for (const bad of [undefined, '', 'a\0b', new URL('http://host/a'), new URL('file:///a%00')]) {
    t.throws(() => checkPath(bad, 'path'), { name: 'TypeError' });
  }
});

t.test('eval requires ascending positions in the prompt and a large enough array', async (t) => {
  t.same([...rowsOf('last', 3)], [2]);
  t.same([...rowsOf('all', 3)], [0, 1, 2]);
  t.same([...rowsOf([0, 2], 3)], [0, 2]);
  for (const bad of [[3], [1, 1], [2, 0]]) t.throws(() => rowsOf(bad, 3), { name: 'RangeError' });
  t.throws(() => readEvalOptions({ logits: [] }, 9), { name: 'RangeError' });
  t.throws(() => readEvalOptions({ logits: [-1] }, 9), { name: 'RangeError' });
  t.throws(() => readEvalOptions({ logits: 'first' as never }, 9), { name: 'TypeError' });
  t.throws(() => readEvalOptions({ into: [] as never }, 9), { name: 'TypeError' });
  const continuation = Int32Array.of(9);
  t.throws(() => readEvalOptions({ continuation }, 9), { name: 'RangeError' });
  t.same(readEvalOptions({ continuation }, 10).continuation, continuation);
  t.doesNotThrow(() => checkInto(new Float32Array(4), 4));
  t.throws(() => checkInto(new Float32Array(3), 4), { name: 'RangeError' });
});

t.test('a core counts once, however many threads it has', async (t) => {
  const cpu = (socket: number, core: number) =>
    `processor: 0\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`;
  t.equal(countCores([cpu(0, 0), cpu(0, 1), cpu(0, 0), cpu(1, 0)].join('\n')), 3);
  t.equal(countCores('processor: 0\nFeatures: fp\n'), 0, 'ARM reports no core ids');
  t.ok(availableCores() >= 1);
});

t.test('only the processors that the process may use count', async (t) => {
  const cpu = (id: number, core: number) => `processor\t: ${id}\ncore id\t\t: ${core}\n`;
  const text = [cpu(0, 0), cpu(1, 1), cpu(2, 0), cpu(3, 1)].join('\n');
  t.equal(countCores(text, new Set([0, 2])), 1);
  t.equal(countCores(text, new Set([2, 3])), 2);
  t.same([...numbersIn('0-2,8,10-11')], [0, 1, 2, 8, 10, 11]);
  t.same([...numbersIn('')], [0], 'as Number reads an empty text');
});

t.test('the smallest quota of the control groups applies', async (t) => {
  const quota = (files: Record<string, string>) => cpuQuota((path) => files[path]);
  const root = '/sys/fs/cgroup';
  t.equal(quota({}), Infinity);
  const second = { '/proc/self/cgroup': '0::/a/b\n' };
  t.equal(quota(second), Infinity);
  t.equal(quota({ ...second, [`${root}/a/b/cpu.max`]: 'max 100000\n' }), Infinity);
  t.equal(quota({ ...second, [`${root}/a/b/cpu.max`]: '150000 100000\n' }), 1.5);
  const outer = { [`${root}/a/b/cpu.max`]: '400000 100000\n', [`${root}/a/cpu.max`]: '5000 10000' };
  t.equal(quota({ ...second, ...outer }), 0.5, 'of a group around it');
  t.equal(quota({ ...second, [`${root}/cpu.max`]: '20000 10000' }), 2, 'as seen in a container');
  const first = { '/proc/self/cgroup': '4:memory:/x\n2:cpu,cpuacct:/x\n0::/\n' };
  const folder = `${root}/cpu,cpuacct/x`;
  const limits = (time: string) => ({
    [`${folder}/cpu.cfs_quota_us`]: time,
    [`${folder}/cpu.cfs_period_us`]: '100000\n',
  });
  t.equal(quota({ ...first, ...limits('-1\n') }), Infinity);
  t.equal(quota({ ...first, ...limits('300000\n') }), 3);
});
