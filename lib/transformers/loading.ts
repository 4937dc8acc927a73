// From a name to a model and its tokenizer, ready to use: what TfLM is made of, and every way in
// which that can fail.

import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { raceAbort } from '../common/abort.js';
import { wrongRange } from '../common/arguments.js';
import { LMError, ModelLoadError, NotSupportedError } from '../common/errors.js';
import { Network } from './network.js';
import { type Peer, type PeerConfig, type PeerModel, silently } from './peer.js';
import type { TfLMRequest } from './tflm-options.js';
import { Tokenizer } from './tokenizer.js';

/** A model that answers, and what is to be known of it. */
export interface Loaded {
  network: Network;
  tokenizer: Tokenizer;
  vocabularySize: number;
  contextSize: number | undefined;
  endOfGeneration: Int32Array;
  beginToken: number | undefined;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Where the model is: a folder here, or a name of the hub. */
function placeOf(name: string, { revision }: TfLMRequest): { place: string; isLocal: boolean } {
  const stats = statSync(name, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    if (revision !== undefined)
      throw wrongRange('none, with a local folder,', 'revision', revision);
    return { place: resolve(name), isLocal: true };
  }
  if (stats !== undefined) throw new ModelLoadError(`${name} is no folder`);
  if (isAbsolute(name) || /^\.|\\/.test(name))
    throw new ModelLoadError(`There is no folder ${name}`);
  return { place: name, isLocal: false };
}

/** Numbers of a config's field: one, a list, or none. */
function idsIn(config: PeerConfig | null, key: string): number[] {
  const value = config?.[key];
  return (Array.isArray(value) ? value : [value]).filter((id) => Number.isInteger(id)) as number[];
}

function numberIn(config: PeerConfig, keys: readonly string[]): number | undefined {
  for (const part of [config, config.text_config as PeerConfig | undefined]) {
    for (const key of keys) {
      const value = part?.[key];
      if (Number.isInteger(value) && (value as number) > 0) return value as number;
    }
  }
  return undefined;
}

/** What the architectures call the number of tokens that they were made for. */
const contextNames = ['max_position_embeddings', 'n_positions', 'n_ctx', 'max_seq_len'];

function contextSizeOf(config: PeerConfig, asked: number | undefined): number | undefined {
  const own = numberIn(config, contextNames);
  if (asked !== undefined && own !== undefined && asked > own) {
    throw wrongRange(`at most the model's ${own} tokens`, 'contextSize', asked);
  }
  return asked ?? own;
}

/** Hands on how far a load is, and what its reader throws. */
class Progress {
  readonly #reader: ((fraction: number) => void) | undefined;
  readonly #failed: (reason: unknown) => void;
  #last = 0;
  #isOver = false;

  constructor(reader: ((fraction: number) => void) | undefined, failed: (reason: unknown) => void) {
    this.#reader = reader;
    this.#failed = failed;
  }

  tell(fraction: number): void {
    if (this.#isOver || this.#reader === undefined || fraction < this.#last) return;
    this.#last = fraction;
    try {
      this.#reader(fraction);
    } catch (reason) {
      this.#isOver = true;
      this.#failed(reason);
    }
  }

  readonly listen = (event: { status: string; progress?: number }): void => {
    // The last of it is when the model has answered.
    if (event.status === 'progress_total') this.tell(Math.min(0.99, (event.progress ?? 0) / 100));
  };
}

/** Loads all parts. Rejects at once on an abort; what comes then nevertheless is freed. */
export async function load(peer: Peer, name: string, request: TfLMRequest): Promise<Loaded> {
  const { signal, onProgress } = request;
  signal?.throwIfAborted();
  let stop: (reason: unknown) => void = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = reject;
  });
  const progress = new Progress(onProgress, stop);
  const loading = loadParts(peer, name, request, progress);
  try {
    const loaded = await raceAbort(Promise.race([loading, stopped]), signal);
    progress.tell(1);
    // What the last call threw counts, too.
    await Promise.race([stopped, Promise.resolve()]);
    return loaded;
  } catch (error) {
    void loading.then(({ network }) => network.dispose()).catch(() => {});
    throw error;
  }
}

async function loadParts(
  peer: Peer,
  name: string,
  request: TfLMRequest,
  progress: Progress,
): Promise<Loaded> {
  const { place, isLocal } = placeOf(name, request);
  const { device, dtype, cacheDir, localFilesOnly, revision, threads } = request;
  const options = {
    ...(cacheDir === undefined ? {} : { cache_dir: cacheDir }),
    ...(revision === undefined ? {} : { revision }),
    local_files_only: isLocal || localFilesOnly,
  };
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await silently(peer, work);
    } catch (cause) {
      if (cause instanceof NotSupportedError) throw cause;
      throw new ModelLoadError(`Cannot load ${what} of ${name}: ${messageOf(cause)}`, { cause });
    }
  };
  const config = await attempt('the config', () => peer.AutoConfig.from_pretrained(place, options));
  const kind = config.model_type;
  if (typeof kind !== 'string' || !peer.AutoModelForCausalLM.supports(kind)) {
    throw new NotSupportedError(
      `${name} is of the type ${kind}, which is no causal language model`,
    );
  }
  const contextSize = contextSizeOf(config, request.contextSize);
  const made = await attempt('the tokenizer', async () => {
    const own = await peer.AutoTokenizer.from_pretrained(place, options);
    return { tokenizer: new Tokenizer(own), bos: own.bos_token_id };
  });
  const model = await attempt('the model', () =>
    peer.AutoModelForCausalLM.from_pretrained(place, {
      ...options,
      config,
      ...(device === undefined ? {} : { device }),
      ...(dtype === undefined ? {} : { dtype }),
      session_options: {
        // Only what is fatal: errors come as errors.
        logSeverityLevel: 4,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      },
      progress_callback: progress.listen,
    }),
  );
  try {
    return await partsOf(peer, name, model, made, contextSize);
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

async function partsOf(
  peer: Peer,
  name: string,
  model: PeerModel,
  { tokenizer, bos }: { tokenizer: Tokenizer; bos: number | undefined },
  contextSize: number | undefined,
): Promise<Loaded> {
  const { config, generation_config: generation } = model;
  const ends = idsIn(generation, 'eos_token_id');
  const endOfGeneration = ends.length > 0 ? ends : idsIn(config, 'eos_token_id');
  const beginToken = bos ?? idsIn(config, 'bos_token_id')[0] ?? endOfGeneration[0];
  const network = new Network(peer, model);
  const vocabularySize = await sizeOf(network, name, beginToken ?? 0);
  const known = new Set(endOfGeneration.filter((id) => id >= 0 && id < vocabularySize));
  return {
    network,
    tokenizer,
    vocabularySize,
    contextSize,
    endOfGeneration: Int32Array.from(known),
    beginToken,
  };
}

/** How many tokens there are, by asking the model: it is seen to answer before anyone relies on it. */
async function sizeOf(network: Network, name: string, token: number): Promise<number> {
  try {
    const output = await network.forward(Int32Array.of(token), 1, undefined, 1);
    output.past?.release();
    return output.logits(0, 0).length;
  } catch (cause) {
    if (!(cause instanceof LMError) || cause.code !== 'DECODE_FAILED') throw cause;
    throw new ModelLoadError(`The model ${name} does not answer: ${cause.message}`, { cause });
  }
}
