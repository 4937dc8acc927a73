// Sampler settings: the values of the presets, validation, and immutability.

import { type SamplerOptions, SamplerSettings, samplers } from 'autocog-lm';
import t from 'tap';

const defaults = {
  maxTokens: -1,
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  typicalP: 1,
  topNSigma: -1,
  dynamicTemperatureRange: 0,
  dynamicTemperatureExponent: 1,
  penaltyLastN: 64,
  repeatPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  dryMultiplier: 0,
  dryBase: 1.75,
  dryAllowedLength: 2,
  dryPenaltyLastN: 64,
  drySequenceBreakers: ['\n', ':', '"', '*'],
  xtcProbability: 0,
  xtcThreshold: 0.1,
  mirostat: 0,
  mirostatTau: 5,
  mirostatEta: 0.1,
  minKeep: 0,
  logitBias: new Map<number, number>(),
  order: [
    'penalties',
    'dry',
    'topNSigma',
    'topK',
    'typicalP',
    'topP',
    'minP',
    'xtc',
    'temperature',
  ],
  seed: undefined,
};

const off = { topK: 0, topP: 1, minP: 0 };

const presets: Record<keyof typeof samplers, SamplerOptions> = {
  GreedyDecoding: { temperature: 0 },
  DefaultSampling: {},
  ClassicSampling: { minP: 0, repeatPenalty: 1.1 },
  SimpleSampling: { ...off, temperature: 1 },
  SemiSampling: { topK: 80, topP: 0.975, minP: 0.025, temperature: 0.9 },
  TikTokenSampling: { temperature: 0.65 },
  LowMinPSampling: { ...off, temperature: 1, minP: 0.025 },
  MinPSampling: { ...off, temperature: 1, minP: 0.05 },
  StrictMinPSampling: { ...off, temperature: 1, minP: 0.1 },
  ContrastiveSearch: { ...off, temperature: 0, presencePenalty: 0.6 },
  WarmContrastiveSearch: { ...off, temperature: 0, presencePenalty: 1 },
  RandomSampling: { ...off, temperature: Infinity },
  LowTempSampling: { temperature: 0.4 },
  HighTempSampling: { temperature: 1.2 },
};

t.test('every preset has exactly its documented values', async (t) => {
  t.same(Object.keys(samplers), Object.keys(presets));
  for (const [name, values] of Object.entries(presets)) {
    t.strictSame({ ...samplers[name as keyof typeof samplers] }, { ...defaults, ...values }, name);
  }
});

t.test('settings and presets are immutable', async (t) => {
  const settings = samplers.DefaultSampling as unknown as { temperature: number; order: string[] };
  t.throws(() => {
    settings.temperature = 2;
  }, TypeError);
  t.throws(() => settings.order.push('topK'), TypeError);
  t.throws(() => Object.assign(samplers, { DefaultSampling: samplers.GreedyDecoding }), TypeError);
  const order: SamplerOptions['order'] = ['topK', 'temperature'];
  const bias = new Map([[3, 1]]);
  const own = new SamplerSettings({ order, logitBias: bias });
  (order as string[]).push('minP');
  bias.set(4, 1);
  t.strictSame([own.order, [...own.logitBias]], [['topK', 'temperature'], [[3, 1]]]);
});

t.test('with() replaces settings and resets undefined ones to their defaults', async (t) => {
  const settings = new SamplerSettings({ topK: 7, seed: 5, logitBias: { 9: -Infinity, 2: 1.5 } });
  const other = settings.with({ temperature: 1, seed: undefined });
  t.strictSame([other.topK, other.temperature, other.seed], [7, 1, undefined]);
  t.strictSame(
    [...other.logitBias],
    [
      [2, 1.5],
      [9, -Infinity],
    ],
  );
  t.equal(settings.temperature, 0.8);
  t.throws(() => settings.with({ topKK: 1 } as never), {
    code: 'INVALID_ARGUMENT',
    message: /topKK/,
  });
});

t.test('toString() lists the settings one per line', async (t) => {
  const settings = new SamplerSettings({
    temperature: 0.5,
    logitBias: { 3: 1 },
    seed: 8,
    order: [],
  });
  const lines = String(settings).split('\n');
  t.equal(lines.length, Object.keys(defaults).length);
  t.ok(lines.includes('temperature: 0.5'));
  t.ok(lines.includes('logitBias: 3 1'));
  t.ok(lines.includes('order: none'));
  t.ok(lines.includes('seed: 8'));
  t.match(String(samplers.DefaultSampling), /^seed: random$/m);
  t.match(String(samplers.DefaultSampling), /^drySequenceBreakers: \[ '\\n', ':', '"', '\*' \]$/m);
});

