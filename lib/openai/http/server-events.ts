// Server-sent events: the `data` of each, out of bytes that may be cut anywhere. `client.ts` reads
// streamed answers with it.

import { Failure } from './failure.js';

/** Fields that say nothing here; a line without a name is a comment. */
const others = new Set(['', 'event', 'id', 'retry']);

/** Takes bytes, gives the data of the events that they complete. */
export class EventReader {
  // A line end may be one of three, and a character may be cut in two.
  readonly #decoder = new TextDecoder();
  #rest = '';
  #data: string[] = [];
  #endsInReturn = false;
  readonly #requestId: string | undefined;

  constructor(requestId?: string) {
    this.#requestId = requestId;
  }

  /**
   * The data of the events that end in these bytes; of what is left over, with undefined.
   *
   * @throws Failure for what is no event
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
    // The last event of an answer may lack its empty line.
    if (bytes === undefined) lines.push(...(this.#rest === '' ? [''] : [this.#rest, '']));
    for (const line of lines) yield* this.#take(line);
  }

  #take(line: string): string[] {
    if (line === '') {
      const data = this.#data.splice(0);
      return data.length === 0 ? [] : [data.join('\n')];
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'data') this.#data.push(value);
    // An older llama.cpp's way of failing.
    else if (field === 'error') this.#data.push(`{"error":${value}}`);
    else if (!others.has(field)) {
      // The standard would drop it, and with it what may be a part of the text.
      const said = JSON.stringify(line.slice(0, 80));
      throw new Failure(`The answer cannot be read: ${said} is no line of an event`, {
        requestId: this.#requestId,
        mayPass: true,
      });
    }
    return [];
  }
}
