// llama-server generates the same tokens with the same settings and seed: each sampler alone,
// several combined, grammars and schemas.

import { join } from 'node:path';
import {
  defaultModelPath,
  jsonSchemaToGrammar,
  LLaMa,
  Model,
  quantize,
  type SamplerOptions,
  SamplerSettings,
  samplers,
} from 'autocog-lm';
import t from 'tap';
import { heldOutQuestions } from '../models/questions.mjs';
import { exact } from '../test/support/forms.js';
import { Server } from './support/server.js';
import { report } from './support/tools.js';

const serverNames: Record<string, string> = {
  penalties: 'penalties',
  dry: 'dry',
  topNSigma: 'top_n_sigma',
  topK: 'top_k',
  typicalP: 'typ_p',
  topP: 'top_p',
  minP: 'min_p',
  xtc: 'xtc',
  temperature: 'temperature',
};

/** The settings as fields of llama-server's /completion. */
function serverOptions(settings: SamplerSettings): object {
  return {
    temperature: settings.temperature,
    top_k: settings.topK,
    top_p: settings.topP,
    min_p: settings.minP,
    typical_p: settings.typicalP,
    top_n_sigma: settings.topNSigma,
    dynatemp_range: settings.dynamicTemperatureRange,
    dynatemp_exponent: settings.dynamicTemperatureExponent,
    repeat_last_n: settings.penaltyLastN,
    repeat_penalty: settings.repeatPenalty,
    frequency_penalty: settings.frequencyPenalty,
    presence_penalty: settings.presencePenalty,
    dry_multiplier: settings.dryMultiplier,
    dry_base: settings.dryBase,
    dry_allowed_length: settings.dryAllowedLength,
    dry_penalty_last_n: settings.dryPenaltyLastN,
    dry_sequence_breakers: settings.drySequenceBreakers,
    xtc_probability: settings.xtcProbability,
    xtc_threshold: settings.xtcThreshold,
    mirostat: settings.mirostat,
    mirostat_tau: settings.mirostatTau,
    mirostat_eta: settings.mirostatEta,
    min_keep: settings.minKeep,
    samplers: settings.order.map((name) => serverNames[name]),
    seed: settings.seed,
    logit_bias: [...settings.logitBias].map(([token, bias]) => [
      token,
      bias === -Infinity ? false : bias,
    ]),
  };
}

const hot = { topK: 0, topP: 1, minP: 0, temperature: 1.3 } as const;
const repeating = { temperature: 0.4, topP: 1, minP: 0 } as const;

const settings: Record<string, SamplerOptions> = {
  ...Object.fromEntries(Object.entries(samplers).filter(([name]) => name !== 'RandomSampling')),
  temperature: hot,
  topK: { ...hot, topK: 5 },
  topP: { ...hot, topP: 0.6 },
  minP: { ...hot, minP: 0.1 },
  typicalP: { ...hot, typicalP: 0.6 },
  topNSigma: { ...hot, topNSigma: 1.5 },
  dynamicTemperature: { ...hot, dynamicTemperatureRange: 0.6, dynamicTemperatureExponent: 1.5 },
  repeatPenalty: { ...repeating, repeatPenalty: 1.4 },
  frequencyPenalty: { ...repeating, frequencyPenalty: 0.8, penaltyLastN: 20 },
  presencePenalty: { ...repeating, presencePenalty: 1.5 },
  negativePenalty: { ...repeating, presencePenalty: -0.5 },
  dry: { ...repeating, dryMultiplier: 1.2, dryAllowedLength: 1, dryPenaltyLastN: 200 },
  dryBreakers: { ...repeating, dryMultiplier: 2, drySequenceBreakers: ['e', ' the'] },
  greedyDry: { temperature: 0, dryMultiplier: 1, dryAllowedLength: 1 },
  xtc: { ...hot, xtcProbability: 0.7, xtcThreshold: 0.05 },
  greedyXtc: { temperature: 0, xtcProbability: 0.5, xtcThreshold: 0.1 },
  mirostat1: { mirostat: 1, mirostatTau: 3 },
  mirostat2: { mirostat: 2, mirostatTau: 3, mirostatEta: 0.2 },
  greedyMirostat: { mirostat: 2, temperature: 0 },
  minKeep: { ...hot, topP: 0.1, minKeep: 6 },
  bias: { ...hot, logitBias: { 30: 4, 31: -Infinity, 40: -2.5 } },
  greedyBias: { temperature: 0, logitBias: { 30: 4, 300: 3 } },
  order: { ...hot, minP: 0.1, topK: 10, order: ['temperature', 'minP', 'topK'] },
  noSamplers: { order: [] },
  all: {
    temperature: 1.1,
    topK: 30,
    topP: 0.9,
    minP: 0.02,
    typicalP: 0.95,
    dynamicTemperatureRange: 0.3,
    repeatPenalty: 1.1,
    frequencyPenalty: 0.1,
    dryMultiplier: 0.8,
    xtcProbability: 0.3,
    xtcThreshold: 0.15,
    logitBias: { 12: 1 },
  },
};

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 12 },
    age: { type: 'integer', minimum: 0, maximum: 120 },
    tags: { type: 'array', items: { enum: ['red', 'green', 'blue'] }, maxItems: 3 },
  },
  required: ['name', 'age'],
};

