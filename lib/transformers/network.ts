// One forward through a model of the peer's: token ids and a past in, logits and a longer past
// out. The Engine calls it, one call at a time.

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

/** What a forward gives. */
export interface Output {
  /** The logits after the last tokens of a row, `back` tokens before its end. */
  logits(row: number, back: number): Float32Array;
  /** What was decoded so far, its caller's to release; undefined where that cannot be gone on from. */
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

/** Whether all that the model remembers is keys and values per token, which can be cut. */
function remembersTokens({ inputMetadata, outputNames }: PeerSession): boolean {
  const states = inputMetadata.filter(({ name }) => isState(name));
  return (
    states.length > 0 &&
    states.every(({ name, shape = [] }) => {
      const [rows, heads, length, size] = shape;
      const isCut = typeof rows === 'string' && typeof length === 'string';
      const isFixed = typeof heads === 'number' && typeof size === 'number';
      const isShaped = shape.length === 4 && isCut && isFixed;
      return keyOrValue.test(name) && isShaped && outputNames.includes(presentOf(name));
    })
  );
}

/** A model that gives logits for tokens. */
export class Network {
  readonly #peer: Peer;
  readonly #model: PeerModel;
  readonly #states: readonly string[];
  readonly #bytesPerToken: number;
  #keepsPast: boolean;

  /** @throws NotSupportedError for a model that needs more than tokens, or is in several parts */
  constructor(peer: Peer, model: PeerModel) {
    const session = model.sessions.model;
    if (session === undefined || Object.keys(model.sessions).length > 1) {
      throw new NotSupportedError('The model is in several parts, and not one that takes tokens');
    }
    const strange = session.inputNames.filter((name) => !plainInputs.has(name) && !isState(name));
    if (!session.inputNames.includes('input_ids') || strange.length > 0) {
      const wants = strange.length > 0 ? strange.join(', ') : 'no tokens';
      throw new NotSupportedError(`The model wants ${wants}, which TfLM cannot give it`);
    }
    if (!session.outputNames.includes('logits')) {
      throw new NotSupportedError('The model gives no logits');
    }
    this.#peer = peer;
    this.#model = model;
    this.#keepsPast = remembersTokens(session);
    const states = session.inputMetadata.filter(({ name }) => this.#keepsPast && isState(name));
    this.#states = states.map(({ name }) => name);
    this.#bytesPerToken = states.reduce((sum, { type, shape = [] }) => {
      return sum + Number(shape[1]) * Number(shape[3]) * (type === 'float16' ? 2 : 4);
    }, 0);
  }

  /** Whether a forward can go on from another's past. */
  get keepsPast(): boolean {
    return this.#keepsPast;
  }

  /** Bytes of the keys and values of one token; 0 where none are kept. */
  get bytesPerToken(): number {
    return this.#bytesPerToken;
  }

  /**
   * Decodes the same number of tokens in each row, after a past of as many rows.
   *
   * @param tokens row by row
   * @param wanted for how many tokens at each row's end logits are read; at least 1
   * @throws LMError `DECODE_FAILED`
   */
  async forward(
    tokens: Int32Array,
    rows: number,
    past: Past | undefined,
    wanted: number,
  ): Promise<Output> {
    const length = tokens.length / rows;
    const whole = (past?.length ?? 0) + length;
    const ones = new BigInt64Array(rows * whole).fill(1n);
    const inputs = {
      input_ids: this.#tensor(BigInt64Array.from(tokens, BigInt), [rows, length]),
      attention_mask: this.#tensor(ones, [rows, whole]),
      num_logits_to_keep: this.#tensor(BigInt64Array.of(BigInt(wanted)), []),
      past_key_values: past?.inputs ?? null,
    };
    const outputs = await this.#run(inputs);
    const { logits } = outputs;
    if (logits === undefined) throw failed('The model gave no logits', undefined);
    await onHost(logits);
    const [, places = 0, size = 0] = logits.dims;
    if (logits.type !== 'float32' && logits.type !== 'float16') {
      throw new NotSupportedError(`Logits of type ${logits.type} cannot be read`);
    }
    return {
      logits: (row, back) => {
        const start = (row * places + places - 1 - back) * size;
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
      // A window that slides leaves less than there was: then nothing can be gone on from.
      if (tensor?.dims[0] !== rows || tensor.dims[2] !== length) this.#keepsPast = false;
      else tensors.set(name, tensor);
    }
    const kept = new Set(this.#keepsPast ? tensors.values() : []);
    for (const tensor of Object.values(states)) if (!kept.has(tensor)) tensor.dispose();
    for (const tensor of kept) await onHost(tensor);
    return this.#keepsPast ? new Past(this.#peer, tensors, rows, length) : undefined;
  }
}

/** What a GPU computed is fetched: it is cut and put together here. */
async function onHost(tensor: PeerTensor): Promise<void> {
  if (tensor.location !== 'cpu') await tensor.ort_tensor.getData(true);
}

function failed(message: string, cause: unknown): LMError {
  return new LMError(`The model failed: ${message}`, { code: 'DECODE_FAILED', cause });
}
