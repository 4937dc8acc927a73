// A model's hyperparameters and special tokens: what the engine reports, and what is derived from
// it. `lib/model/model.ts` builds both once, when a model is loaded.

import { basename } from 'node:path';
import type { NativeModelInfo, NativeVocab } from '../native/binding.js';

/** A model's hyperparameters, and facts about its file. */
export interface ModelInfo
  extends Readonly<
    Omit<
      NativeModelInfo,
      | 'rope'
      | 'decoderStart'
      | 'ropeFrequencyBaseTrain'
      | 'ropeFrequencyScaleTrain'
      | 'ropeScalingTrain'
    >
  > {
  /** The file's name, without its directory. */
  readonly fileName: string;
  /** Query heads per KV head (grouped-query attention); 0 if the model has no KV heads. */
  readonly gqa: number;
  /** The RoPE frequency base; undefined if the model does not use RoPE. */
  readonly ropeFrequencyBaseTrain: number | undefined;
  /** The factor that positions are multiplied by; undefined if the model does not use RoPE. */
  readonly ropeFrequencyScaleTrain: number | undefined;
  /** `'none'`, `'linear'`, `'yarn'` or `'longrope'`; undefined if the model does not use RoPE. */
  readonly ropeScalingTrain: string | undefined;
  /** The number of layers offloaded to GPUs; the output layer counts as one. */
  readonly gpuLayers: number;
  /** The token that the decoder of an encoder-decoder starts with; undefined for other models. */
  readonly decoderStartToken: number | undefined;
}

type SpecialToken =
  | 'bos'
  | 'eos'
  | 'eot'
  | 'nl'
  | 'pad'
  | 'sep'
  | 'mask'
  | 'fimPre'
  | 'fimSuf'
  | 'fimMid';

/** A model's vocabulary. A special token that the model lacks is undefined. */
export type Vocabulary = Readonly<
  Omit<NativeVocab, SpecialToken> & Record<SpecialToken | 'cls', number | undefined>
>;

/** @param chatTemplate overrides the file's */
export function readModelInfo(
  { rope, decoderStart, ...info }: NativeModelInfo,
  chatTemplate: string | undefined,
): ModelInfo {
  return Object.freeze({
    ...info,
    chatTemplate: chatTemplate ?? info.chatTemplate,
    fileName: basename(info.path),
    decoderStartToken: info.encoderDecoder ? decoderStart : undefined,
    gqa: info.headsKV > 0 ? info.heads / info.headsKV : 0,
    ropeFrequencyBaseTrain: rope ? info.ropeFrequencyBaseTrain : undefined,
    ropeFrequencyScaleTrain: rope ? info.ropeFrequencyScaleTrain : undefined,
    ropeScalingTrain: rope ? info.ropeScalingTrain : undefined,
  });
}

export function readVocabulary(
  vocab: NativeVocab,
  metadata: Readonly<Record<string, string>>,
): Vocabulary {
  const token = (id: number): number | undefined => (id < 0 ? undefined : id);
  return Object.freeze({
    ...vocab,
    bos: token(vocab.bos),
    eos: token(vocab.eos),
    eot: token(vocab.eot),
    nl: token(vocab.nl),
    pad: token(vocab.pad),
    sep: token(vocab.sep),
    mask: token(vocab.mask),
    fimPre: token(vocab.fimPre),
    fimSuf: token(vocab.fimSuf),
    fimMid: token(vocab.fimMid),
    cls: readClsToken(vocab, metadata['tokenizer.ggml.cls_token_id']),
  });
}

/** The file's CLS token; BERT files (type `'wpm'`) that name none use BOS for it. */
function readClsToken({ type, bos, size }: NativeVocab, declared: string | undefined) {
  const id = declared === undefined ? (type === 'wpm' ? bos : -1) : Number(declared);
  return Number.isInteger(id) && id >= 0 && id < size ? id : undefined;
}