t.test('isGreedy and hasChance', async (t) => {
  const cases: [SamplerOptions, boolean, boolean][] = [
    [{}, false, true],
    [{ temperature: 0 }, true, false],
    [{ temperature: 0, topK: 3, topP: 0.1, minP: 0.9, topNSigma: 1 }, true, false],
    [{ temperature: 0, typicalP: 0.5 }, false, false],
    [{ temperature: 0, logitBias: { 1: 1 } }, false, false],
    [{ temperature: 0, presencePenalty: 1 }, false, false],
    [{ temperature: 0, presencePenalty: 1, penaltyLastN: 0 }, true, false],
    [{ temperature: 0, presencePenalty: 1, order: ['temperature'] }, true, false],
    [{ temperature: 0, dryMultiplier: 1 }, false, false],
    [{ temperature: 0, xtcProbability: 1 }, false, true],
    [{ temperature: 0, xtcProbability: 1, xtcThreshold: 0.6 }, true, false],
    [{ temperature: 0, dynamicTemperatureRange: 1 }, false, true],
    [{ temperature: 0, order: [] }, false, true],
    [{ temperature: 0, mirostat: 2, order: [], xtcProbability: 1 }, true, false],
    [{ mirostat: 1 }, false, true],
  ];
  for (const [options, isGreedy, hasChance] of cases) {
    const settings = new SamplerSettings(options);
    t.strictSame(
      [settings.isGreedy, settings.hasChance],
      [isGreedy, hasChance],
      JSON.stringify(options),
    );
  }
});

const outOfRange: SamplerOptions[] = [
  { maxTokens: 0 },
  { maxTokens: -2 },
  { maxTokens: 1.5 },
  { temperature: -0.1 },
  { temperature: Number.NaN },
  { topK: 0.5 },
  { topK: 2 ** 31 },
  { topP: 1.01 },
  { minP: -1 },
  { typicalP: 2 },
  { topNSigma: Infinity },
  { dynamicTemperatureRange: -1 },
  { dynamicTemperatureExponent: Infinity },
  { penaltyLastN: -2 },
  { repeatPenalty: 0 },
  { frequencyPenalty: Infinity },
  { presencePenalty: -1001 },
  { dryMultiplier: -1 },
  { dryBase: 0.9 },
  { dryAllowedLength: -1 },
  { dryPenaltyLastN: -2 },
  { drySequenceBreakers: [''] },
  { drySequenceBreakers: ['é'.repeat(21)] },
  { drySequenceBreakers: ['a\0'] },
  { xtcProbability: 1.1 },
  { xtcThreshold: -0.1 },
  { mirostat: 3 as never },
  { mirostatTau: -1 },
  { mirostatEta: 11 },
  { minKeep: -1 },
  { logitBias: { 1: Infinity } },
  { logitBias: { 1: Number.NaN } },
  { logitBias: new Map([[-1, 0]]) },
  { logitBias: { '1.5': 0 } as never },
  { order: ['topK', 'topK'] },
  { seed: -1 },
  { seed: 2 ** 32 },
];

const wrongKind: object[] = [
  { temperature: '1' },
  { topK: null },
  { topK: true },
  { drySequenceBreakers: 'x' },
  { drySequenceBreakers: [1] },
  { mirostat: '1' },
  { logitBias: [1] },
  { logitBias: { a: 1 } },
  { logitBias: { '01': 1 } },
  { logitBias: { 1: '1' } },
  { logitBias: new Map([['1', 1]]) },
  { order: 'topK' },
  { order: ['topk'] },
  { seed: '5' },
  { tmperature: 1 },
];

t.test('invalid settings are rejected', async (t) => {
  for (const options of outOfRange) {
    t.throws(
      () => new SamplerSettings(options),
      { name: 'RangeError', code: 'OUT_OF_RANGE' },
      JSON.stringify(options),
    );
  }
  for (const options of wrongKind) {
    const expected = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
    const create = () => new SamplerSettings(options as SamplerOptions);
    t.throws(create, expected, JSON.stringify(options));
  }
  for (const options of [null, 5, 'greedy', [], () => {}]) {
    t.throws(() => new SamplerSettings(options as never), { code: 'INVALID_ARGUMENT' });
  }
  t.throws(() => new SamplerSettings({ topP: 2 }), {
    message: 'Expected a number from 0 to 1 for topP, got 2',
  });
});

t.test('the limits of the ranges are valid', async (t) => {
  const first: SamplerOptions = {
    maxTokens: Infinity,
    temperature: Infinity,
    topK: -(2 ** 31),
    seed: 0,
  };
  const second: SamplerOptions = {
    repeatPenalty: 0.001,
    topP: 0,
    minP: 1,
    typicalP: 0,
    seed: 2 ** 32 - 1,
  };
  for (const options of [first, second, { penaltyLastN: -1, dryPenaltyLastN: -1, order: [] }]) {
    t.match(new SamplerSettings(options), options);
  }
});
