// Types of write-onnx.mjs.

/** Options of `writeOnnx`. */
export interface WriteOnnxOptions {
  /** A GGUF file of the llama architecture, F32 or F16. Default: the default model. */
  gguf?: string;
  /** Default fp32. */
  dtype?: 'fp32' | 'fp16' | 'q8';
  /** Whether the KV cache is an input and output. Default true. */
  past?: boolean;
  /** Size of the attention window, including the token itself; only those tokens are cached. Default 0: full attention. */
  window?: number;
  /** Whether the model has a recurrent state besides the KV cache, which cannot be truncated. Default false. */
  recurrent?: boolean;
}

export function writeOnnx(folder: string, options?: WriteOnnxOptions): void;
