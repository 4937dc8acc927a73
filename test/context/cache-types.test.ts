// Types of the KV cache by head size: what llama.cpp computes wrongly or crashes on is refused.

import { type CacheType, LLaMa, Model, NotSupportedError } from 'autocog-lm';
import t, { type Test } from 'tap';
import { exact } from '../support/forms.js';
import { writeVocabularyModel } from '../support/vocabulary-model.js';

const prompt = 'The capital of France is';

async function loadModel(t: Test, headSize: number): Promise<Model> {
  const model = await Model.load(await writeVocabularyModel(t, 'llama-spm', headSize));
  t.teardown(() => model.close());
  return model;
}

const open = (t: Test, model: Model, kvCacheTypeK: CacheType, more = {}): LLaMa => {
  const lm = new LLaMa(model, { ...exact, contextSize: 32, kvCacheTypeK, ...more });
  t.teardown(() => lm.close());
  return lm;
};

for (const headSize of [16, 40, 48, 72, 80, 112]) {
  t.test(`blocks that do not divide heads of ${headSize} are refused`, async (t) => {
    const model = await loadModel(t, headSize);
    for (const type of ['q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0', 'iq4_nl'] as const) {
      for (const flashAttention of [false, true]) {
        await t.rejects(open(t, model, type, { flashAttention }).ready, {
          name: 'RangeError',
          message: `Expected a type whose blocks divide the model's heads of ${headSize} for kvCacheTypeK, got ${type} with blocks of 32`,
        });
      }
    }
    const options = { flashAttention: true, kvCacheTypeV: 'q8_0' };
    await t.rejects(open(t, model, 'f16', options).ready, {
      message: /for kvCacheTypeV, got q8_0/,
    });
    const lm = open(t, model, 'bf16');
    t.ok((await lm.greedy(prompt)).every(Number.isFinite), 'types without blocks work');
  });
}

for (const headSize of [32, 64, 96, 128]) {
  t.test(`a quantized cache of heads of ${headSize} is near to one that is not`, async (t) => {
    const model = await loadModel(t, headSize);
    const whole = await open(t, model, 'f32').greedy(prompt);
    for (const type of ['f16', 'bf16', 'q8_0'] as const) {
      const other = await open(t, model, type).greedy(prompt);
      const furthest = whole.reduce((most, value, token) => {
        return Math.max(most, Math.abs(value - (other[token] as number)));
      }, 0);
      t.ok(furthest < 0.3, `${type}: ${furthest}`);
    }
  });

  t.test(`the context shifts with heads of ${headSize}, or says that it cannot`, async (t) => {
    const model = await loadModel(t, headSize);
    for (const type of ['f32', 'f16', 'bf16', 'q8_0', 'q4_0'] as const) {
      const lm = open(t, model, type);
      const shifts = type === 'f32' || type === 'f16' || (type !== 'bf16' && headSize % 64 === 0);
      const completing = lm.complete(prompt, { maxTokens: 60, contextShift: true });
      if (shifts) {
        const { tokens, stopReason } = await completing;
        t.ok(tokens.length > 32 || stopReason === 'eog', `${type}: ${tokens.length} tokens`);
      } else {
        await t.rejects(completing, NotSupportedError, type);
        t.equal((await lm.complete(prompt, { maxTokens: 2 })).tokens.length, 2, 'and lives on');
      }
    }
  });
}
