// Helpers for tests of saved states: makes one, and checks that a load is rejected.

import { join } from 'node:path';
import { defaultModelPath, LLaMa, type LLaMaOptions, quantize } from 'autocog-lm';
import type { Test } from 'tap';
import { failure } from '../support/failures.js';
import { oneThread } from '../support/forms.js';
import { outputsOf } from './outputs.mjs';

export const prompt = 'Question: what colour is the sky on a clear day in summer?\nAnswer: it is';

/** Saves a prompt's state next to the model, and returns both with the LM's outputs. */
export async function saved(t: Test, { type = 'F32', options = {} as LLaMaOptions } = {}) {
  const folder = t.testdir();
  const model = join(folder, 'model.gguf');
  await quantize(defaultModelPath, model, type);
  const state = join(folder, 'prompt.state');
  const settings = { ...oneThread, ...options };
  await using lm = await LLaMa.load(model, settings);
  const { tokens } = await lm.saveState(state, prompt);
  return { folder, model, state, settings, tokens, outputs: await outputsOf(lm, tokens) };
}

/** The expected properties of an error. */
export type ExpectedError = Partial<Record<'name' | 'code' | 'message', string | RegExp>>;

/** Checks that a load is rejected, and that the prompt is still cached. */
export async function checkRejected(
  t: Test,
  lm: LLaMa,
  path: string,
  expected: ExpectedError,
  what: string,
): Promise<void> {
  const error = await failure(lm.loadState(path));
  const { usage } = await lm.ingest(prompt);
  const { name, code, message } = error;
  const isExpected = Object.entries({ name: 'LMError', code: 'STATE_MISMATCH', ...expected }).every(
    ([key, value]) => {
      const actual = String({ name, code, message }[key as 'name']);
      return typeof value === 'string' ? actual === value : value.test(actual);
    },
  );
  const isCached = usage.decodedTokens === 0 && usage.cachedTokens === usage.promptTokens;
  t.ok(isExpected && isCached, `${what}: ${message}`, { name, code, message, usage });
}

/** A deterministic generator of random integers below a limit. */
export function randomBelow(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
