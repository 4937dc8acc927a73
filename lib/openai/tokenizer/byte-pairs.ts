// Byte-pair encoding over js-tiktoken's ranks: the same tokens as its own encoder, byte-exact in
// both directions, in O(n log n) instead of O(n²) in the length of a word. `tiktoken-tokenizer.ts`
// uses it.

/** The exports of `js-tiktoken/ranks/*`. */
export interface Ranks {
  pat_str: string;
  special_tokens: Record<string, number>;
  /** Lines of `! <rank of the first token> <token in base64> <next token> …`. */
  bpe_ranks: string;
}

/** Packs a rank and an offset into one number that sorts by rank, then offset. */
const offsetLimit = 2 ** 32;

/** One encoding. Byte strings are held as latin1 strings, one character per byte. */
export class BytePairs {
  readonly special: ReadonlyMap<string, number>;
  /** The highest token id plus one. */
  readonly size: number;
  readonly #ranks = new Map<string, number>();
  readonly #bytes = new Map<number, Uint8Array>();
  readonly #wordPattern: RegExp;
  readonly #specialPattern: RegExp;

  constructor({ pat_str, special_tokens, bpe_ranks }: Ranks) {
    for (const line of bpe_ranks.split('\n')) {
      const [, first, ...tokens] = line.split(' ');
      for (const [index, token] of tokens.entries()) {
        const bytes = Buffer.from(token, 'base64');
        this.#ranks.set(bytes.toString('latin1'), Number(first) + index);
        this.#bytes.set(Number(first) + index, bytes);
      }
    }
    this.special = new Map(Object.entries(special_tokens));
    for (const [text, token] of this.special) this.#bytes.set(token, Buffer.from(text));
    this.size = [...this.#bytes.keys()].reduce((max, token) => Math.max(max, token), -1) + 1;
    this.#wordPattern = new RegExp(pat_str, 'gu');
    const texts = [...this.special.keys()].map((text) =>
      text.replace(/[|\\{}()[\]^$+*?.]/g, '\\$&'),
    );
    this.#specialPattern = new RegExp(`(${texts.join('|')})`);
  }

  /** The bytes of a token; undefined for an unknown id. */
  bytesOf(token: number): Uint8Array | undefined {
    return this.#bytes.get(token);
  }

  /** The token of exactly these bytes, if there is one. */
  tokenOf(bytes: Uint8Array): number | undefined {
    const ordinary = this.#ranks.get(Buffer.from(bytes).toString('latin1'));
    return ordinary ?? this.special.get(Buffer.from(bytes).toString());
  }

  /** Tokenizes a text; special tokens are recognized only with `parseSpecial`. */
  encode(text: string, parseSpecial: boolean): number[] {
    const tokens: number[] = [];
    // Replaces lone surrogates, which have no UTF-8 encoding.
    const whole = Buffer.from(text).toString();
    const parts =
      parseSpecial && this.special.size > 0 ? whole.split(this.#specialPattern) : [whole];
    for (const [index, part] of parts.entries()) {
      const special = index % 2 === 1 ? this.special.get(part) : undefined;
      if (special !== undefined) tokens.push(special);
      else this.#encodeWords(part, tokens);
    }
    return tokens;
  }

  #encodeWords(text: string, tokens: number[]): void {
    for (const [word] of text.matchAll(this.#wordPattern)) {
      const bytes = Buffer.from(word).toString('latin1');
      const whole = this.#ranks.get(bytes);
      if (whole !== undefined) tokens.push(whole);
      else this.#merge(bytes, tokens);
    }
  }

  /** Merges the adjacent pair of lowest rank, the leftmost of equals, until no pair is a token. */
  #merge(bytes: string, tokens: number[]): void {
    // A part starts at every offset whose `end` is not 0; `before` is the start of the preceding
    // part.
    const end = Uint32Array.from({ length: bytes.length }, (_, offset) => offset + 1);
    const before = Int32Array.from({ length: bytes.length }, (_, offset) => offset - 1);
    const heap = new Heap();
    const rankAt = (offset: number): number | undefined => {
      const middle = end[offset] as number;
      if (middle === 0 || middle >= bytes.length) return undefined;
      return this.#ranks.get(bytes.slice(offset, end[middle]));
    };
    const offer = (offset: number): void => {
      const rank = rankAt(offset);
      if (rank !== undefined) heap.push(rank * offsetLimit + offset);
    };
    for (let offset = 0; offset < bytes.length; offset++) offer(offset);
    for (let key = heap.pop(); key !== undefined; key = heap.pop()) {
      const offset = key % offsetLimit;
      // Skip stale entries: the part may have been merged since it was pushed.
      if (rankAt(offset) !== (key - offset) / offsetLimit) continue;
      const middle = end[offset] as number;
      const after = end[middle] as number;
      end[offset] = after;
      end[middle] = 0;
      if (after < bytes.length) before[after] = offset;
      offer(offset);
      const previous = before[offset] as number;
      if (previous >= 0) offer(previous);
    }
    for (let offset = 0; offset < bytes.length; offset = end[offset] as number) {
      tokens.push(this.#ranks.get(bytes.slice(offset, end[offset])) as number);
    }
  }
}

/** A binary min-heap of numbers. */
class Heap {
  readonly #keys: number[] = [];

  push(key: number): void {
    let index = this.#keys.length;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if ((this.#keys[above] as number) <= key) break;
      this.#keys[index] = this.#keys[above] as number;
      index = above;
    }
    this.#keys[index] = key;
  }

  pop(): number | undefined {
    const [first] = this.#keys;
    const last = this.#keys.pop();
    const { length } = this.#keys;
    if (last === undefined || length === 0) return first;
    let index = 0;
    for (let below = 1; below < length; below = 2 * index + 1) {
      const right = this.#keys[below + 1] ?? Infinity;
      if (right < (this.#keys[below] as number)) below++;
      if ((this.#keys[below] as number) >= last) break;
      this.#keys[index] = this.#keys[below] as number;
      index = below;
    }
    this.#keys[index] = last;
    return first;
  }
}
