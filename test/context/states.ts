// Saved states for tests: one to begin with, and whether a load was refused as it should be.

import { join } from 'node:path';
import { defaultModelPath, LLaMa, type LLaMaOptions, quantize } from 'autocog-lm';
import type { Test } from 'tap';
import { failure } from '../support/failures.js';
import { oneThread } from '../support/forms.js';
import { answersOf } from './answers.mjs';

export const prompt = 'Question: what colour is the sky on a clear day in summer?\nAnswer: it is';

/** Saves a prompt's state beside the model and gives what came of it. */
export async function saved(t: Test, { type = 'F32', options = {} as LLaMaOptions } = {}) {
  const folder = t.testdir();
  const model = join(folder, 'model.gguf');
  await quantize(defaultModelPath, model, type);
  const state = join(folder, 'prompt.state');
  const settings = { ...oneThread, ...options };
  await using lm = await LLaMa.load(model, settings);
  const { tokens } = await lm.saveState(state, prompt);
  return { folder, model, state, settings, tokens, answers: await answersOf(lm, tokens) };
}

/** Of an error, what is to be as it says here. */
export type Wanted = Partial<Record<'name' | 'code' | 'message', string | RegExp>>;

/** Whether a load was refused, and everything is as it was before. */
export async function checkRefusal(
  t: Test,
  lm: LLaMa,
  path: string,
  wanted: Wanted,
  what: string,
): Promise<void> {
  const error = await failure(lm.loadState(path));
  const { usage } = await lm.ingest(prompt);
  const { name, code, message } = error;
  const isWanted = Object.entries({ name: 'LMError', code: 'STATE_MISMATCH', ...wanted }).every(
    ([key, value]) => {
      const found = String({ name, code, message }[key as 'name']);
      return typeof value === 'string' ? found === value : value.test(found);
    },
  );
  const isWhole = usage.decodedTokens === 0 && usage.cachedTokens === usage.promptTokens;
  t.ok(isWanted && isWhole, `${what}: ${message}`, { name, code, message, usage });
}

/** Random numbers below a limit, the same each time. */
export function randomBelow(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
