// Loads the optional peer dependencies, which only some classes need and their users install.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import root from '#package';
import { LMError } from './errors.js';

const load = createRequire(join(root, 'package.json'));

/** The argument of `npm install` for each peer; package.json has the same ranges. */
const peers = {
  '@hono/node-server': '@hono/node-server@2',
  '@huggingface/transformers': '@huggingface/transformers@4',
  'cli-progress': 'cli-progress@3',
  'cli-table3': 'cli-table3@0.6',
  commander: 'commander@14',
  hono: 'hono@4',
  'js-tiktoken': 'js-tiktoken@1',
  openai: 'openai@6',
  yaml: 'yaml@2',
} as const;

/** A peer dependency. */
export type Peer = keyof typeof peers;

/**
 * Checks that all of these peers are installed, without loading them.
 *
 * @throws LMError `PEER_MISSING`, which names all packages to install
 */
export function checkPeers(needed: readonly Peer[], user: string): void {
  const missing: Peer[] = [];
  let cause: unknown;
  for (const peer of needed) {
    try {
      load.resolve(peer);
    } catch (error) {
      missing.push(peer);
      cause ??= error;
    }
  }
  if (missing.length === 0) return;
  const packages = missing.map((peer) => peers[peer]).join(' ');
  throw new LMError(`${user} needs packages that are not installed: npm install ${packages}`, {
    code: 'PEER_MISSING',
    cause,
  });
}

/**
 * The exports of a peer dependency, loaded on first use.
 *
 * @param user the class that needs the peer, for the error message
 * @param path a subpath export of the package, with its leading slash
 * @throws LMError `PEER_MISSING`, which names the package to install
 */
export function requirePeer<T>(peer: Peer, user: string, path = ''): T {
  try {
    return load(peer + path) as T;
  } catch (cause) {
    throw new LMError(
      `${user} needs the package ${peer}, which could not be loaded: npm install ${peers[peer]}`,
      { code: 'PEER_MISSING', cause },
    );
  }
}
