// What is known of a model in a folder of Transformers, without loading it.

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelLoadError } from '../../common/errors.js';
import { isRecord } from '../config/config-value.js';
import type { AvailableModel } from './available-model.js';

const contextKeys = ['max_position_embeddings', 'n_positions', 'n_ctx', 'max_seq_len'];

/** Describes a folder; one that cannot be read is described by its error. */
export async function describeFolder(path: string): Promise<Partial<AvailableModel>> {
  try {
    const config: unknown = JSON.parse(await readFile(join(path, 'config.json'), 'utf8'));
    if (!isRecord(config)) throw new Error('config.json is not an object');
    const length = contextKeys.map((key) => config[key]).find((value) => Number.isInteger(value));
    const { model_type: type, _name_or_path: title } = config;
    return {
      architecture: typeof type === 'string' ? type : undefined,
      title: typeof title === 'string' && title !== '' ? title : undefined,
      contextSize: length as number | undefined,
      sizeBytes: await sizeOf(join(path, 'onnx')),
    };
  } catch (cause) {
    const { message } = cause as Error;
    return { error: new ModelLoadError(`Cannot read ${path}: ${message}`, { cause }) };
  }
}

/** The size of the files in a folder. */
async function sizeOf(folder: string): Promise<number> {
  let size = 0;
  for (const name of await readdir(folder)) size += (await stat(join(folder, name))).size;
  return size;
}
