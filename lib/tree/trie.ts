// A growable token trie in flat arrays: thousands of choices make tens of thousands of nodes, and
// one object with a map per node would cost more than scoring them. TokenChoiceTree and
// `lib/tree/forest.ts` build on it.

/** Hash of parent and token, by multiplication with large odd constants. */
const hash = (parent: number, token: number): number =>
  Math.imul(Math.imul(parent, 0x9e3779b1) ^ Math.imul(token, 0x85ebca6b), 0xc2b2ae35) >>> 0;

/** Nodes are numbered in insertion order; 0 is the root. */
export class Trie {
  /** The number of nodes, including the root. */
  size = 1;
  #tokens = Int32Array.of(-1, 0);
  #parents = Int32Array.of(-1, 0);
  #firstChild = new Int32Array(2);
  #lastChild = new Int32Array(2);
  #nextSibling = new Int32Array(2);
  /** Hash table of nodes by parent and token, with open addressing; 0 marks an empty slot. */
  #table = new Int32Array(8);

  /** The child of a node with this token; appended to its siblings if missing. */
  child(parent: number, token: number): number {
    const mask = this.#table.length - 1;
    let slot = hash(parent, token) & mask;
    for (let node = this.#table[slot] as number; node !== 0; node = this.#table[slot] as number) {
      if (this.#parents[node] === parent && this.#tokens[node] === token) return node;
      slot = (slot + 1) & mask;
    }
    const node = this.size++;
    if (node === this.#tokens.length) this.#grow();
    this.#tokens[node] = token;
    this.#parents[node] = parent;
    const last = this.#lastChild[parent] as number;
    if (last === 0) this.#firstChild[parent] = node;
    else this.#nextSibling[last] = node;
    this.#lastChild[parent] = node;
    this.#table[slot] = node;
    if (this.size * 2 > this.#table.length) this.#rehash();
    return node;
  }

  /**
   * The nodes in depth-first order, parents first and siblings in insertion order. `tokens` and
   * `parents` are indexed by position in that order, `positions` by node.
   */
  depthFirst(): { tokens: Int32Array; parents: Int32Array; positions: Int32Array } {
    const tokens = new Int32Array(this.size);
    const parents = new Int32Array(this.size);
    const positions = new Int32Array(this.size);
    let node = 0;
    for (let position = 0; position < this.size; position++) {
      positions[node] = position;
      tokens[position] = this.#tokens[node] as number;
      parents[position] =
        position === 0 ? -1 : (positions[this.#parents[node] as number] as number);
      const child = this.#firstChild[node] as number;
      if (child !== 0) {
        node = child;
        continue;
      }
      while (node > 0 && this.#nextSibling[node] === 0) node = this.#parents[node] as number;
      node = this.#nextSibling[node] as number;
    }
    return { tokens, parents, positions };
  }

  #grow(): void {
    const larger = (values: Int32Array): Int32Array<ArrayBuffer> => {
      const copy = new Int32Array(values.length * 2);
      copy.set(values);
      return copy;
    };
    this.#tokens = larger(this.#tokens);
    this.#parents = larger(this.#parents);
    this.#firstChild = larger(this.#firstChild);
    this.#lastChild = larger(this.#lastChild);
    this.#nextSibling = larger(this.#nextSibling);
  }

  #rehash(): void {
    const table = new Int32Array(this.#table.length * 4);
    const mask = table.length - 1;
    for (let node = 1; node < this.size; node++) {
      let slot = hash(this.#parents[node] as number, this.#tokens[node] as number) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = node;
    }
    this.#table = table;
  }
}
