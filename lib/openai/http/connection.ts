// The client of the package `openai` that sends an LM's requests: the caller's, or one created
// here. The class OpenAI calls it once.

import { wrongType } from '../../common/arguments.js';
import { requirePeer } from '../../common/peers.js';
import type { OpenAISettings } from '../options.js';
import { withErrorObject } from './error-body.js';
import type { OpenAIClient, Transport } from './exchange.js';

interface ClientInstance extends OpenAIClient {
  makeStatusError(status: number, body: unknown, message: unknown, headers: unknown): Error;
}

type ClientClass = new (options: object) => ClientInstance;

/** The default server. */
const defaultBaseURL = 'https://api.openai.com/v1';

/**
 * The client, and the headers to add to all of its requests.
 *
 * @throws LMError `PEER_MISSING`; TypeError for OpenAI's own server without a key
 */
export function makeClient(
  connection: OpenAISettings['connection'],
): Pick<Transport, 'client' | 'headers'> {
  if (connection.client !== undefined) return { client: connection.client, headers: {} };
  const { OpenAI } = requirePeer<{ OpenAI: ClientClass }>('openai', 'OpenAI');
  const baseURL = connection.baseURL ?? (process.env.OPENAI_BASE_URL || defaultBaseURL);
  const apiKey = connection.apiKey ?? (process.env.OPENAI_API_KEY || undefined);
  if (apiKey === undefined && baseURL.startsWith('https://api.openai.com')) {
    throw wrongType('a key, or OPENAI_API_KEY in the environment,', 'apiKey', apiKey);
  }
  // The client requires a key. A placeholder satisfies it, and no header sends it.
  class DetailedClient extends OpenAI {
    override makeStatusError(status: number, body: unknown, message: unknown, headers: unknown) {
      return super.makeStatusError(status, withErrorObject(body), message, headers);
    }
  }
  const client = new DetailedClient({
    baseURL,
    apiKey: apiKey ?? 'none',
    maxRetries: 0,
    logLevel: 'off',
  });
  return { client, headers: apiKey === undefined ? { Authorization: null } : {} };
}
