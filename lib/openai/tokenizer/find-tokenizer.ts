// Selects an LM's tokenizer by its options, its server and its model's name. `openai.ts` calls it.

import { NotSupportedError } from '../../common/errors.js';
import type { Client } from '../http/client.js';
import type { OpenAISettings } from '../options.js';
import { GuardedTokenizer } from './guarded-tokenizer.js';
import { OwnTokenizer } from './own-tokenizer.js';
import { ServerTokenizer } from './server-tokenizer.js';
import { tiktokenOf } from './tiktoken-tokenizer.js';
import type { RemoteTokenizer } from './tokenizer.js';

const openAIAddress = /^https:\/\/([a-z]+\.)?api\.openai\.com(\/|$)/;

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
  if (typeof tokenizer === 'object') return new GuardedTokenizer(new OwnTokenizer(tokenizer));
  const isOpenAI = openAIAddress.test(client.root);
  const usesServer =
    tokenizer === 'server' || (tokenizer === 'auto' && encoding === undefined && !isOpenAI);
  if (usesServer) {
    const found = await ServerTokenizer.find(client, signal);
    if (found !== undefined) return new GuardedTokenizer(found);
    if (tokenizer === 'server') {
      throw new NotSupportedError(
        'The server has no /tokenize endpoint like that of llama.cpp or vLLM',
      );
    }
  }
  return tiktokenOf(model, encoding);
}
