// What the checks of lollms-checks.ts and lollms-callback-checks.ts share.

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { defaultModelPath } from 'autocog-lm';
import {
  type BindingEvent,
  type CallbackMetadata,
  type GenerateOptions,
  type GenerationCallback,
  LlamaBinding,
  type MSG_OPERATION_TYPE,
} from 'autocog-lm/binding';
import t, { type Test } from 'tap';

/** The page whose rows are checked. */
export const page = readFileSync('docs/from-lollms.md', 'utf8');

/** A check of one row. */
export type Check = (t: Test) => unknown;

export const modelsDir = dirname(defaultModelPath);
export const prompt = 'The capital of France is';
export const folder = t.testdir();
export const binding = new LlamaBinding({
  modelsDir,
  configDir: folder,
  bindingConfig: { threads: 1, temperature: 0 },
});
await binding.buildModel('default');
t.teardown(() => binding.destroyModel());

/** The arguments of every call of a callback. */
export async function callsOf(options: GenerateOptions = {}) {
  const calls: [string, MSG_OPERATION_TYPE, CallbackMetadata][] = [];
  const callback: GenerationCallback = (...args) => calls.push(args);
  await binding.generate(prompt, { nPredict: 2, callback, ...options });
  return calls;
}

/** The messages of one kind that a work emits. */
export async function messagesOf(
  kind: BindingEvent,
  work: (binding: LlamaBinding) => unknown,
  other = binding,
): Promise<string[]> {
  const messages: string[] = [];
  const listener = (message: string): unknown => messages.push(message);
  other.on(kind, listener);
  await work(other);
  other.off(kind, listener);
  return messages;
}
