// The tokenizer routes, in the formats of llama.cpp's server and of vLLM: `/tokenize`,
// `/detokenize` and `/tokenizer_info`.

import { type Fields, flag, text } from '../http/fields.js';
import { blaming, HttpError, invalidField } from '../http/http-error.js';
import type { Call, Served } from '../served.js';
import { tokenIds, tokenizePrompt } from './prompts.js';

/** Tokenizes a text. The fields of the request select the format. */
export function tokenize(served: Served, fields: Fields, call: Call) {
  served.checkModel(fields.get('model', text));
  return fields.has('content')
    ? tokenizeLlamaCpp(served, fields, call)
    : tokenizeVllm(served, fields, call);
}

async function tokenizeLlamaCpp({ lm, names }: Served, fields: Fields, { signal }: Call) {
  const content = fields.require('content', text);
  const addSpecial = fields.get('add_special', flag) ?? false;
  const parseSpecial = fields.get('parse_special', flag) ?? true;
  const withPieces = fields.get('with_pieces', flag) ?? false;
  checkSame(fields, content, addSpecial);
  fields.finish();
  const tokenizing = lm.tokenize(content, { addSpecial, parseSpecial, signal });
  const tokens = await blaming(tokenizing, () => 'content');
  const size = { max_model_len: lm.contextSize };
  if (!withPieces) return { tokens, ...size };
  return { ...size, tokens: Array.from(tokens, (id) => ({ id, piece: pieceOf(names.bytes(id)) })) };
}

/** Clients that do not know which server this is send the fields of both formats at once. */
function checkSame(fields: Fields, content: string, addSpecial: boolean): void {
  const prompt = fields.get('prompt', text);
  if (prompt === undefined) return;
  if (prompt !== content) throw invalidField('the same text as content', 'prompt', prompt);
  const same = fields.get('add_special_tokens', flag) ?? addSpecial;
  if (same !== addSpecial) {
    throw invalidField('the same as add_special', 'add_special_tokens', same);
  }
}

async function tokenizeVllm(served: Served, fields: Fields, { signal }: Call) {
  const prompt = fields.require('prompt', text);
  const addSpecial = fields.get('add_special_tokens', flag) ?? true;
  const withTexts = fields.get('return_token_strs', flag) ?? false;
  fields.finish();
  const { lm, names } = served;
  const tokenizing = addSpecial
    ? tokenizePrompt(served, prompt, signal).then(({ tokens }) => tokens)
    : lm.tokenize(prompt, { parseSpecial: true, signal });
  const tokens = await blaming(tokenizing, () => 'prompt');
  const texts = withTexts ? { token_strs: Array.from(tokens, (token) => names.text(token)) } : {};
  return { count: tokens.length, max_model_len: lm.contextSize, tokens, ...texts };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text, or bytes if they are not valid UTF-8. */
function pieceOf(bytes: Uint8Array): string | number[] {
  try {
    return decoder.decode(bytes);
  } catch {
    return Array.from(bytes);
  }
}

/** Detokenizes, control tokens included. The response has both servers' field names. */
export async function detokenize(served: Served, fields: Fields, { signal }: Call) {
  const { lm } = served;
  served.checkModel(fields.get('model', text));
  const tokens = fields.require('tokens', tokenIds(lm.vocabularySize));
  fields.finish();
  const content = await blaming(lm.detokenize(tokens, { special: true, signal }), () => 'tokens');
  return { content, prompt: content };
}

/** Describes the tokenizer. Clients that tokenize through this server request this first. */
export async function tokenizerInfo({ lm, chatTemplate }: Served) {
  const { vocab } = lm.model;
  if (vocab.type === 'none') {
    throw new HttpError(400, 'The model has no tokenizer', { code: 'not_supported' });
  }
  const textOf = (token: number | undefined): string | null =>
    token === undefined ? null : lm.model.detokenizeSync(Int32Array.of(token), { special: true });
  return {
    tokenizer_class: `gguf-${vocab.type}`,
    model_max_length: lm.contextSize,
    vocab_size: vocab.size,
    bos_token: textOf(vocab.bos),
    eos_token: textOf(vocab.eos),
    pad_token: textOf(vocab.pad),
    add_bos_token: vocab.addBos,
    add_eos_token: vocab.addEos,
    chat_template: chatTemplate ?? null,
  };
}