const grammars: Record<string, string> = {
  words: 'root ::= ([a-z]+ " ")* [a-z]+ "."',
  list: 'root ::= item+\nitem ::= "- " [^\\n]{3,12} "\\n"',
  choice: 'root ::= ("yes" | "no" | "maybe") ("," [ A-Za-z]{4,20})? "."',
  schema: jsonSchemaToGrammar(schema),
};

const [question = ''] = heldOutQuestions(3, 1).map(({ prompt }) => prompt);
const prompts = ['The capital of the country Peru is', 'Once upon a time the the the', question];

interface Answer {
  tokens: number[];
  content: string;
}

for (const type of ['F32', 'Q8_0']) {
  t.test(`completions with ${type} weights`, async (t) => {
    const path = join(t.testdir(), `${type}.gguf`);
    await quantize(defaultModelPath, path, type);
    await using model = await Model.load(path);
    await using lm = new LLaMa(model, { ...exact, contextSize: 512 });
    await using server = await Server.start(path, 512);
    let tokens = 0;
    let completions = 0;
    const compare = async (name: string, options: SamplerOptions, grammar?: string) => {
      for (const [index, prompt] of prompts.entries()) {
        const sampler = new SamplerSettings({ ...options, seed: 1000 + index });
        const ids = model.tokenizeSync(prompt, { addSpecial: true });
        const maxTokens = 48;
        // A KV cell decoded alone may differ from one decoded in a batch: start without a cache.
        await lm.clear();
        const ours = await lm.complete(ids, { maxTokens, sampler, ...(grammar && { grammar }) });
        const theirs = (await server.post('/completion', {
          ...serverOptions(sampler),
          prompt: [...ids],
          n_predict: maxTokens,
          cache_prompt: false,
          return_tokens: true,
          ...(grammar && { grammar }),
        })) as Answer;
        const expected = theirs.tokens.filter(
          (token) => !model.vocab.endOfGeneration.includes(token),
        );
        t.same(
          [...ours.tokens],
          expected,
          `${name}, prompt ${index}: ${JSON.stringify(ours.text)}`,
        );
        tokens += expected.length;
        completions++;
      }
    };
    for (const [name, options] of Object.entries(settings)) await compare(name, options);
    for (const [name, grammar] of Object.entries(grammars)) {
      await compare(`greedy ${name}`, { temperature: 0 }, grammar);
      await compare(`sampled ${name}`, {}, grammar);
      await compare(`hot ${name}`, hot, grammar);
      // For tokens that a grammar forbids, llama.cpp's typical sampling computes log 0.
      await compare(`all, ${name}`, { ...settings.all, typicalP: 1 }, grammar);
      await compare(`mirostat, ${name}`, { mirostat: 2, mirostatTau: 3 }, grammar);
    }
    await report(`sampling-${type}`, [
      `llama-server /completion, ${type}: ${completions} completions of ${tokens} tokens, with the same settings and seeds`,
    ]);
  });
}
