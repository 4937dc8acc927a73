// Tokenizes many texts in one native job, as thousands of choices would otherwise be thousands of
// jobs; and helpers for tokens and texts. LLaMa, Embedder and the server's prompts use it.

import { callNative, runJob } from '../native/job.js';
import { type Model, nativeOf } from './model.js';

/** How texts are tokenized. */
export interface TokenizeManyOptions {
  /** Default false. */
  parseSpecial?: boolean;
  signal?: AbortSignal | undefined;
}

/** The tokens of each text. Unless `parseSpecial`, control tokens spelled out in it are text. */
export async function tokenizeMany(
  model: Model,
  texts: readonly string[],
  addSpecial: boolean,
  { parseSpecial = false, signal }: TokenizeManyOptions = {},
): Promise<Int32Array[]> {
  const { bytes, ends } = encodeAll(texts);
  const { tokens, lengths } = await runJob((cancellation) => {
    return nativeOf(model).tokenizeMany(bytes, ends, addSpecial, parseSpecial, cancellation);
  }, signal);
  let end = 0;
  return Array.from(lengths, (length) => {
    end += length;
    return tokens.subarray(end - length, end);
  });
}

const tokenTexts = new WeakMap<Model, Map<number, string>>();

/** Returns a function from token to text, which includes control tokens; texts are cached. */
export function textIn(model: Model): (token: number) => string {
  const known = tokenTexts.get(model) ?? new Map<number, string>();
  tokenTexts.set(model, known);
  return (token) => {
    let text = known.get(token);
    if (text === undefined) {
      text = callNative(() => nativeOf(model).detokenizeSync(Int32Array.of(token), true, true));
      known.set(token, text);
    }
    return text;
  };
}

/**
 * The tokens without the trailing EOS that some models add to every text: a continuation of a
 * prompt must not follow it. What an encoder reads keeps it.
 */
export function withoutEnd({ vocab, info }: Model, tokens: Int32Array): Int32Array {
  const { addEos, eos } = vocab;
  if (info.encoderDecoder) return tokens;
  return addEos && tokens.at(-1) === eos ? tokens.slice(0, -1) : tokens;
}

/** The concatenated UTF-8 of the texts, and the end offset of each. */
function encodeAll(texts: readonly string[]): { bytes: Uint8Array; ends: Int32Array } {
  const ends = new Int32Array(texts.length);
  let end = 0;
  for (let index = 0; index < texts.length; index++) {
    end += Buffer.byteLength(texts[index] as string);
    ends[index] = end;
  }
  const bytes = Buffer.allocUnsafe(end);
  let start = 0;
  for (const text of texts) start += bytes.write(text, start);
  return { bytes, ends };
}
