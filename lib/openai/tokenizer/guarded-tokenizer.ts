// A remote tokenizer that can also tokenize continuations: it adds nothing in front of a text that
// continues another, and drops nothing in front of a token's. `find-tokenizer.ts` wraps those in it
// that are not known to do so by themselves.

import { findGuard, type Guard, tokenizeContinuation } from '../../common/continuation.js';
import { concatenate } from '../../common/token-arrays.js';
import { mapConcurrently } from '../http/parallel.js';
import {
  type BareTokenizer,
  bytesOfText,
  type DetokenizeRequest,
  type RemoteTokenizer,
  type TokenizeRequest,
} from './tokenizer.js';

/** A guard with what the tokenizer makes of its tokens. */
interface KnownGuard extends Guard {
  detokenized: string;
}

/** Wraps a tokenizer; looks for its guard at the first continuation. */
export class GuardedTokenizer implements RemoteTokenizer {
  readonly #inner: BareTokenizer;
  readonly #texts = new Map<number, string>();
  readonly #tokens = new Map<string, number | undefined>();
  #guard: Promise<KnownGuard | undefined> | undefined;

  constructor(inner: BareTokenizer) {
    this.#inner = inner;
  }

  get size(): number | undefined {
    return this.#inner.size;
  }

  get contextSize(): number | undefined {
    return this.#inner.contextSize;
  }

  get endOfGeneration(): Int32Array {
    return this.#inner.endOfGeneration;
  }

  get sendsTokens(): boolean {
    return this.#inner.sendsTokens;
  }

  async tokenize(
    text: string,
    request: TokenizeRequest,
    signal?: AbortSignal,
  ): Promise<Int32Array> {
    const guard = request.continuation && text !== '' ? await this.#findGuard() : undefined;
    const tokenize = (some: string) => this.#inner.tokenize(some, request, signal);
    return tokenizeContinuation(tokenize, guard, text);
  }

  async detokenize(
    tokens: Int32Array,
    request: DetokenizeRequest,
    signal?: AbortSignal,
  ): Promise<string> {
    const guard = request.continuation && tokens.length > 0 ? await this.#findGuard() : undefined;
    if (guard !== undefined) {
      const guarded = concatenate(guard.tokens, tokens);
      const text = await this.#inner.detokenize(guarded, request, signal);
      if (text.startsWith(guard.detokenized)) return text.slice(guard.detokenized.length);
    }
    return this.#inner.detokenize(tokens, request, signal);
  }

  async textOf(token: number, signal?: AbortSignal): Promise<string> {
    const known = this.#texts.get(token);
    if (known !== undefined) return known;
    const request = { special: true, continuation: true };
    const text = await this.detokenize(Int32Array.of(token), request, signal);
    this.#texts.set(token, text);
    return text;
  }

  async bytesOf(token: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return bytesOfText(await this.textOf(token, signal));
  }

  async tokenOf({ text }: { text: string }, signal?: AbortSignal): Promise<number | undefined> {
    if (text.includes('\ufffd')) return undefined;
    if (!this.#tokens.has(text)) {
      const request = { addSpecial: false, parseSpecial: true, continuation: true };
      const tokens = await this.tokenize(text, request, signal);
      this.#tokens.set(text, tokens.length === 1 ? tokens[0] : undefined);
    }
    return this.#tokens.get(text);
  }

  #findGuard(): Promise<KnownGuard | undefined> {
    // Not under a caller's signal: what is found serves every call. A failure is not kept.
    this.#guard ??= this.#searchGuard().catch((error: unknown) => {
      this.#guard = undefined;
      throw error;
    });
    return this.#guard;
  }

  async #searchGuard(): Promise<KnownGuard | undefined> {
    const request = { addSpecial: false, parseSpecial: undefined, continuation: false };
    const guard = await findGuard((texts) => {
      return mapConcurrently(texts, (text) => this.#inner.tokenize(text, request));
    });
    if (guard === undefined) return undefined;
    const asText = { special: undefined, continuation: false };
    return { ...guard, detokenized: await this.#inner.detokenize(guard.tokens, asText) };
  }
}
