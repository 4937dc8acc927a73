// Packages that only some classes need, and whose users install them: the peer dependencies.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import root from '#package';
import { LMError } from './errors.js';

const load = createRequire(join(root, 'package.json'));

/** What `npm install` is told for each; package.json has the same ranges. */
const peers = {
  '@huggingface/transformers': '@huggingface/transformers@4',
  'js-tiktoken': 'js-tiktoken@1',
  openai: 'openai@6',
} as const;

/** A peer dependency. */
export type Peer = keyof typeof peers;

/**
 * The exports of a peer dependency, loaded when it is first asked for.
 *
 * @param user what needs it, for the error
 * @param path an entry of the package other than its main one, with the slash before it
 * @throws LMError `PEER_MISSING`, which says what to install
 */
export function requirePeer<T>(peer: Peer, user: string, path = ''): T {
  try {
    return load(peer + path) as T;
  } catch (cause) {
    const message = `${user} needs the package ${peer}, which cannot be loaded here: npm install ${peers[peer]}`;
    throw new LMError(message, { code: 'PEER_MISSING', cause });
  }
}
