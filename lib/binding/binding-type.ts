// What a binding takes and gives.

import { wrongType } from '../common/arguments.js';

/** What a binding takes and gives, under the names of LoLLMs' guide and those of its code. */
export enum BindingType {
  /** Text only. */
  TEXT = 'text',
  /** The same as {@link TEXT}. */
  // biome-ignore lint/suspicious/noDuplicateEnumValues: another name for the same
  TEXT_ONLY = 'text',
  /** Text and images in, text out. */
  TEXT_IMAGE = 'text_image',
  TEXT_IMAGE_VIDEO = 'text_image_video',
  TEXT_AUDIO = 'text_audio',
  /** Several kinds in and out. */
  MULTIMODAL = 'multimodal',
}

/** By the numbers that LoLLMs' code has for them. */
const numbered = [
  BindingType.TEXT_ONLY,
  BindingType.TEXT_IMAGE,
  BindingType.TEXT_IMAGE_VIDEO,
  BindingType.TEXT_AUDIO,
] as const;

/** A type, also by LoLLMs' number for it, 0 to 3. Throws a TypeError for anything else. */
export function readBindingType(value: unknown, name: string): BindingType {
  const type = typeof value === 'number' ? numbered[value] : value;
  const known: readonly unknown[] = Object.values(BindingType);
  if (known.includes(type)) return type as BindingType;
  const words = [...new Set(known)].map((word) => `'${word}'`).join(', ');
  throw wrongType(`one of ${words}, or 0 to 3`, name, value);
}
