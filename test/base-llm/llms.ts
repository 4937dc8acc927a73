// LLMs for the tests of this room.

import { BaseLLM, type BaseLLMOptions, LocalLLM, type RunOptions } from 'autocog-lm/base-llm';
import type { Test } from 'tap';
import { oneThread } from '../support/forms.js';

/** The smallest subclass: it answers with the task in capitals. */
export class Shouting extends BaseLLM {
  readonly tasks: (string | undefined)[] = [];

  async run(task?: string, _options?: RunOptions): Promise<string> {
    this.tasks.push(task);
    return (task ?? this.systemPrompt ?? '').toUpperCase();
  }
}

/** A LocalLLM on the embedded model, closed at the end of the test. */
export async function loadLLM(
  t: Test,
  options: BaseLLMOptions = {},
  context: Parameters<typeof LocalLLM.load>[1] = oneThread,
): Promise<LocalLLM> {
  const llm = await LocalLLM.load(options, context);
  t.teardown(() => llm.close());
  return llm;
}

export const france = 'What is the capital of France?';
export const italy = 'What is the capital of Italy?';
