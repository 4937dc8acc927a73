// How tokens are written in answers: as text where they are some, else as bytes or by their ids.

import type { Model } from '../../model/model.js';

/** How a request wants tokens to be named. */
export type Naming = 'text' | 'id';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const escaped = (bytes: Uint8Array): string =>
  `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;

/** The names of a model's tokens, kept once they are made. */
export class TokenNames {
  readonly #model: Model;
  readonly #texts = new Map<number, string>();

  constructor(model: Model) {
    this.#model = model;
  }

  /**
   * A token's text, that of a control token included. One whose bytes are no whole characters is
   * `bytes:\xe2\x80`, as OpenAI writes it, so that two such tokens have two names.
   */
  text(token: number): string {
    let text = this.#texts.get(token);
    if (text === undefined) {
      const bytes = this.bytes(token);
      try {
        text = decoder.decode(bytes);
      } catch {
        text = escaped(bytes);
      }
      this.#texts.set(token, text);
    }
    return text;
  }

  /** The bytes of {@link text}: those of a control token are its name's. */
  bytes(token: number): Uint8Array {
    const bytes = this.#model.tokenBytes(token);
    if (bytes.length > 0) return bytes;
    return Buffer.from(this.#model.detokenizeSync(Int32Array.of(token), { special: true }));
  }

  /** The bytes that a token adds to what is written: none for a control token. */
  written(token: number): Uint8Array {
    return this.#model.tokenBytes(token);
  }

  /** A token as a request wants it named; by its id it is `token_id:7`, as vLLM writes it. */
  name(token: number, naming: Naming): string {
    return naming === 'id' ? byId(token) : this.text(token);
  }

  /**
   * Names of different tokens, no two of them the same: of tokens with one text the first has it,
   * and the others are named by their ids.
   */
  distinct(tokens: readonly number[], naming: Naming): string[] {
    const taken = new Set<string>();
    return tokens.map((token) => {
      const name = this.name(token, naming);
      if (taken.has(name)) return byId(token);
      taken.add(name);
      return name;
    });
  }
}

const byId = (token: number): string => `token_id:${token}`;
