// Types of write-onnx.mjs.

/** What is written. */
export interface WriteOnnxOptions {
  /** A GGUF file of the llama architecture, F32 or F16. Default: the default model. */
  gguf?: string;
  /** Default fp32. */
  dtype?: 'fp32' | 'fp16' | 'q8';
  /** Whether keys and values of the past come in and go out. Default true. */
  past?: boolean;
  /** How many tokens back one sees, itself included; only those are kept. Default 0: all. */
  window?: number;
  /** Whether the model has a state besides keys and values, which cannot be cut. Default false. */
  recurrent?: boolean;
}

export function writeOnnx(folder: string, options?: WriteOnnxOptions): void;
