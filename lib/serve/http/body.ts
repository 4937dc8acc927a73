// Reads a request's JSON body, with checks of its content type, size and encoding.

import { findRepeatedKey } from '../../decide/repeated-key.js';
import { HttpError } from './http-error.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses a request's JSON body; throws HttpError 400, 413 or 415.
 *
 * @param distinctKeys whether an object with a repeated key is refused
 */
export async function readJson(
  request: Request,
  limit: number,
  distinctKeys: boolean,
): Promise<unknown> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    const message = `Expected the content type application/json, got ${type === '' ? 'none' : JSON.stringify(type.slice(0, 100))}`;
    throw new HttpError(415, message, { code: 'unsupported_media_type' });
  }
  const bytes = await readBytes(request, limit);
  let text: string;
  let body: unknown;
  try {
    text = decoder.decode(bytes);
    body = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : 'it is not valid UTF-8';
    const message = `The request body is not valid JSON: ${reason}`;
    throw new HttpError(400, message, { code: 'invalid_json', cause });
  }
  const param = distinctKeys ? await findRepeatedKey(text) : undefined;
  if (param === undefined) return body;
  throw new HttpError(400, `Expected each key once, got ${param} twice`, {
    param,
    code: 'invalid_value',
  });
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = (): HttpError =>
    new HttpError(413, `The request body exceeds ${limit} bytes`, { code: 'body_too_large' });
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) return Buffer.concat(chunks);
    size += value.length;
    if (size > limit) throw tooLarge();
    chunks.push(value);
  }
}
