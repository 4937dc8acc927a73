// What a model says of itself: the engine's facts, and what follows from them. `lib/model/model.ts`
// makes both once, when a model is loaded.

import { basename } from 'node:path';
import type { NativeModelInfo, NativeVocab } from '../native/binding.js';

/** What a model file says of itself. */
export interface ModelInfo
  extends Readonly<
    Omit<
      NativeModelInfo,
      'rope' | 'ropeFrequencyBaseTrain' | 'ropeFrequencyScaleTrain' | 'ropeScalingTrain'
    >
  > {
  /** The file's name, without its folders. */
  readonly fileName: string;
  /** Attention heads per head of keys and values; 0 where it has neither. */
  readonly gqa: number;
  /** The base of the rotary frequencies; undefined where positions are told otherwise. */
  readonly ropeFrequencyBaseTrain: number | undefined;
  /** What positions are multiplied by; undefined where they are not rotary. */
  readonly ropeFrequencyScaleTrain: number | undefined;
  /** `'none'`, `'linear'`, `'yarn'` or `'longrope'`; undefined where positions are not rotary. */
  readonly ropeScalingTrain: string | undefined;
  /** How many of its layers are on GPUs, its output's counted as one. */
  readonly gpuLayers: number;
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

/** A model's vocabulary. A special token that it does not have is undefined. */
export type Vocabulary = Readonly<
  Omit<NativeVocab, SpecialToken> & Record<SpecialToken | 'cls', number | undefined>
>;

export function readModelInfo({ rope, ...info }: NativeModelInfo): ModelInfo {
  return Object.freeze({
    ...info,
    fileName: basename(info.path),
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
    cls: readClassifier(vocab, metadata['tokenizer.ggml.cls_token_id']),
  });
}

/** What a file names; or else, of a BERT, the token that its texts begin with. */
function readClassifier({ type, bos, size }: NativeVocab, named: string | undefined) {
  const id = named === undefined ? (type === 'wpm' ? bos : -1) : Number(named);
  return Number.isInteger(id) && id >= 0 && id < size ? id : undefined;
}
