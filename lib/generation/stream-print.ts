// Prints a completion while it is generated. Implements `LM.streamPrint`.

import type { Writable } from 'node:stream';
import { checkBoolean, checkString, type Prompt, wrongType } from '../common/arguments.js';
import type { CompleteOptions } from './completion-options.js';
import type { CompletionStream } from './completion-stream.js';

/** Options of `streamPrint`: those of `stream`, and how to print. */
export interface StreamPrintOptions extends CompleteOptions {
  /** Printed after the text, but not part of the result. Default a newline. */
  end?: string | undefined;
  /** Where to print. Default standard output. */
  file?: Pick<Writable, 'write'> | undefined;
  /** Wait for each write to finish before the next. Default false: only at the end. */
  flush?: boolean | undefined;
}

interface StreamingLM {
  stream(prompt: Prompt, options?: CompleteOptions): CompletionStream;
}

/**
 * Continues the prompt and prints the text as it is generated. Resolves with the text once
 * everything is written; if `file` fails, the generation ends and the call rejects with that error.
 */
export async function streamPrint(
  lm: StreamingLM,
  prompt: Prompt,
  options: StreamPrintOptions = {},
): Promise<string> {
  if (typeof options !== 'object' || options === null) {
    throw wrongType('an object', 'options', options);
  }
  const { end = '\n', file = process.stdout, flush = false, ...rest } = options;
  checkString(end, 'end');
  checkBoolean(flush, 'flush');
  if (typeof file?.write !== 'function') throw wrongType('a writable stream', 'file', file);
  const print = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const result: unknown = file.write(text, (error) => (error ? reject(error) : resolve()));
      // A file of the caller's own may be asynchronous, and fail like that.
      if (result instanceof Promise) result.catch(reject);
    });
  const stream = lm.stream(prompt, rest);
  let printing = Promise.resolve();
  let failed = false;
  for await (const { text } of stream) {
    if (failed) break;
    if (text === '') continue;
    printing = Promise.all([printing, print(text)]).then(() => {});
    if (flush) await printing;
    else {
      printing.catch(() => {
        failed = true;
      });
    }
  }
  await printing;
  const completion = await stream.completion;
  if (end !== '') await print(end);
  return completion.text;
}
