// Prompts on disk: what a cached prompt left in the KV cache, saved and loaded. LLaMa loads this file
// when it is first needed.

import { raceAbort } from '../common/abort.js';
import { ContextOverflowError, LMError } from '../common/errors.js';
import type { Cost } from '../common/usage.js';
import { costFromNative } from '../native/usage.js';
import type { Session } from './session.js';
import { type Facts, factsOf, packageVersion } from './state-facts.js';
import { mismatch, readData, readSidecar, writeState } from './state-file.js';

/** What `saveState` and `loadState` give. */
export interface PromptState extends Cost {
  /** The prompt's tokens. */
  tokens: Int32Array;
}

/** Writes the state of a prompt, or of the one that was used last. */
export async function saveState(
  session: Session,
  path: string,
  prompt: Int32Array | undefined,
  signal: AbortSignal | undefined,
): Promise<PromptState> {
  const facts = await raceAbort(factsOf(session), signal).catch((error: unknown) => {
    // What is to be saved mismatches nothing: it is not known what it is.
    if (!(error instanceof LMError) || error.code !== 'STATE_MISMATCH') throw error;
    throw new LMError(error.message, { code: 'STATE_NOT_SAVED', cause: error.cause });
  });
  const state = await session.run((native, cancellation) => {
    return native.saveState(prompt ?? new Int32Array(0), cancellation);
  }, signal);
  const { tokens, cells, row, usage } = state;
  if (tokens.length === 0) {
    throw new LMError('No prompt is cached that could be saved: name one', {
      code: 'STATE_NOT_SAVED',
    });
  }
  const logits = new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
  const description = { package: packageVersion(), facts, tokens: [...tokens] };
  // Not stopped half-way: the files are written within moments.
  await writeState(path, [cells, logits], description);
  return { tokens, ...costFromNative(usage) };
}

/** Puts a saved state in the cache. */
export async function loadState(
  session: Session,
  path: string,
  signal: AbortSignal | undefined,
): Promise<PromptState> {
  const sidecar = await raceAbort(readSidecar(path), signal);
  checkFacts(sidecar.facts, await raceAbort(factsOf(session), signal));
  const { vocab } = session.model;
  const [cellBytes = 0, rowBytes = 0, ...more] = sidecar.bytes;
  if (more.length > 0 || cellBytes === 0 || rowBytes !== 4 * vocab.size) {
    throw mismatch('The state is not made of the parts that it should have');
  }
  if (sidecar.tokens.length === 0 || sidecar.tokens.some((token) => token >= vocab.size)) {
    throw mismatch('The state is not of tokens that this model has');
  }
  if (sidecar.tokens.length > session.contextSize) {
    throw new ContextOverflowError(
      `The state of ${sidecar.tokens.length} tokens does not fit in the context of ${session.contextSize}`,
    );
  }
  const [cells, logits] = (await raceAbort(readData(path, sidecar), signal)) as [Buffer, Buffer];
  const tokens = Int32Array.from(sidecar.tokens);
  const row = new Float32Array(vocab.size);
  new Uint8Array(row.buffer).set(logits);
  const usage = await session.run((native, cancellation) => {
    return native.loadState(tokens, new Uint8Array(cells.buffer, 0, cellBytes), row, cancellation);
  }, signal);
  return { tokens, ...costFromNative(usage) };
}

const shown = (value: unknown): string => {
  const text = String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

function checkFacts(saved: Facts, own: Facts): void {
  const names = new Set([...Object.keys(own), ...Object.keys(saved)]);
  const different = [...names].filter((name) => saved[name] !== own[name]);
  if (different.length === 0) return;
  const each = different.map((name) => `${name} (${shown(saved[name])}, not ${shown(own[name])})`);
  throw mismatch(`The state differs in ${each.join(', ')}`);
}
