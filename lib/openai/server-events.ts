// Server-sent events: the `data` of each, out of bytes that may be cut anywhere. `client.ts` reads
// streamed answers with it.

/** Takes bytes, gives the data of the events that they complete. */
export class EventReader {
  // A line end may be one of three, and a character may be cut in two.
  readonly #decoder = new TextDecoder();
  #rest = '';
  #data: string[] = [];
  #endsInReturn = false;

  /** The data of the events that end in these bytes; of what is left over, with undefined. */
  push(bytes: Uint8Array | undefined): string[] {
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
    return lines.flatMap((line) => this.#take(line));
  }

  #take(line: string): string[] {
    if (line === '') {
      const data = this.#data.splice(0);
      return data.length === 0 ? [] : [data.join('\n')];
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'data') this.#data.push(value ?? '');
    return [];
  }
}
