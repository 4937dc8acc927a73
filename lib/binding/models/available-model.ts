// What is known of a model file from its header, without loading it.

import { stat } from 'node:fs/promises';
import { LMError, ModelLoadError } from '../../common/errors.js';
import { type GgufHeader, readGgufHeader } from '../../model/gguf-header.js';
import type { GgufValue } from '../../model/gguf-values.js';
import { type FoundFile, resolveReference } from './model-folder.js';

/** A model that a binding could load. What is unknown is undefined. */
export interface AvailableModel {
  /** The name for `buildModel`. */
  readonly name: string;
  /** The file, or the folder; undefined for a model of a server. */
  readonly path: string | undefined;
  /** The size of the file, or of all parts of a split model. */
  readonly sizeBytes: number | undefined;
  readonly architecture: string | undefined;
  /** The model's own name for itself. */
  readonly title: string | undefined;
  readonly parameters: number | undefined;
  /** The weight type, such as `'Q4_K_M'`. */
  readonly quantization: string | undefined;
  /** The context that it was trained with, or the server's limit, in tokens. */
  readonly contextSize: number | undefined;
  readonly license: string | undefined;
  /** Whether the file has a chat template. */
  readonly hasChatTemplate: boolean | undefined;
  /** Why the model cannot be read. */
  readonly error: LMError | undefined;
}

const nothingKnown = {
  path: undefined,
  sizeBytes: undefined,
  architecture: undefined,
  title: undefined,
  parameters: undefined,
  quantization: undefined,
  contextSize: undefined,
  license: undefined,
  hasChatTemplate: undefined,
  error: undefined,
} as const;

/** A model of which only some things are known. */
export function availableModel(
  known: Partial<AvailableModel> & Pick<AvailableModel, 'name'>,
): AvailableModel {
  const { name, ...rest } = known;
  return Object.freeze({ name, ...nothingKnown, ...rest });
}

const text = (value: GgufValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const count = (value: GgufValue | undefined): number | undefined =>
  typeof value === 'number' && value > 0 ? value : undefined;

/** Describes a file; one that cannot be read is described by its error. */
export async function describeFile(file: FoundFile): Promise<AvailableModel> {
  const { name } = file;
  let path: string | undefined = file.path;
  try {
    path = await resolveReference(path);
    if (!/\.gguf$/i.test(path)) {
      return availableModel({ name, path, sizeBytes: (await stat(path)).size });
    }
    return availableModel({ name, path, ...(await describeGguf(path)) });
  } catch (cause) {
    const error =
      cause instanceof LMError
        ? cause
        : new ModelLoadError(`Cannot read ${path}: it cannot be read`, { cause });
    return availableModel({ name, path, error });
  }
}

async function describeGguf(path: string): Promise<Partial<AvailableModel>> {
  const header = await readGgufHeader(path);
  const parts = [header];
  for (const part of otherParts(path, header)) parts.push(await readGgufHeader(part));
  const sum = (of: (part: GgufHeader) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  const { metadata } = header;
  const architecture = text(metadata['general.architecture']);
  return {
    sizeBytes: sum((part) => part.sizeBytes),
    architecture,
    title: text(metadata['general.name']),
    parameters: sum((part) => part.parameters),
    quantization: header.weightType ?? parts.find((part) => part.weightType)?.weightType,
    contextSize: count(metadata[`${architecture}.context_length`]),
    license: text(metadata['general.license']),
    hasChatTemplate: 'tokenizer.chat_template' in metadata,
  };
}

/** The other files of a model that is split, as llama.cpp names them. */
function otherParts(path: string, { metadata }: GgufHeader): string[] {
  const parts = count(metadata['split.count']) ?? 1;
  const [ending, total] = /-00001-of-(\d{5})\.gguf$/.exec(path) ?? [];
  if (ending === undefined || parts !== Number(total)) return [];
  return Array.from({ length: parts - 1 }, (_, index) =>
    path.replace(ending, `-${`${index + 2}`.padStart(5, '0')}-of-${total}.gguf`),
  );
}

/** How many files are read at once. */
const readers = 16;

/** Describes files, in their order. */
export async function describeFiles(files: readonly FoundFile[]): Promise<AvailableModel[]> {
  const described = new Array<AvailableModel>(files.length);
  let next = 0;
  const read = async (): Promise<void> => {
    while (next < files.length) {
      const index = next++;
      described[index] = await describeFile(files[index] as FoundFile);
    }
  };
  await Promise.all(Array.from({ length: Math.min(readers, files.length) }, read));
  return described;
}
