// The options of BaseLLM: their checks, their setters, creative mode; and which go together.

import { type BaseLLMOptions, LocalLLM } from 'autocog-lm/base-llm';
import t from 'tap';
import { ToyLM } from '../suite/toy-lm.js';
import { failures } from '../support/failures.js';
import { ScriptedLM } from '../support/scripted-lm.mjs';
import { Shouting } from './llms.js';

/** Values that each option accepts, values out of range, and values of a wrong type. */
const values: Record<keyof BaseLLMOptions, [unknown[], unknown[], unknown[]]> = {
  modelName: [
    ['a', 'ä/b.gguf'],
    ['', 'a\0'],
    [3, null],
  ],
  maxTokens: [
    [1, Infinity, 2 ** 31 - 1],
    [0, -1, 1.5, NaN, 2 ** 31],
    ['1', null],
  ],
  maxLength: [
    [1, 4096],
    [0, -1, 1.5, Infinity],
    ['1', null],
  ],
  temperature: [
    [0, 0.5, 100, Infinity],
    [-0.1, NaN],
    ['1', null],
  ],
  topK: [
    [0, 1, 50],
    [-1, 0.5, Infinity],
    ['1', null],
  ],
  topP: [
    [0, 0.9, 1],
    [-0.1, 1.1, NaN],
    ['1', null],
  ],
  doSample: [[true, false], [], [1, 'true', null]],
  seed: [
    [0, 2 ** 32 - 1],
    [-1, 2 ** 32, 0.5],
    ['1', null, 1n],
  ],
  frequencyPenalty: [
    [-1000, 0, 1000],
    [1001, NaN],
    ['1', null],
  ],
  presencePenalty: [
    [-1000, 0, 1000],
    [-1001, Infinity],
    ['1', null],
  ],
  repetitionPenalty: [
    [0.001, 1, 1000],
    [0, 1001],
    ['1', null],
  ],
  repitionPenalty: [
    [0.001, 1, 1000],
    [0, 1001],
    ['1', null],
  ],
  numBeams: [
    [1, 64],
    [0, 65, 1.5],
    ['1', null],
  ],
  beamWidth: [
    [1, 64],
    [0, 65, 1.5],
    ['1', null],
  ],
  numReturnSequences: [
    [1, 1024],
    [0, 1025, 0.5],
    ['1', null],
  ],
  lengthPenalty: [
    [-1, 0, 2.5],
    [NaN, Infinity],
    ['1', null],
  ],
  earlyStopping: [[true, false, 'never'], [], ['always', 1, null]],
  stopToken: [
    ['.', '\n\n', 0, 5],
    ['', -1, 0.5],
    [null, ['.']],
  ],
  systemPrompt: [['', 'Hello'], [], [3, null]],
  role: [['assistant', 'Ödön'], [''], [3, null]],
  padTokenId: [
    [0, 7],
    [-1, 0.5],
    ['1', null],
  ],
  eosTokenId: [
    [0, 7],
    [-1, 0.5],
    ['1', null],
  ],
  bosTokenId: [
    [0, 7],
    [-1, 0.5],
    ['1', null],
  ],
  device: [['cpu', 'cuda:0'], [''], [0, null]],
};

for (const [name, [valid, outOfRange, wrongType]] of Object.entries(values)) {
  t.test(`${name} is checked by the constructor and by set`, async (t) => {
    const make = (value: unknown) => new Shouting({ [name]: value });
    for (const value of [...valid, undefined]) {
      const llm = make(value);
      t.same(llm[name as keyof Shouting], value);
      llm.set({ [name]: undefined });
      t.equal(llm[name as keyof Shouting], undefined);
      llm.set({ [name]: value });
      t.same(llm[name as keyof Shouting], value);
    }
    const llm = make(valid[0]);
    for (const [kind, list] of [
      [{ name: 'RangeError', code: 'OUT_OF_RANGE' }, outOfRange],
      [{ name: 'TypeError', code: 'INVALID_ARGUMENT' }, wrongType],
    ] as const) {
      for (const value of list) {
        t.throws(() => make(value), { ...kind, message: new RegExp(`^Expected .* for ${name}, `) });
        t.throws(() => llm.set({ maxTokens: 77, [name]: value }), kind);
        const setter = llm[`set${name.charAt(0).toUpperCase()}${name.slice(1)}` as 'setTopK'];
        if (setter !== undefined) t.throws(() => setter.call(llm, value as never), kind);
      }
    }
    t.same(llm[name as keyof Shouting], valid[0]);
    if (name !== 'maxTokens') t.equal(llm.maxTokens, undefined, 'nothing is changed by half');
  });
}

t.test('unknown options and options that are no object are rejected', async (t) => {
  const wrong = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  for (const options of [null, 3, 'x', [], { temprature: 1 }, { max_tokens: 3 }] as never[]) {
    t.throws(() => new Shouting(options), wrong);
    t.throws(() => new Shouting().set(options), wrong);
    t.throws(() => new LocalLLM(new ToyLM(), options), wrong);
  }
});

