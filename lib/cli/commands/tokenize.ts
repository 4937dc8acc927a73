// `autocog-lm tokenize`. Loads only the vocabulary, which is fast.

import { withModel } from '../engine.js';
import { UsageError } from '../failure.js';
import { readPrompt } from '../input.js';
import type { ModelFlags, PromptFlags } from '../options.js';
import { print, printJson } from '../output.js';
import { table } from '../view/table.js';
import { quote } from '../view/text.js';

export interface TokenizeFlags extends ModelFlags, PromptFlags {
  special?: boolean;
  parseSpecial?: boolean;
  ids?: boolean;
  json?: boolean;
}

export async function tokenize(
  argument: string | undefined,
  flags: TokenizeFlags,
  signal: AbortSignal,
): Promise<void> {
  if (argument !== undefined && (flags.prompt ?? flags.promptFile) !== undefined) {
    throw new UsageError('Pass the text as an argument or with a flag, not both');
  }
  const text = argument ?? (await readPrompt(flags, signal));
  const { model, special: addSpecial = false, parseSpecial = false } = flags;
  const tokens = await withModel(flags, { vocabOnly: true, signal }, async (model) => {
    const ids = await model.tokenize(text, { addSpecial, parseSpecial, signal });
    return Array.from(ids, (id) => ({
      id,
      text: model.detokenizeSync(Int32Array.of(id), { special: true }),
      bytes: model.tokenBytes(id),
    }));
  });
  if (flags.json) await printJson({ model, text, tokens });
  else if (flags.ids) await print(tokens.map(({ id }) => id).join(' '));
  else await print(tokenTable(tokens));
}

function tokenTable(tokens: readonly { id: number; text: string; bytes: Uint8Array }[]): string {
  return table(
    [
      ['position', 'right'],
      ['id', 'right'],
      ['token', 'left'],
      ['bytes', 'left'],
    ],
    tokens.map(({ id, text, bytes }, index) => [
      String(index),
      String(id),
      quote(text),
      Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' '),
    ]),
  );
}
