// A forward pass through a Transformers model: token ids and a past in, logits and a longer past
// out. `Engine` calls it, one call at a time.

import { LMError, NotSupportedError } from '../common/errors.js';
import { floatsOf } from './half.js';
import { Past } from './past.js';
import {
  type Numbers,
  type Peer,
  type PeerModel,
  type PeerSession,
  type PeerTensor,
  silently,
} from './peer.js';

/** The output of a forward pass. */
export interface Output {
  /** The logits of a row's token `back` tokens before its last one. */
  logits(row: number, back: number): Float32Array;
  /** All tokens so far, to be released by the caller; undefined if they cannot be continued. */
  past: Past | undefined;
}

const plainInputs = new Set([
  'input_ids',
  'attention_mask',
  'position_ids',
  'num_logits_to_keep',
  'use_cache_branch',
]);

const isState = (name: string): boolean => name.startsWith('past');
const keyOrValue = /^past_key_values\.(\d+\.(?:key|value))$/;
const presentOf = (name: string): string => name.replace('past_key_values', 'present');

/** Whether the model's whole state is keys and values per token, which can be truncated. */
function hasTruncatableState({ inputMetadata, outputNames }: PeerSession): boolean {
  const states = inputMetadata.filter(({ name }) => isState(name));
  return (
    states.length > 0 &&
    states.every(({ name, shape = [] }) => {
      const [rows, heads, length, size] = shape;
      const isDynamic = typeof rows === 'string' && typeof length === 'string';
      const isFixed = typeof heads === 'number' && typeof size === 'number';
      const hasShape = shape.length === 4 && isDynamic && isFixed;
      return keyOrValue.test(name) && hasShape && outputNames.includes(presentOf(name));
    })
  );
}

/** A causal language model that computes logits. */
export class Network {
  readonly #peer: Peer;
  readonly #model: PeerModel;
  readonly #states: readonly string[];
  readonly #bytesPerToken: number;
  #keepsPast: boolean;

  /** @throws NotSupportedError for a model in several parts, or with inputs other than tokens */
  constructor(peer: Peer, model: PeerModel) {
    const session = model.sessions.model;
    if (session === undefined || Object.keys(model.sessions).length > 1) {
      throw new NotSupportedError('The model is not a single ONNX decoder');
    }
    const unknown = session.inputNames.filter((name) => !plainInputs.has(name) && !isState(name));
    if (unknown.length > 0) {
      throw new NotSupportedError(`TfLM does not support the model inputs ${unknown.join(', ')}`);
    }
    if (!session.inputNames.includes('input_ids')) {
      throw new NotSupportedError('The model has no input input_ids');
    }
    if (!session.outputNames.includes('logits')) {
      throw new NotSupportedError('The model has no output logits');
    }
    this.#peer = peer;
    this.#model = model;
    this.#keepsPast = hasTruncatableState(session);
    const states = session.inputMetadata.filter(({ name }) => this.#keepsPast && isState(name));
    this.#states = states.map(({ name }) => name);
    this.#bytesPerToken = states.reduce((sum, { type, shape = [] }) => {
      return sum + Number(shape[1]) * Number(shape[3]) * (type === 'float16' ? 2 : 4);
    }, 0);
  }

  /** Whether a forward pass can continue the past of an earlier one. */
  get keepsPast(): boolean {
    return this.#keepsPast;
  }

  /** Bytes of the keys and values of a token; 0 without a past. */
  get bytesPerToken(): number {
    return this.#bytesPerToken;
  }

  /**
   * Decodes an equal number of tokens in each row, after a past with as many rows.
   *
   * @param tokens row by row
   * @param logitsCount how many tokens at the end of each row need logits; at least 1
   * @throws LMError `DECODE_FAILED`
   */
  async forward(
    tokens: Int32Array,
    rows: number,
    past: Past | undefined,
    logitsCount: number,
  ): Promise<Output> {
    const length = tokens.length / rows;
    const whole = (past?.length ?? 0) + length;
    const ones = new BigInt64Array(rows * whole).fill(1n);
    const inputs = {
      input_ids: this.#tensor(BigInt64Array.from(tokens, BigInt), [rows, length]),
      attention_mask: this.#tensor(ones, [rows, whole]),
      num_logits_to_keep: this.#tensor(BigInt64Array.of(BigInt(logitsCount)), []),
      past_key_values: past?.inputs ?? null,
    };
    const outputs = await this.#run(inputs);
    const { logits } = outputs;
    if (logits === undefined) throw failed('it returned no logits', undefined);
    await onHost(logits);
    const [, positions = 0, size = 0] = logits.dims;
    if (logits.type !== 'float32' && logits.type !== 'float16') {
      throw new NotSupportedError(`Logits of type ${logits.type} are not supported`);
    }
    return {
      logits: (row, back) => {
        const start = (row * positions + positions - 1 - back) * size;
        return floatsOf(logits, start, start + size);
      },
      past: await this.#pastOf(outputs, rows, whole),
    };
  }

  /** Frees the model. */
  async dispose(): Promise<void> {
    await this.#model.dispose();
  }

  #tensor(data: Numbers, dims: readonly number[]): PeerTensor {
    return new this.#peer.Tensor('int64', data, dims);
  }

  async #run(inputs: Readonly<Record<string, unknown>>): Promise<Record<string, PeerTensor>> {
    try {
      return await silently(this.#peer, () => this.#model.forward(inputs));
    } catch (cause) {
      throw failed(cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  async #pastOf(
    outputs: Readonly<Record<string, PeerTensor>>,
    rows: number,
    length: number,
  ): Promise<Past | undefined> {
    const { logits, ...states } = outputs;
    const tensors = new Map<string, PeerTensor>();
    for (const name of this.#states) {
      const tensor = states[presentOf(name)];
      // A sliding window returns fewer positions than were decoded: it cannot be continued.
      if (tensor?.dims[0] !== rows || tensor.dims[2] !== length) this.#keepsPast = false;
      else tensors.set(name, tensor);
    }
    const kept = new Set(this.#keepsPast ? tensors.values() : []);
    for (const tensor of Object.values(states)) if (!kept.has(tensor)) tensor.dispose();
    for (const tensor of kept) await onHost(tensor);
    return this.#keepsPast ? new Past(this.#peer, tensors, rows, length) : undefined;
  }
}

/** Fetches a tensor from the GPU: pasts are truncated and combined on the CPU. */
async function onHost(tensor: PeerTensor): Promise<void> {
  if (tensor.location !== 'cpu') await tensor.ort_tensor.getData(true);
}

function failed(message: string, cause: unknown): LMError {
  return new LMError(`The forward pass failed: ${message}`, { code: 'DECODE_FAILED', cause });
}
