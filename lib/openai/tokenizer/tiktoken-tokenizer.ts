// The tokenizers of OpenAI's models, built from js-tiktoken's ranks. `find-tokenizer.ts` creates
// them.

import { NotSupportedError } from '../../common/errors.js';
import { requirePeer } from '../../common/peers.js';
import { BytePairs, type Ranks } from './byte-pairs.js';
import { type EncodingName, encodingNames, encodingOf } from './encodings.js';
import type { RemoteTokenizer, TokenizeRequest } from './tokenizer.js';

/** Loading an encoding takes some hundred milliseconds, so all LMs share it. */
const loaded = new Map<EncodingName, BytePairs>();

/**
 * The tokenizer for an encoding, by default the model's.
 *
 * @throws NotSupportedError for a model without a known encoding; LMError `PEER_MISSING`
 */
export function tiktokenOf(model: string, encoding: EncodingName | undefined): RemoteTokenizer {
  const name = encoding ?? encodingByName(model);
  if (name === undefined) throw noEncoding(model);
  let pairs = loaded.get(name);
  if (pairs === undefined) {
    pairs = new BytePairs(requirePeer<Ranks>('js-tiktoken', 'OpenAI', `/ranks/${name}`));
    loaded.set(name, pairs);
  }
  return new TiktokenTokenizer(pairs);
}

/** The error if no tokenizer is known for the model. */
const noEncoding = (model: string): NotSupportedError =>
  new NotSupportedError(
    `No tokenizer is known for the model ${JSON.stringify(model)}: the server has no /tokenize, and ` +
      `js-tiktoken does not know the model; set the option encoding (${encodingNames.join(', ')}) or tokenizer`,
  );

function encodingByName(model: string): EncodingName | undefined {
  const { getEncodingNameForModel } = requirePeer<{
    getEncodingNameForModel(model: string): EncodingName;
  }>('js-tiktoken', 'OpenAI', '/lite');
  return encodingOf(model, getEncodingNameForModel);
}

class TiktokenTokenizer implements RemoteTokenizer {
  readonly contextSize = undefined;
  readonly endOfGeneration: Int32Array;
  readonly sendsTokens = false;
  readonly #pairs: BytePairs;
  readonly #specials: ReadonlySet<number>;

  constructor(pairs: BytePairs) {
    this.#pairs = pairs;
    this.#specials = new Set(pairs.special.values());
    const end = pairs.special.get('<|endoftext|>');
    this.endOfGeneration = end === undefined ? new Int32Array(0) : Int32Array.of(end);
  }

  get size(): number {
    return this.#pairs.size;
  }

  /** OpenAI's models add no special tokens around a text, so `addSpecial` has no effect. */
  async tokenize(text: string, { parseSpecial = false }: TokenizeRequest): Promise<Int32Array> {
    return Int32Array.from(this.#pairs.encode(text, parseSpecial));
  }

  async detokenize(
    tokens: Int32Array,
    { special = false }: { special: boolean | undefined },
  ): Promise<string> {
    const visible = [...tokens].filter((token) => special || !this.#specials.has(token));
    const parts = visible.map((token) => this.#pairs.bytesOf(token) ?? new Uint8Array(0));
    return Buffer.concat(parts).toString();
  }

  textOf(token: number): Promise<string> {
    return this.detokenize(Int32Array.of(token), { special: true });
  }

  async bytesOf(token: number): Promise<Uint8Array | undefined> {
    return this.#pairs.bytesOf(token);
  }

  async tokenOf({ text, bytes }: { text: string; bytes: Uint8Array | undefined }) {
    return this.#pairs.tokenOf(bytes ?? Buffer.from(text));
  }
}
