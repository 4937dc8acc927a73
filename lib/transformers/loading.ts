// Loads a model and its tokenizer by name, checks that they work, and turns every failure into an
// error of this package. `TfLM.load` calls it.

import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { raceAbort } from '../common/abort.js';
import { wrongRange } from '../common/arguments.js';
import { CallbackCalls } from '../common/callback-calls.js';
import { LMError, ModelLoadError, NotSupportedError } from '../common/errors.js';
import { Network } from './network.js';
import { type Peer, type PeerConfig, type PeerModel, silently } from './peer.js';
import type { TfLMRequest } from './tflm-options.js';
import { Tokenizer } from './tokenizer.js';

/** A loaded and tested model, with its properties. */
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

/** Resolves a name to a local folder or a model id of the hub. */
function locate(name: string, { revision }: TfLMRequest): { source: string; isLocal: boolean } {
  const stats = statSync(name, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    if (revision !== undefined)
      throw wrongRange('undefined (the model is a local folder)', 'revision', revision);
    return { source: resolve(name), isLocal: true };
  }
  if (stats !== undefined) throw new ModelLoadError(`${name} is not a folder`);
  if (isAbsolute(name) || /^\.|\\/.test(name)) throw new ModelLoadError(`No such folder: ${name}`);
  return { source: name, isLocal: false };
}

/** The token ids of a config field, which may be one id, a list, or missing. */
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

/** The architectures' names for the context size that the model was trained with. */
const contextKeys = ['max_position_embeddings', 'n_positions', 'n_ctx', 'max_seq_len'];

function contextSizeOf(config: PeerConfig, requested: number | undefined): number | undefined {
  const own = numberIn(config, contextKeys);
  if (requested !== undefined && own !== undefined && requested > own) {
    throw wrongRange(`at most the model's ${own} tokens`, 'contextSize', requested);
  }
  return requested ?? own;
}

/** Reports a load's progress to the caller's callback, and a failure of the callback. */
class Progress {
  readonly calls: CallbackCalls;
  readonly #callback: TfLMRequest['onProgress'];
  #last = 0;

  constructor(callback: TfLMRequest['onProgress'], fail: (reason: unknown) => void) {
    this.#callback = callback;
    this.calls = new CallbackCalls(() => fail(this.calls.failure?.reason));
  }

  report(fraction: number): void {
    const callback = this.#callback;
    if (callback === undefined || fraction < this.#last) return;
    this.#last = fraction;
    this.calls.run(() => callback(fraction));
  }

  readonly listen = (event: { status: string; progress?: number }): void => {
    // 1 is reported only after the model has passed its test.
    if (event.status === 'progress_total') this.report(Math.min(0.99, (event.progress ?? 0) / 100));
  };
}

/** Loads all parts. Rejects at once on an abort; a model that loads afterwards is freed. */
export async function load(peer: Peer, name: string, request: TfLMRequest): Promise<Loaded> {
  const { signal, onProgress } = request;
  signal?.throwIfAborted();
  let stop: (reason: unknown) => void = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = reject;
  });
  // It may fail when nobody waits for the load any more.
  stopped.catch(() => {});
  const progress = new Progress(onProgress, stop);
  const loading = loadParts(peer, name, request, progress);
  try {
    const loaded = await raceAbort(Promise.race([loading, stopped]), signal);
    progress.report(1);
    // A failure of this last call must reject the load, too.
    await raceAbort(Promise.race([stopped, progress.calls.settled()]), signal);
    if (progress.calls.failure !== undefined) throw progress.calls.failure.reason;
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
  const { source, isLocal } = locate(name, request);
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
  const config = await attempt('the config', () =>
    peer.AutoConfig.from_pretrained(source, options),
  );
  const type = config.model_type;
  if (typeof type !== 'string' || !peer.AutoModelForCausalLM.supports(type)) {
    throw new NotSupportedError(
      `${name} has the model type ${type}, which is not a causal language model`,
    );
  }
  const contextSize = contextSizeOf(config, request.contextSize);
  const tokenizing = await attempt('the tokenizer', async () => {
    const own = await peer.AutoTokenizer.from_pretrained(source, options);
    return { tokenizer: new Tokenizer(own), bos: own.bos_token_id };
  });
  const model = await attempt('the model', () =>
    peer.AutoModelForCausalLM.from_pretrained(source, {
      ...options,
      config,
      ...(device === undefined ? {} : { device }),
      ...(dtype === undefined ? {} : { dtype }),
      session_options: {
        // Log fatal messages only: errors are thrown anyway.
        logSeverityLevel: 4,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      },
      progress_callback: progress.listen,
    }),
  );
  try {
    return await assemble(peer, name, model, tokenizing, contextSize);
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/** Runs the model once and collects its properties. */
async function assemble(
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
  const vocabularySize = await probeVocabularySize(network, name, beginToken ?? 0);
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

/**
 * The vocabulary size, from the logits of a test forward pass. It also shows that the model works
 * before anyone relies on it.
 */
async function probeVocabularySize(network: Network, name: string, token: number): Promise<number> {
  try {
    const output = await network.forward(Int32Array.of(token), 1, undefined, 1);
    output.past?.release();
    return output.logits(0, 0).length;
  } catch (cause) {
    if (!(cause instanceof LMError) || cause.code !== 'DECODE_FAILED') throw cause;
    throw new ModelLoadError(`The model ${name} fails its first forward pass: ${cause.message}`, {
      cause,
    });
  }
}
