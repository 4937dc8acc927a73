// Helpers for requests that the server must reject.

import { defaultModelPath, Model } from 'autocog-lm';
import type { Test } from 'tap';
import { type Reply, type Serving, startServing } from './serving.js';

/** All routes that take a body. */
export const postRoutes = [
  '/v1/completions',
  '/v1/chat/completions',
  '/v1/embeddings',
  '/v1/choose',
  '/tokenize',
  '/detokenize',
];

/** Serves the default model until the test ends. */
export async function openDefault(t: Test, options = {}): Promise<Serving> {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  return startServing(t, model, options);
}

/** A rejection is a 4xx with OpenAI's error object, and exposes no internals of the server. */
export function checkRejected(
  t: Test,
  { status, json, text, headers }: Reply,
  expected: object,
): void {
  const actual = { status, ...json?.error };
  t.match(actual, expected);
  t.ok(status >= 400 && status < 500, `${status} ${text.slice(0, 200)}`);
  t.match(headers.get('content-type'), 'application/json');
  t.same(Object.keys(json), ['error']);
  t.same(Object.keys(json.error).sort(), ['code', 'message', 'param', 'type']);
  t.notMatch(text, /\bat .*\.[cm]?[jt]s:\d/, 'no stack');
}
