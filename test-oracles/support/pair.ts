// A model in process and the same file behind llama.cpp's server, for tests of the class OpenAI.

import { join } from 'node:path';
import {
  type CompleteOptions,
  type CompletionChunk,
  defaultModelPath,
  LLaMa,
  quantize,
} from 'autocog-lm';
import { OpenAI, type OpenAIOptions } from 'autocog-lm/openai';
import type { Test } from 'tap';
import { exact } from '../../test/support/forms.js';
import { Server } from './server.js';

export const contextSize = 512;

export interface Pair {
  lm: LLaMa;
  server: Server;
  open(options?: Partial<OpenAIOptions>): OpenAI;
}

/** A model in process, and a server with the same file and the same precision. */
export async function withPair(
  t: Test,
  type: string,
  use: (pair: Pair) => Promise<void>,
): Promise<void> {
  const path = join(t.testdir(), `${type}.gguf`);
  await quantize(defaultModelPath, path, type);
  const more = ['--cache-type-k', 'f32', '--cache-type-v', 'f32'];
  await using server = await Server.start(path, contextSize, more);
  await using lm = await LLaMa.load(path, { ...exact, contextSize });
  const baseURL = `${server.address}/v1`;
  const opened: OpenAI[] = [];
  const open = (options: Partial<OpenAIOptions> = {}): OpenAI => {
    const remote = new OpenAI({ model: 'any', baseURL, delta: 1, ...options });
    opened.push(remote);
    return remote;
  };
  await use({ lm, server, open });
  await Promise.all(opened.map((remote) => remote.close()));
}

/** Some prompts that the model can continue well, and some that it cannot. */
export const prompts = [
  'The sky is',
  'Question: what colour is grass?\nAnswer:',
  'Question: Is the sky green? Answer yes or no.\nAnswer:',
  '<|im_end|> is no special token here',
  'Ünïcödé 漢字 😀',
];

/**
 * Another request with the same prompt may be batched with other rows, which hardly affects F32.
 */
export const tolerance = 1e-3;

/** Reads a stream to its end. */
export async function readAll(lm: LLaMa | OpenAI, prompt: string, options?: CompleteOptions) {
  const stream = lm.stream(prompt, options);
  const chunks: CompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { chunks, completion: await stream.completion };
}
