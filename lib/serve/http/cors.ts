// Cross-origin requests: lets the web pages of chosen origins call the server. `app.ts` uses it if
// the option `cors` is set; browsers block such pages otherwise.

import type { Context, Next } from 'hono';

/** How long browsers may remember the answer to a preflight, in seconds: the most Chrome allows. */
const maxAge = 7200;

/**
 * Middleware that answers preflights and marks every other response, errors and streams included,
 * as readable for pages of these origins; `*` means any.
 */
export function allowOrigins(origins: readonly string[]) {
  const isOpen = origins.includes('*');
  return async (context: Context, next: Next): Promise<Response | undefined> => {
    const origin = context.req.header('origin') ?? '';
    const allowed = isOpen ? '*' : origins.find((one) => one === origin);
    if (isPreflight(context)) {
      const headers = context.req.header('access-control-request-headers');
      mark(context, allowed);
      if (allowed !== undefined) {
        context.header('access-control-allow-methods', 'GET, POST');
        // Clients send headers of their own, such as the openai package's x-stainless-….
        if (headers !== undefined) context.header('access-control-allow-headers', headers);
        context.header('access-control-max-age', String(maxAge));
      }
      context.header('vary', 'Access-Control-Request-Headers', { append: true });
      return context.body(null, 204);
    }
    await next();
    mark(context, allowed);
    if (allowed !== undefined) context.header('access-control-expose-headers', 'x-request-id');
    return undefined;
  };

  function mark(context: Context, allowed: string | undefined): void {
    if (allowed !== undefined) context.header('access-control-allow-origin', allowed);
    // The same response goes to every origin if all are allowed.
    if (!isOpen) context.header('vary', 'Origin', { append: true });
  }
}

/** A browser's question whether it may send a request. It carries no API key. */
const isPreflight = ({ req }: Context): boolean =>
  req.method === 'OPTIONS' && req.header('access-control-request-method') !== undefined;
