// Reads a GGUF file forward, in either byte order, through a window of it: small values from the
// window, long stretches by moving on. `gguf-header.ts` parses with it.

import type { FileHandle } from 'node:fs/promises';

/** Most headers without their vocabulary fit. */
const firstWindow = 64 * 2 ** 10;
/** Takes a fraction of a millisecond to walk through, so that this does not block the event loop. */
const laterWindows = 2 ** 18;

/** A file that does not follow the format. `gguf-header.ts` reports it with the file's name. */
export class MalformedError extends Error {}

/** The position in a file from which values are read. */
export class GgufBytes {
  /** The file's size in bytes. */
  readonly size: number;
  isLittle = true;
  readonly #file: FileHandle;
  #memory = Buffer.alloc(0);
  #window = this.#memory;
  /** Where the window starts in the file. */
  #start = 0;
  /** The next byte, in the window. */
  #next = 0;
  #windowSize = firstWindow;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** The offset of the next byte in the file. */
  get position(): number {
    return this.#start + this.#next;
  }

  /** How many bytes of the file are left. */
  get left(): number {
    return this.size - this.position;
  }

  /** Throws unless `bytes` bytes are left. */
  expect(bytes: number): void {
    if (bytes > this.left) throw new MalformedError('it ends in its header');
  }

  /** Makes the next `bytes` bytes available to the methods that read. */
  async load(bytes: number): Promise<void> {
    if (this.#next + bytes <= this.#window.length) return;
    this.expect(bytes);
    const start = this.position;
    const length = Math.min(Math.max(bytes, this.#windowSize), this.left);
    this.#windowSize = laterWindows;
    // Values are copied out of it, so that it can be used again.
    if (length > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(length);
    const window = this.#memory.subarray(0, length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#file.read(window, done, length - done, start + done);
      // Cut off after its size was read.
      if (bytesRead === 0) throw new MalformedError('it ends in its header');
      done += bytesRead;
    }
    this.#window = window;
    this.#start = start;
    this.#next = 0;
  }

  /** Moves on by `bytes` bytes, which need not be loaded. */
  skip(bytes: number): void {
    this.expect(bytes);
    this.#next += bytes;
  }

  /** The next bytes, loaded before, as UTF-8. Invalid sequences become U+FFFD. */
  text(bytes: number): string {
    const at = this.#take(bytes);
    return this.#window.toString('utf8', at, at + bytes);
  }

  /** An unsigned integer of at most 6 bytes, loaded before. */
  unsigned(bytes: number): number {
    const at = this.#take(bytes);
    return this.isLittle ? this.#window.readUIntLE(at, bytes) : this.#window.readUIntBE(at, bytes);
  }

  /** A signed integer of at most 6 bytes, loaded before. */
  signed(bytes: number): number {
    const at = this.#take(bytes);
    return this.isLittle ? this.#window.readIntLE(at, bytes) : this.#window.readIntBE(at, bytes);
  }

  /** An integer of 8 bytes, loaded before: a bigint where a number would not be exact. */
  long(isSigned: boolean): number | bigint {
    const at = this.#take(8);
    const bits = this.isLittle
      ? this.#window.readBigUInt64LE(at)
      : this.#window.readBigUInt64BE(at);
    const value = isSigned ? BigInt.asIntN(64, bits) : bits;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  /** A floating-point number of 4 or 8 bytes, loaded before. */
  float(bytes: 4 | 8): number {
    const at = this.#take(bytes);
    const window = this.#window;
    if (bytes === 4) return this.isLittle ? window.readFloatLE(at) : window.readFloatBE(at);
    return this.isLittle ? window.readDoubleLE(at) : window.readDoubleBE(at);
  }

  /** A length or count of 8 bytes, loaded before. One beyond 2^53 is beyond any file. */
  length(): number {
    return Number(this.long(false));
  }

  /** Moves on by `count` texts. A vocabulary has hundreds of thousands. */
  async skipTexts(count: number): Promise<void> {
    // Each has at least its length.
    this.expect(count * 8);
    for (let left = count; left > 0; ) {
      await this.load(8);
      const skipped = this.#skipLoadedTexts(left);
      left -= skipped;
      if (this.left < 0) throw new MalformedError('it ends in its header');
    }
  }

  /** Moves on by texts whose lengths are in the window; returns how many. */
  #skipLoadedTexts(count: number): number {
    const { buffer, byteOffset, length: end } = this.#window;
    const view = new DataView(buffer, byteOffset, end);
    const isLittle = this.isLittle;
    const [low, high] = isLittle ? [0, 4] : [4, 0];
    let next = this.#next;
    let skipped = 0;
    while (skipped < count && next <= end - 8) {
      // Signed, as small integers are the fastest. The engine's limit is half of what that allows.
      const length = view.getInt32(next + low, isLittle);
      if (length < 0 || view.getInt32(next + high, isLittle) !== 0) {
        throw new MalformedError('it has a text of an impossible length in a list');
      }
      next += 8 + length;
      skipped++;
    }
    this.#next = next;
    return skipped;
  }

  #take(bytes: number): number {
    this.#next += bytes;
    return this.#next - bytes;
  }
}
