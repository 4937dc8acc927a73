// Parses server-sent events: extracts the `data` of each from bytes that may be split anywhere.
// `client.ts` reads streamed responses with it.

import { Failure } from './failure.js';

/** Fields without meaning here; a line with an empty field name is a comment. */
const ignoredFields = new Set(['', 'event', 'id', 'retry']);

/** Takes bytes and yields the data of the events that they complete. */
export class EventReader {
  // A line may end in LF, CR or CRLF, and a multi-byte character may be split across reads.
  readonly #decoder = new TextDecoder();
  #rest = '';
  #data: string[] = [];
  #endsInReturn = false;
  readonly #requestId: string | undefined;

  constructor(requestId?: string) {
    this.#requestId = requestId;
  }

  /**
   * The data of the events that these bytes complete. Undefined flushes the rest at the end of the
   * stream.
   *
   * @throws Failure for a line that is not part of an event
   */
  *push(bytes: Uint8Array | undefined): Generator<string, void> {
    let text =
      bytes === undefined ? this.#decoder.decode() : this.#decoder.decode(bytes, { stream: true });
    if (text !== '') {
      if (this.#endsInReturn && text.startsWith('\n')) text = text.slice(1);
      this.#endsInReturn = text.endsWith('\r');
    }
    const lines = text.split(/\r\n|\n|\r/);
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop() ?? '';
    // The last event of a response may lack its blank line.
    if (bytes === undefined) lines.push(...(this.#rest === '' ? [''] : [this.#rest, '']));
    for (const line of lines) yield* this.#readLine(line);
  }

  #readLine(line: string): string[] {
    if (line === '') {
      const data = this.#data.splice(0);
      return data.length === 0 ? [] : [data.join('\n')];
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'data') this.#data.push(value);
    // How older versions of llama.cpp's server report errors.
    else if (field === 'error') this.#data.push(`{"error":${value}}`);
    else if (!ignoredFields.has(field)) {
      // The standard says to ignore unknown fields, but this may be a corrupted part of the text.
      const shown = JSON.stringify(line.slice(0, 80));
      throw new Failure(`The response cannot be parsed: ${shown} is not a line of an event`, {
        requestId: this.#requestId,
        isRetryable: true,
      });
    }
    return [];
  }
}
