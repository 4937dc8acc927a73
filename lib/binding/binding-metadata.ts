// What a binding's folder says of the binding: `config.yaml` as in LoLLMs, or package.json.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LMError } from '../common/errors.js';
import { isRecord } from './config/config-value.js';
import { readConfigFile } from './config/yaml-file.js';

/** What a binding says of itself; an empty string where it does not. */
export interface BindingMetadata {
  readonly name: string;
  readonly author: string;
  readonly version: string;
  readonly description: string;
  readonly url: string;
  readonly license: string;
}

const isMissing = (error: unknown): boolean =>
  (error as { cause?: NodeJS.ErrnoException }).cause?.code === 'ENOENT';

const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

/**
 * Reads a folder's `config.yaml`, or else its package.json.
 *
 * @throws LMError `CONFIG_INVALID` if there is neither, or it cannot be read
 */
export async function readBindingMetadata(folder: string): Promise<BindingMetadata> {
  try {
    return metadataOf(await readConfigFile(join(folder, 'config.yaml')));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const path = join(folder, 'package.json');
  try {
    const fields: unknown = JSON.parse(await readFile(path, 'utf8'));
    return metadataOf(isRecord(fields) ? fields : {});
  } catch (cause) {
    throw new LMError(`There is neither a config.yaml nor a readable package.json in ${folder}`, {
      code: 'CONFIG_INVALID',
      cause,
    });
  }
}

function metadataOf(fields: Record<string, unknown>): BindingMetadata {
  const { author, repository } = fields;
  const inside = (value: unknown, name: string): unknown => (isRecord(value) ? value[name] : value);
  return Object.freeze({
    name: text(fields.name),
    author: text(inside(author, 'name')),
    version: text(fields.version),
    description: text(fields.description),
    url: text(fields.url ?? fields.homepage ?? inside(repository, 'url')),
    license: text(fields.license),
  });
}
