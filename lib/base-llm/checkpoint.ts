// The file of a checkpoint: history, options and what identifies the model, sealed with a hash. The
// state of the prompt, if there is one, is in files next to it, in the format of `LLaMa.saveState`.
// BaseLLM saves and loads them.

import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { writeAtomically } from '../common/atomic-file.js';
import { LMError } from '../common/errors.js';
import { type HistoryMessage, readHistory } from './history.js';
import { readBaseOptions } from './options.js';
import type { StoredSettings } from './settings.js';

const format = 'autocog-lm checkpoint';
const formatVersion = 1;
const maxBytes = 2 ** 28;

/** What a checkpoint holds. */
export interface Checkpoint {
  /** What has to be the same when it is loaded, by name. */
  facts: Readonly<Record<string, string | number>>;
  settings: StoredSettings;
  history: readonly HistoryMessage[];
  /** The path of the prompt's state; undefined if it has none. */
  statePath: string | undefined;
}

const mismatch = (message: string, cause?: unknown): LMError =>
  new LMError(message, { code: 'STATE_MISMATCH', ...(cause !== undefined && { cause }) });

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** JSON has null for Infinity, and no option is null. */
const restoreInfinity = (_key: string, value: unknown): unknown =>
  value === null ? Infinity : value;

const serialize = (content: object): string =>
  `${JSON.stringify({ ...content, seal: sha256(JSON.stringify(content)) })}\n`;

let count = 0;

/**
 * Writes a checkpoint into a folder, which is created; returns its path.
 *
 * @param saveState writes the prompt's state to a path; returns false if there is none
 * @throws LMError `STATE_NOT_SAVED`
 */
export async function writeCheckpoint(
  folder: string,
  { facts, settings, history }: Omit<Checkpoint, 'statePath'>,
  saveState: (path: string) => Promise<boolean>,
): Promise<string> {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const name = `checkpoint-${time}-${process.pid}-${++count}`;
  const path = resolve(folder, `${name}.json`);
  const statePath = resolve(folder, `${name}.state`);
  try {
    await mkdir(folder, { recursive: true });
    const hasState = await saveState(statePath);
    const state = hasState
      ? { file: basename(statePath), sha256: await sidecarHash(statePath) }
      : null;
    const content = { format, formatVersion, facts, settings, history, state };
    await writeAtomically(path, serialize(content));
    return path;
  } catch (cause) {
    for (const file of [statePath, `${statePath}.json`])
      await rm(file, { force: true }).catch(() => {});
    if (cause instanceof LMError) throw cause;
    throw new LMError(`The checkpoint cannot be written to ${folder}`, {
      code: 'STATE_NOT_SAVED',
      cause,
    });
  }
}

/** The sidecar has the hash of the state's data, so that this identifies both. */
const sidecarHash = async (statePath: string): Promise<string> =>
  sha256(await readFile(`${statePath}.json`));

/**
 * Reads and verifies a checkpoint, except for the data of its state, which the engine verifies.
 *
 * @throws LMError `STATE_MISMATCH`
 */
export async function readCheckpoint(
  path: string,
  facts: Checkpoint['facts'],
): Promise<Checkpoint> {
  const content = await readContent(path);
  const names = [...new Set([...Object.keys(facts), ...Object.keys(content.facts)])];
  const differing = names.filter((name) => facts[name] !== content.facts[name]);
  if (differing.length > 0) {
    const list = differing.map((name) => `${name} (${content.facts[name]}, not ${facts[name]})`);
    throw mismatch(`The checkpoint differs in ${list.join(', ')}`);
  }
  const { state, history, settings } = content;
  const statePath = state === null ? undefined : join(dirname(resolve(path)), basename(state.file));
  if (state !== null && statePath !== undefined) {
    const hash = await sidecarHash(statePath).catch((cause: unknown) => {
      throw mismatch(`The checkpoint's state ${statePath} cannot be read`, cause);
    });
    if (hash !== state.sha256) {
      throw mismatch(`The checkpoint's state ${statePath} was altered, or belongs to another one`);
    }
  }
  return { facts, settings, history, statePath };
}

interface Content extends Omit<Checkpoint, 'statePath'> {
  state: { file: string; sha256: string } | null;
}

async function readContent(path: string): Promise<Content> {
  const damaged = `The checkpoint ${path} is damaged or was altered`;
  let text: string;
  try {
    const stats = await stat(path);
    if (!stats.isFile() || stats.size > maxBytes) throw mismatch(damaged);
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof LMError) throw cause;
    throw mismatch(`The checkpoint ${path} cannot be read`, cause);
  }
  try {
    const { seal: _seal, ...content } = JSON.parse(text);
    if (content.format === format && content.formatVersion !== formatVersion) {
      throw mismatch(
        `The checkpoint differs in its format: ${content.formatVersion}, not ${formatVersion}`,
      );
    }
    if (content.format !== format || serialize(content) !== text) throw mismatch(damaged);
    const { facts, state } = content as Content;
    if (Object(facts) !== facts) throw mismatch(damaged);
    const stored = JSON.parse(JSON.stringify(content.settings), restoreInfinity) as StoredSettings;
    if (stored.beforeCreative !== undefined) readBaseOptions(stored.beforeCreative);
    readBaseOptions(stored.settings);
    return { facts, state, settings: stored, history: readHistory(content.history, 'history') };
  } catch (cause) {
    if (cause instanceof LMError) throw cause;
    throw mismatch(damaged, cause);
  }
}
