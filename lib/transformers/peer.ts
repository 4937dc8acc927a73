// Types for the part of the package @huggingface/transformers that TfLM uses, and the function
// that silences its log. `loading.ts` and `network.ts` use nothing else of it.

/** Tensor data; float16 is a Float16Array if JavaScript has it, else raw bits. */
export type Numbers = Float32Array | Uint16Array | BigInt64Array;

/** A tensor of the package. */
export interface PeerTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly location: string;
  readonly data: Numbers;
  readonly ort_tensor: { getData(release: boolean): Promise<Numbers> };
  dispose(): void;
}

/** A parsed config.json or generation_config.json. */
export type PeerConfig = Readonly<Record<string, unknown>>;

/** An input or output of a session; a dimension that is a string is dynamic. */
export interface ValueMetadata {
  readonly name: string;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

/** A loaded ONNX file. */
export interface PeerSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly ValueMetadata[];
}

/** A loaded model. */
export interface PeerModel {
  readonly config: PeerConfig;
  readonly generation_config: PeerConfig | null;
  readonly sessions: Readonly<Record<string, PeerSession | undefined>>;
  forward(inputs: Readonly<Record<string, unknown>>): Promise<Record<string, PeerTensor>>;
  dispose(): Promise<unknown>;
}

/** The part of tokenizer.json that is read. */
export interface TokenizerJson {
  readonly added_tokens: readonly { id: number; content: string; special?: boolean }[];
  readonly decoder: { type: string; decoders?: readonly { type: string }[] } | null;
  readonly model: {
    readonly vocab: Readonly<Record<string, number>> | readonly (readonly [string, number])[];
    readonly unk_token?: string | null;
  };
}

/** A loaded tokenizer. */
export interface PeerTokenizer {
  readonly _tokenizerJSON: TokenizerJson;
  readonly config: PeerConfig;
  readonly bos_token_id: number | undefined;
  encode(text: string, options: { add_special_tokens: boolean }): number[];
  decode(
    tokens: readonly number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  get_vocab(): ReadonlyMap<string, number>;
}

type Load<T> = (name: string, options: Readonly<Record<string, unknown>>) => Promise<T>;

/** The package. */
export interface Peer {
  readonly env: { logLevel: number };
  readonly AutoConfig: { from_pretrained: Load<PeerConfig> };
  readonly AutoModelForCausalLM: {
    supports(modelType: string): boolean;
    from_pretrained: Load<PeerModel>;
  };
  readonly AutoTokenizer: { from_pretrained: Load<PeerTokenizer> };
  readonly Tensor: new (type: string, data: Numbers, dims: readonly number[]) => PeerTensor;
}

/** The log level at which the package prints nothing. */
const none = 50;

let silences = 0;
let levelBefore = 0;

/**
 * Runs work in the package without log output. The log level is global: other users of the package
 * in this process get no log output either while work runs here.
 */
export async function silently<T>({ env }: Pick<Peer, 'env'>, work: () => Promise<T>): Promise<T> {
  if (silences++ === 0) {
    levelBefore = env.logLevel;
    env.logLevel = none;
  }
  try {
    return await work();
  } finally {
    if (--silences === 0) env.logLevel = levelBefore;
  }
}
