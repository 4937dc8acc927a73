// Saves and loads a prompt's KV cache. LLaMa imports this file on first use.

import { raceAbort } from '../common/abort.js';
import { ContextOverflowError, LMError, NotSupportedError } from '../common/errors.js';
import type { Cost } from '../common/usage.js';
import { costFromNative } from '../native/usage.js';
import type { Session } from './session.js';
import { type Facts, factsOf, packageVersion } from './state-facts.js';
import { mismatch, readData, readSidecar, writeState } from './state-file.js';

/** The result of `saveState` and `loadState`. */
export interface PromptState extends Cost {
  /** The prompt's tokens. */
  tokens: Int32Array;
}

/** Saves the state of a prompt, or of the most recently used one. */
export async function saveState(
  session: Session,
  path: string,
  prompt: Int32Array | undefined,
  signal: AbortSignal | undefined,
): Promise<PromptState> {
  checkSupported(session);
  const facts = await raceAbort(factsOf(session), signal).catch((error: unknown) => {
    // On save, a changed or unreadable model file is a failure to save, not a mismatch.
    if (!(error instanceof LMError) || error.code !== 'STATE_MISMATCH') throw error;
    throw new LMError(error.message, { code: 'STATE_NOT_SAVED', cause: error.cause });
  });
  const state = await session.run((native, cancellation) => {
    return native.saveState(prompt ?? new Int32Array(0), cancellation);
  }, signal);
  const { tokens, cells, row, usage } = state;
  if (tokens.length === 0) {
    throw new LMError('No prompt is cached: pass the prompt to save', {
      code: 'STATE_NOT_SAVED',
    });
  }
  const logits = new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
  const description = { package: packageVersion(), facts, tokens: [...tokens] };
  // Does not take the signal: writing the files is fast.
  await writeState(path, [cells, logits], description);
  return { tokens, ...costFromNative(usage) };
}

/** Loads a saved state into the prefix cache. */
export async function loadState(
  session: Session,
  path: string,
  signal: AbortSignal | undefined,
): Promise<PromptState> {
  checkSupported(session);
  const sidecar = await raceAbort(readSidecar(path), signal);
  checkFacts(sidecar.facts, await raceAbort(factsOf(session), signal));
  const { vocab } = session.model;
  const [cellBytes = 0, rowBytes = 0, ...more] = sidecar.bytes;
  if (more.length > 0 || cellBytes === 0 || rowBytes !== 4 * vocab.size) {
    throw mismatch("The state's data does not have the expected parts");
  }
  if (sidecar.tokens.length === 0 || sidecar.tokens.some((token) => token >= vocab.size)) {
    throw mismatch("The state has no tokens, or tokens outside the model's vocabulary");
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

function checkSupported({ model }: Session): void {
  if (!model.info.encoderDecoder) return;
  throw new NotSupportedError(
    'States of an encoder-decoder are not supported: llama.cpp cannot save what its encoder has read',
  );
}

const shorten = (value: unknown): string => {
  const text = String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

function checkFacts(saved: Facts, current: Facts): void {
  const names = new Set([...Object.keys(current), ...Object.keys(saved)]);
  const differing = [...names].filter((name) => saved[name] !== current[name]);
  if (differing.length === 0) return;
  const descriptions = differing.map(
    (name) => `${name} (${shorten(saved[name])}, not ${shorten(current[name])})`,
  );
  throw mismatch(`The state differs in ${descriptions.join(', ')}`);
}