t.test('two names of an option are one', async (t) => {
  const llm = new Shouting({ beamWidth: 3, repitionPenalty: 1.5 });
  t.match(llm, { numBeams: 3, beamWidth: 3, repetitionPenalty: 1.5, repitionPenalty: 1.5 });
  t.equal(new Shouting({ beamWidth: 3, numBeams: 3 }).numBeams, 3);
  t.equal(new Shouting({ numBeams: 3, beamWidth: undefined }).numBeams, 3);
  t.throws(() => new Shouting({ beamWidth: 3, numBeams: 4 }), { name: 'RangeError' });
  t.same(llm.settings, { numBeams: 3, repetitionPenalty: 1.5 });
  t.ok(Object.isFrozen(llm.settings));
});

t.test('creative mode replaces the sampling options, and restores them', async (t) => {
  const llm = new Shouting({ temperature: 0.3, topK: 7, maxTokens: 9 });
  const before = llm.settings;
  llm.toggleCreativeMode(false);
  t.same(llm.settings, before);
  llm.toggleCreativeMode(true);
  llm.toggleCreativeMode(true);
  t.match(llm, { creativeMode: true, temperature: 1.2, topP: 0.95, doSample: true });
  t.match(llm, { topK: undefined, maxTokens: 9 });
  llm.setTemperature(1.5);
  llm.setMaxTokens(10);
  t.equal(llm.temperature, 1.5, 'setters take effect meanwhile');
  llm.toggleCreativeMode(false);
  t.same(llm.settings, { ...before, maxTokens: 10 });
  t.notOk(llm.creativeMode);
});

t.test('options without an effect together are refused, at once or at the next call', async (t) => {
  class SampledLM extends ToyLM {
    override checkCompletion(): void {}
  }
  const refused = { name: 'NotSupportedError', code: 'NOT_SUPPORTED' };
  const combinations: [BaseLLMOptions, RegExp][] = [
    [{ padTokenId: 0 }, /^padTokenId has no effect/],
    [{ lengthPenalty: 2 }, /^lengthPenalty has no effect without numBeams/],
    [{ earlyStopping: false, numBeams: 1 }, /^earlyStopping has no effect without numBeams/],
    [{ numReturnSequences: 2 }, /needs sampling or numBeams/],
    [{ numReturnSequences: 2, doSample: false, temperature: 1 }, /needs sampling or numBeams/],
    [{ numBeams: 2, doSample: true }, /does not sample: set doSample to false/],
    [{ numBeams: 2, temperature: 0.5 }, /does not sample/],
    [{ numBeams: 2, seed: 1 }, /does not sample/],
    [{ numBeams: 2, topK: 1 }, /does not sample/],
    [{ numBeams: 2, frequencyPenalty: 1 }, /does not support the frequencyPenalty/],
    [{ numBeams: 2, repitionPenalty: 2 }, /does not support the repeatPenalty/],
    [{ numBeams: 2, stopToken: 5 }, /does not support the id of a stopToken/],
  ];
  for (const [options, message] of combinations) {
    t.throws(() => new LocalLLM(new SampledLM(), options), { ...refused, message });
    const llm = new LocalLLM(new SampledLM());
    llm.set(options);
    const calls = [llm.run('a'), llm.batchRun(['a']), llm.chat('a'), llm.sequences('a')];
    for (const error of await failures([...calls, llm.generateSummary('a')])) {
      t.match(error, { ...refused, message });
    }
  }
  const tooMany = { numBeams: 2, numReturnSequences: 3 };
  t.throws(() => new LocalLLM(new ToyLM(), tooMany), { name: 'RangeError' });
  const frozen = { doSample: true, temperature: 0 };
  t.throws(() => new LocalLLM(new SampledLM(), frozen), { name: 'RangeError' });
  t.doesNotThrow(() => new LocalLLM(new ToyLM(), { numBeams: 2, doSample: false, temperature: 1 }));
});

t.test('what an LM does not support is refused by the constructor', async (t) => {
  const refused = { name: 'NotSupportedError', code: 'NOT_SUPPORTED' };
  for (const options of [
    { temperature: 0.7 },
    { topK: 5 },
    { frequencyPenalty: 1 },
    { modelName: 'other' },
    { device: 'cuda' },
    { device: 'cpu' },
  ]) {
    t.throws(() => new LocalLLM(new ToyLM(), options), refused);
    const llm = new LocalLLM(new ToyLM());
    llm.set(options);
    await t.rejects(llm.run('a'), refused);
  }
  const range = { name: 'RangeError', code: 'OUT_OF_RANGE' };
  for (const options of [{ bosTokenId: 9999 }, { eosTokenId: 9999 }, { stopToken: 9999 }]) {
    t.throws(() => new LocalLLM(new ScriptedLM(['x']), options), range);
    const llm = new LocalLLM(new ScriptedLM(['x']));
    llm.set(options);
    await t.rejects(llm.run('a'), range);
  }
});
