// An `OpenAI` behind a proxy of a server that decides. The tests of `decide` use it.

import { OpenAI, type OpenAIOptions } from 'autocog-lm/openai';
import type { Test } from 'tap';
import { type Fault, FaultProxy } from './fault-proxy.js';

/** An LM behind a proxy of the server, which answers requests to some paths itself. */
export async function openDecider(
  t: Test,
  server: { url: string },
  rules: Readonly<Record<string, Fault>> = {},
  options: Partial<OpenAIOptions> = {},
): Promise<{ lm: OpenAI; proxy: FaultProxy; paths(): string[] }> {
  const proxy = await FaultProxy.start(server.url);
  proxy.rule = ({ path }) => rules[path] ?? { kind: 'none' };
  const lm = new OpenAI({ model: 'served', baseURL: proxy.baseURL, delta: 0, ...options });
  t.teardown(async () => {
    await lm.close();
    await proxy[Symbol.asyncDispose]();
  });
  return { lm, proxy, paths: () => proxy.seen.map(({ path }) => path) };
}

/** A response of the proxy. */
export const respond = (status: number, body?: unknown): Fault => ({
  kind: 'respond',
  status,
  ...(body !== undefined && { body: JSON.stringify(body) }),
});

const none = respond(404);
/** Servers without some routes. */
export const without = {
  decisions: { '/v1/decisions': none },
  both: { '/v1/decisions': none, '/v1/systemone': none },
};
