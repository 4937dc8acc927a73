// Names of tokens in responses: text if it is valid UTF-8, otherwise bytes, or the token's id.

import type { Model } from '../../model/model.js';

/** How a request wants tokens named. */
export type Naming = 'text' | 'id';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const escaped = (bytes: Uint8Array): string =>
  `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;

/** The names of a model's tokens, cached. */
export class TokenNames {
  readonly #model: Model;
  readonly #texts = new Map<number, string>();

  constructor(model: Model) {
    this.#model = model;
  }

  /**
   * A token's text; a control token's text is its name. A token whose bytes are not valid UTF-8 is
   * named like `bytes:\xe2\x80`, as in OpenAI's API, so that such tokens have distinct names.
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

  /** The bytes of {@link text}; for a control token, those of its name. */
  bytes(token: number): Uint8Array {
    const bytes = this.#model.tokenBytes(token);
    if (bytes.length > 0) return bytes;
    return Buffer.from(this.#model.detokenizeSync(Int32Array.of(token), { special: true }));
  }

  /** The bytes that a token adds to the generated text: none for a control token. */
  textBytes(token: number): Uint8Array {
    return this.#model.tokenBytes(token);
  }

  /** A token's name in the given style; by id it is `token_id:7`, as in vLLM. */
  name(token: number, naming: Naming): string {
    return naming === 'id' ? byId(token) : this.text(token);
  }

  /**
   * Unique names for distinct tokens: among tokens with the same text, the first is named by it
   * and the others by their ids.
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
