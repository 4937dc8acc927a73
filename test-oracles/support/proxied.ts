// LMs of llama.cpp's server behind a fault-injecting proxy, for tests of the class OpenAI.

import { type Completion, defaultModelPath } from 'autocog-lm';
import { OpenAI, type OpenAIOptions } from 'autocog-lm/openai';
import type { Test } from 'tap';
import { FaultProxy } from '../../test/openai/fault-proxy.js';
import { Server } from './server.js';

export const prompt = 'Question: what colour is grass?\nAnswer:';
export const options = { maxTokens: 12, topLogprobs: 2 };

export interface Fixture {
  proxy: FaultProxy;
  open(options?: Partial<OpenAIOptions>): OpenAI;
}

/** LMs of a real server behind the proxy, with a short timeout. */
export async function withProxy(t: Test, use: (fixture: Fixture) => Promise<void>): Promise<void> {
  await using server = await Server.start(defaultModelPath, 512);
  await using proxy = await FaultProxy.start(server.address);
  const opened: OpenAI[] = [];
  const open = (more: Partial<OpenAIOptions> = {}): OpenAI => {
    const lm = new OpenAI({
      ...{ model: 'any', baseURL: proxy.baseURL, delta: 0, timeout: 3000 },
      ...more,
      // Cached values were computed in other batches, so their last digits differ.
      extraBody: { cache_prompt: false, ...more.extraBody },
    });
    opened.push(lm);
    return lm;
  };
  await use({ proxy, open });
  await Promise.all(opened.map((lm) => lm.close()));
  // Only kept-alive connections may remain.
  await proxy.until(async () => (await proxy.connections()) <= 8);
  t.ok(true, 'no connection is left open');
}

/** The parts of a completion that do not depend on time. */
export const summaryOf = ({
  text,
  tokens,
  logprobs,
  alternatives,
  stopReason,
  stop,
}: Completion) => {
  const rounded = [...logprobs].map((logprob) => logprob.toFixed(3));
  const rows = alternatives?.map((row) => row.map(({ token, text: shown }) => [token, shown]));
  return { text, tokens: [...tokens], rounded, rows, stopReason, stop };
};
