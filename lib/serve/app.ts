// The routes, and what all of them have in common: a request's id, its key, its body, its errors.
// `server.ts` listens and hands requests to this.

import { createHash, timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { type RequestIdVariables, requestId } from 'hono/request-id';
import { readJson } from './http/body.js';
import { Fields } from './http/fields.js';
import { closing, HttpError, toHttpError } from './http/http-error.js';
import type { ServeSettings } from './options.js';
import { chat } from './routes/chat.js';
import { choose } from './routes/choose.js';
import { completions } from './routes/completions.js';
import { embeddings } from './routes/embeddings.js';
import { model, models } from './routes/models.js';
import { detokenize, tokenize, tokenizerInfo } from './routes/tokenizer.js';
import type { Call, Served } from './served.js';

/** What the app asks of the server that it runs in. */
export interface Host {
  readonly isClosing: boolean;
  /** Begins a call, which ends when it says so. */
  begin(gone: AbortSignal): Call;
}

type Env = { Variables: RequestIdVariables };
type Answer = Response | object;
type Post = (served: Served, fields: Fields, call: Call) => Answer | Promise<Answer>;

const posts: Readonly<Record<string, Post>> = {
  '/v1/completions': completions,
  '/v1/chat/completions': chat,
  '/v1/embeddings': embeddings,
  '/v1/choose': choose,
  '/tokenize': tokenize,
  '/detokenize': detokenize,
};

const gets: Readonly<Record<string, (served: Served) => Answer | Promise<Answer>>> = {
  '/v1/models': models,
  '/tokenizer_info': tokenizerInfo,
};

/** Answers nobody reads, as web servers have it. */
const clientGone = 499;

/** The routes over an LM. */
export function makeApp(served: Served, settings: ServeSettings, host: Host): Hono<Env> {
  const app = new Hono<Env>();
  app.use(requestId());
  app.use(async (context, next) => {
    if (host.isClosing) {
      context.header('connection', 'close');
      throw closing();
    }
    await next();
  });
  app.get('/health', (context) => context.json({ status: 'ok' }));
  app.all('/health', notAllowed('GET'));
  if (settings.apiKey !== undefined) app.use(keyCheck(settings.apiKey));
  for (const [path, get] of Object.entries(gets)) {
    app.get(path, async (context) => answer(context, await get(served)));
    app.all(path, notAllowed('GET'));
  }
  app.get('/v1/models/:model{.+}', (context) => {
    served.checkModel(context.req.param('model'));
    return answer(context, model(served));
  });
  for (const [path, post] of Object.entries(posts)) {
    app.post(path, (context) => answerPost(context, served, settings, host, post));
    app.all(path, notAllowed('POST'));
  }
  app.notFound((context) => {
    const message = `There is no ${context.req.method} ${context.req.path}`;
    return failure(context, new HttpError(404, message, { code: 'not_found' }));
  });
  app.onError((error, context) => {
    const known = toHttpError(error);
    if (known.status >= 500 && !host.isClosing) settings.onError(error, context.get('requestId'));
    return failure(context, known);
  });
  return app;
}

async function answerPost(
  context: Context<Env>,
  served: Served,
  { bodyLimit }: ServeSettings,
  host: Host,
  post: Post,
): Promise<Response> {
  const request = context.req.raw;
  const call = host.begin(request.signal);
  let isStreaming = false;
  try {
    const fields = new Fields(await readJson(request, bodyLimit));
    const given = await post(served, fields, call);
    isStreaming = given instanceof Response;
    return answer(context, given);
  } catch (error) {
    if (request.signal.aborted) return context.body(null, { status: clientGone as 400 });
    if (call.signal.aborted) throw closing();
    throw error instanceof Error ? error : new Error(String(error));
  } finally {
    // A stream ends its call itself.
    if (!isStreaming) call.end();
  }
}

/** Typed arrays are written as arrays, and null for numbers that JSON has not. */
const plain = (_key: string, value: unknown): unknown =>
  ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : value;

function answer(context: Context<Env>, given: Answer): Response {
  if (given instanceof Response) {
    given.headers.set('x-request-id', context.get('requestId'));
    return given;
  }
  return context.body(JSON.stringify(given, plain), 200, { 'content-type': 'application/json' });
}

function failure(context: Context<Env>, error: HttpError): Response {
  const status = error.status as 400;
  if (status === (401 as number)) context.header('www-authenticate', 'Bearer');
  // What is left of such a body is not waited for.
  if (status === (413 as number)) context.header('connection', 'close');
  return context.json(error.body, status);
}

const notAllowed =
  (method: string) =>
  (context: Context<Env>): never => {
    context.header('allow', method);
    const message = `${context.req.path} is for ${method}, not for ${context.req.method}`;
    throw new HttpError(405, message, { code: 'method_not_allowed' });
  };

/** Asks for a key; compared by digests, in a time that tells nothing of it. */
function keyCheck(apiKey: string) {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = digest(apiKey);
  return async (context: Context<Env>, next: () => Promise<void>): Promise<void> => {
    const [, given = ''] =
      /^Bearer +(\S+) *$/i.exec(context.req.header('authorization') ?? '') ?? [];
    if (!timingSafeEqual(digest(given), wanted)) {
      const type = 'authentication_error';
      throw new HttpError(401, 'The API key is missing or wrong', {
        type,
        code: 'invalid_api_key',
      });
    }
    await next();
  };
}
