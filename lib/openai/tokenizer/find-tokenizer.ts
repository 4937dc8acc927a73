// Selects an LM's tokenizer by its options, its server and its model's name. `openai.ts` calls it.

import { NotSupportedError } from '../../common/errors.js';
import type { Client } from '../http/client.js';
import type { OpenAISettings } from '../options.js';
import { OwnTokenizer } from './own-tokenizer.js';
import { ServerTokenizer } from './server-tokenizer.js';
import { tiktokenOf } from './tiktoken-tokenizer.js';
import type { RemoteTokenizer } from './tokenizer.js';

const openAIs = /^https:\/\/([a-z]+\.)?api\.openai\.com(\/|$)/;

/**
 * The tokenizer that the options request.
 *
 * @throws NotSupportedError if none is available, and what the server's tokenizer rejects with
 */
export async function findTokenizer(
  client: Client,
  { model, tokenizer, encoding }: Pick<OpenAISettings, 'model' | 'tokenizer' | 'encoding'>,
  signal: AbortSignal | undefined,
): Promise<RemoteTokenizer> {
  if (typeof tokenizer === 'object') return new OwnTokenizer(tokenizer);
  const isOpenAIs = openAIs.test(client.root);
  const asksServer =
    tokenizer === 'server' || (tokenizer === 'auto' && encoding === undefined && !isOpenAIs);
  if (asksServer) {
    const found = await ServerTokenizer.find(client, signal);
    if (found !== undefined) return found;
    if (tokenizer === 'server') {
      throw new NotSupportedError('The server has no /tokenize as llama.cpp or vLLM have it');
    }
  }
  return tiktokenOf(model, encoding);
}
