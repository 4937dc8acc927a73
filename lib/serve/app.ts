// The routes, and what they share: request ids, authentication, body parsing and error responses.
// `server.ts` listens and passes requests to this app.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, Hono } from 'hono';
import type { RequestIdVariables } from 'hono/request-id';
import { raceAbort } from '../common/abort.js';
import { requirePeer } from '../common/peers.js';
import { decisions } from './decisions/decisions.js';
import { detailOf } from './decisions/detail-errors.js';
import { systemone, systemonePath } from './decisions/systemone.js';
import { readJson } from './http/body.js';
import { allowOrigins } from './http/cors.js';
import { Fields } from './http/fields.js';
import { allowHosts } from './http/hosts.js';
import { HttpError, serverBusy, serverClosing, toHttpError } from './http/http-error.js';
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
  /** The number of requests in progress. */
  readonly running: number;
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
  '/v1/decisions': decisions,
  [systemonePath]: systemone,
  '/tokenize': tokenize,
  '/detokenize': detokenize,
};

/** Handlers of requests whose names are keys, which may not vanish. */
const namesByKeys: ReadonlySet<PostHandler> = new Set([decisions, systemone]);

const gets: Readonly<Record<string, (served: Served) => Result | Promise<Result>>> = {
  '/v1/models': models,
  '/tokenizer_info': tokenizerInfo,
};

/** nginx's status for a client that disconnected. The response is never received. */
const clientClosedRequest = 499;

/** Creates the app that serves an LM. */
export function makeApp(served: Served, settings: ServeSettings, host: Host): Hono<Env> {
  const hono = requirePeer<typeof import('hono')>('hono', 'serve');
  const { requestId } = requirePeer<typeof import('hono/request-id')>(
    'hono',
    'serve',
    '/request-id',
  );
  const app = new hono.Hono<Env>();
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
  else app.use(allowHosts([settings.host, ...settings.allowedHosts]));
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
  const { status, details } = toHttpError(error);
  const isDeliberate = details.code === 'server_busy' || details.code === 'request_timeout';
  if (status >= 500 && !isClosing && !isDeliberate) onError(error, context.get('requestId'));
}

async function handlePost(
  context: Context<Env>,
  served: Served,
  settings: ServeSettings,
  host: Host,
  post: PostHandler,
): Promise<Response> {
  const { bodyLimit, pingInterval, streamBuffer, maxWaiting } = settings;
  const request = context.req.raw;
  // Before the body is read: those of requests that are refused take no memory.
  if (host.running > maxWaiting) throw serverBusy(retryAfter(served));
  const running = host.begin(request.signal);
  const call: Call = {
    ...running,
    pingInterval,
    streamBuffer,
    report: (error) => {
      if (!running.signal.aborted) report(error, context, settings, host);
    },
  };
  let isStreaming = false;
  try {
    const body = await raceAbort(
      readJson(request, bodyLimit, namesByKeys.has(post)),
      running.signal,
    );
    const fields = new Fields(body);
    const result = await post(served, fields, call);
    isStreaming = result instanceof Response;
    return respond(context, result);
  } catch (error) {
    if (request.signal.aborted) return context.body(null, { status: clientClosedRequest as 400 });
    if (call.signal.aborted) throw call.signal.reason;
    throw error instanceof Error ? error : new Error(String(error));
  } finally {
    // A stream calls `end` itself.
    if (!isStreaming) call.end();
  }
}

/** Seconds until the requests that wait have probably been answered, from 1 to 60. */
const retryAfter = ({ turns, embeddingTurns }: Served): number =>
  Math.min(60, Math.max(1, Math.ceil((turns.backlogMs + embeddingTurns.backlogMs) / 1000)));

/**
 * Typed arrays as arrays, which are what JSON has. Non-finite numbers become null, as always in
 * JSON. A replacer of `JSON.stringify` would be called for each of millions of numbers.
 */
function toPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return Array.from(value as Int32Array);
  if (Array.isArray(value)) return typeof value[0] === 'number' ? value : value.map(toPlain);
  if ('toJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPlain(item)]));
}

function respond(context: Context<Env>, result: Result): Response {
  if (result instanceof Response) {
    result.headers.set('x-request-id', context.get('requestId'));
    return result;
  }
  return context.body(JSON.stringify(toPlain(result)), 200, {
    'content-type': 'application/json',
  });
}

function errorResponse(context: Context<Env>, error: HttpError): Response {
  const status = error.status as 400;
  if (status === (401 as number)) context.header('www-authenticate', 'Bearer');
  const { retryAfter } = error.details;
  if (retryAfter !== undefined) context.header('retry-after', String(retryAfter));
  // Close instead of reading a body that nobody wants.
  const isUnread = [413, 503, 504].includes(error.status);
  if (isUnread) context.header('connection', 'close');
  if (context.req.path === systemonePath) {
    const detail = detailOf(error);
    return context.json(detail.body, detail.status as 400);
  }
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
