// Texts and tokens as LLaMa needs them: many texts in one native job, where thousands of choices
// would be thousands of jobs.

import { callNative, runJob } from '../native/job.js';
import { type Model, nativeOf } from './model.js';

/** The tokens of each text; control tokens written out in a text stay plain text. */
export async function tokenizeMany(
  model: Model,
  texts: readonly string[],
  addSpecial: boolean,
): Promise<Int32Array[]> {
  const { bytes, ends } = encodeAll(texts);
  const { tokens, lengths } = await runJob(() => {
    return nativeOf(model).tokenizeMany(bytes, ends, addSpecial, false);
  });
  let end = 0;
  return Array.from(lengths, (length) => {
    end += length;
    return tokens.subarray(end - length, end);
  });
}

/** Gives the text of a token, control tokens included. */
export function textIn(model: Model): (token: number) => string {
  return (token) => callNative(() => nativeOf(model).detokenizeSync(Int32Array.of(token), true));
}

/** Some models want an end token around every text; what follows a prompt must not come after it. */
export function withoutEnd({ vocab }: Model, tokens: Int32Array): Int32Array {
  const { addEos, eos } = vocab;
  return addEos && tokens.at(-1) === eos ? tokens.slice(0, -1) : tokens;
}

/** UTF-8 of texts, one after the other, and where each ends. */
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
