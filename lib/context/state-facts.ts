// What a saved state depends on besides its tokens: model, context and build. A state is loaded
// only where all of it is the same. `lib/context/state.ts` writes and compares it.

import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import root from '#package';
import { fingerprintOf } from '../model/fingerprint.js';
import { native } from '../native/binding.js';
import { ropeOptionNames } from './rope.js';
import type { Session } from './session.js';

/** By name; a nested name has dots. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/**
 * What decoding the same tokens with the same model leaves in a KV cache depends on, as the
 * session has it now. Whatever else comes to change that belongs here.
 */
function contextFacts({ settings, steering }: Session): Facts {
  const named = ['kvCacheTypeK', 'kvCacheTypeV', 'flashAttention', ...ropeOptionNames] as const;
  const facts = named.map((name) => [`context.${name}`, settings[name]]);
  return { ...Object.fromEntries(facts), 'context.adapters': steering };
}

/** The engine's release, and the instructions that it computes with: others round differently. */
function buildFacts(): Facts {
  return {
    'build.llama': native.llamaVersion(),
    'build.system': native.systemInfo().trim(),
    'build.endianness': endianness(),
  };
}

/** All that has to be the same where a state is loaded. */
export async function factsOf(session: Session): Promise<Facts> {
  const { model } = session;
  return {
    ...buildFacts(),
    'model.architecture': model.info.architecture,
    'model.vocabulary': model.vocab.size,
    'model.fingerprint': await fingerprintOf(model),
    ...contextFacts(session),
  };
}

/** This package's version, for people: states of other versions are read where their format is. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
}
