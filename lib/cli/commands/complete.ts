// `autocog-lm complete`.

import { withLM } from '../engine.js';
import { UsageError } from '../failure.js';
import { readFileText, readPrompt } from '../input.js';
import type { EngineFlags, PromptFlags } from '../options.js';
import { print, printJson, write } from '../output.js';
import { type SamplerFlags, samplerOf } from '../sampler-flags.js';

export interface CompleteFlags extends EngineFlags, PromptFlags, SamplerFlags {
  maxTokens?: number;
  stop?: string[];
  grammarFile?: string;
  jsonSchemaFile?: string;
  json?: boolean;
}

export async function complete(
  argument: string | undefined,
  flags: CompleteFlags,
  signal: AbortSignal,
): Promise<void> {
  if (argument !== undefined && (flags.prompt ?? flags.promptFile) !== undefined) {
    throw new UsageError('Pass the prompt as an argument or with a flag, not both');
  }
  const { maxTokens, stop, grammarFile, jsonSchemaFile, json, model } = flags;
  // Read before the model loads, so that usage errors are immediate.
  const prompt = argument ?? (await readPrompt(flags, signal));
  const grammar = await fileText(grammarFile, signal);
  const schema = await fileText(jsonSchemaFile, signal);
  const sampler = samplerOf(flags);
  const options = {
    signal,
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(stop === undefined ? {} : { stop }),
    ...(sampler === undefined ? {} : { sampler }),
    ...(grammar === undefined ? {} : { grammar }),
    ...(schema === undefined ? {} : { jsonSchema: parseSchema(schema) }),
  };
  await withLM(flags, signal, async (lm) => {
    if (json) return printJson({ model, prompt, ...(await lm.complete(prompt, options)) });
    for await (const { text } of lm.stream(prompt, options)) await write(text);
    await print('');
  });
}

const fileText = async (path: string | undefined, signal: AbortSignal) =>
  path === undefined ? undefined : readFileText(path, signal);

function parseSchema(text: string): object | boolean {
  try {
    return JSON.parse(text) as object | boolean;
  } catch (cause) {
    throw new Error('The schema is not valid JSON', { cause });
  }
}
