// The check of the header `Host`, against DNS rebinding: a web page whose name is made to point to
// this machine counts as the server's own origin for a browser, and could use a server without a
// key. Its requests carry the page's name as the host. `app.ts` uses it where there is no key.

import { isIP } from 'node:net';
import type { Context, Next } from 'hono';
import { HttpError } from './http-error.js';

/** The name in a `Host` header, in lower case and without the port. */
function nameOf(host: string): string {
  const name = /^\[([^\]]*)\](?::\d*)?$/.exec(host)?.[1] ?? host.replace(/:\d*$/, '');
  return name.toLowerCase().replace(/\.$/, '');
}

/**
 * Middleware that refuses requests to other hosts than these. Addresses are always allowed, since
 * no page can have one as its name, and so are the names of this machine itself.
 *
 * @param hosts names without a port; `*` for any
 */
export function allowHosts(hosts: readonly string[]) {
  const known = new Set(hosts.map((host) => nameOf(host)));
  const isAllowed = (name: string): boolean =>
    known.has(name) || isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');
  return async (context: Context, next: Next): Promise<void> => {
    const host = context.req.header('host') ?? '';
    if (!known.has('*') && !isAllowed(nameOf(host))) {
      const message = `The host ${JSON.stringify(host.slice(0, 200))} is not allowed; the server has the option allowedHosts (--allow-host)`;
      throw new HttpError(403, message, { code: 'host_not_allowed' });
    }
    await next();
  };
}
