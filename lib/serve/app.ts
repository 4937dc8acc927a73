// The routes, and what they share: request ids, authentication, body parsing and error responses.
// `server.ts` listens and passes requests to this app.

import { createHash, timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { type RequestIdVariables, requestId } from 'hono/request-id';
import { readJson } from './http/body.js';
import { allowOrigins } from './http/cors.js';
import { Fields } from './http/fields.js';
import { HttpError, serverClosing, toHttpError } from './http/http-error.js';
import type { ServeSettings } from './options.js';
import { chat } from './routes/chat.js';
import { choose } from './routes/choose.js';
import { completions } from './routes/completions.js';
import { embeddings } from './routes/embeddings.js';
import { model, models } from './routes/models.js';
import { detokenize, tokenize, tokenizerInfo } from './routes/tokenizer.js';
import type { Call, Served } from './served.js';

/** What the app needs from the server that runs it. */
export interface Host {
  readonly isClosing: boolean;
  /** Registers a request as in progress until its `end` is called. */
  begin(clientSignal: AbortSignal): Pick<Call, 'signal' | 'abort' | 'end'>;
}

type Env = { Variables: RequestIdVariables };
type Result = Response | object;
type PostHandler = (served: Served, fields: Fields, call: Call) => Result | Promise<Result>;

const posts: Readonly<Record<string, PostHandler>> = {
  '/v1/completions': completions,
  '/v1/chat/completions': chat,
  '/v1/embeddings': embeddings,
  '/v1/choose': choose,
  '/tokenize': tokenize,
  '/detokenize': detokenize,
};

const gets: Readonly<Record<string, (served: Served) => Result | Promise<Result>>> = {
  '/v1/models': models,
  '/tokenizer_info': tokenizerInfo,
};

/** nginx's status for a client that disconnected. The response is never received. */
const clientClosedRequest = 499;

/** Creates the app that serves an LM. */
export function makeApp(served: Served, settings: ServeSettings, host: Host): Hono<Env> {
  const app = new Hono<Env>();
  app.use(requestId());
  if (settings.cors.length > 0) app.use(allowOrigins(settings.cors));
  app.use(async (context, next) => {
    if (host.isClosing) {
      context.header('connection', 'close');
      throw serverClosing();
    }
    await next();
  });
  app.get('/health', (context) => context.json({ status: 'ok' }));
  app.all('/health', methodNotAllowed('GET'));
  if (settings.apiKey !== undefined) app.use(keyCheck(settings.apiKey));
  for (const [path, get] of Object.entries(gets)) {
    app.get(path, async (context) => respond(context, await get(served)));
    app.all(path, methodNotAllowed('GET'));
  }
  app.get('/v1/models/:model{.+}', (context) => {
    served.checkModel(context.req.param('model'));
    return respond(context, model(served));
  });
  for (const [path, post] of Object.entries(posts)) {
    app.post(path, (context) => handlePost(context, served, settings, host, post));
    app.all(path, methodNotAllowed('POST'));
  }
  app.notFound((context) => {
    const message = `No route for ${context.req.method} ${context.req.path}`;
    return errorResponse(context, new HttpError(404, message, { code: 'not_found' }));
  });
  app.onError((error, context) => {
    report(error, context, settings, host);
    return errorResponse(context, toHttpError(error));
  });
  return app;
}

/** Passes a failure of the server to the caller's `onError`. */
function report(
  error: unknown,
  context: Context<Env>,
  { onError }: ServeSettings,
  { isClosing }: Host,
): void {
  if (toHttpError(error).status >= 500 && !isClosing) onError(error, context.get('requestId'));
}

async function handlePost(
  context: Context<Env>,
  served: Served,
  settings: ServeSettings,
  host: Host,
  post: PostHandler,
): Promise<Response> {
  const { bodyLimit, pingInterval } = settings;
  const request = context.req.raw;
  const running = host.begin(request.signal);
  const call: Call = {
    ...running,
    pingInterval,
    report: (error) => {
      if (!running.signal.aborted) report(error, context, settings, host);
    },
  };
  let isStreaming = false;
  try {
    const fields = new Fields(await readJson(request, bodyLimit));
    const result = await post(served, fields, call);
    isStreaming = result instanceof Response;
    return respond(context, result);
  } catch (error) {
    if (request.signal.aborted) return context.body(null, { status: clientClosedRequest as 400 });
    if (call.signal.aborted) throw serverClosing();
    throw error instanceof Error ? error : new Error(String(error));
  } finally {
    // A stream calls `end` itself.
    if (!isStreaming) call.end();
  }
}

/** Serializes typed arrays as arrays. Non-finite numbers become null, as always in JSON. */
const toPlainJson = (_key: string, value: unknown): unknown =>
  ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value;

function respond(context: Context<Env>, result: Result): Response {
  if (result instanceof Response) {
    result.headers.set('x-request-id', context.get('requestId'));
    return result;
  }
  return context.body(JSON.stringify(result, toPlainJson), 200, {
    'content-type': 'application/json',
  });
}

function errorResponse(context: Context<Env>, error: HttpError): Response {
  const status = error.status as 400;
  if (status === (401 as number)) context.header('www-authenticate', 'Bearer');
  // Close instead of reading the rest of the oversized body.
  if (status === (413 as number)) context.header('connection', 'close');
  return context.json(error.body, status);
}

const methodNotAllowed =
  (method: string) =>
  (context: Context<Env>): never => {
    context.header('allow', method);
    const message = `${context.req.path} supports ${method} only, got ${context.req.method}`;
    throw new HttpError(405, message, { code: 'method_not_allowed' });
  };

/** Requires the API key. Digests are compared in constant time, which leaks nothing of the key. */
function keyCheck(apiKey: string) {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(apiKey);
  return async (context: Context<Env>, next: () => Promise<void>): Promise<void> => {
    const [, given = ''] =
      /^Bearer +(\S+) *$/i.exec(context.req.header('authorization') ?? '') ?? [];
    if (!timingSafeEqual(digest(given), expected)) {
      const type = 'authentication_error';
      throw new HttpError(401, 'Missing or invalid API key', {
        type,
        code: 'invalid_api_key',
      });
    }
    await next();
  };
}
