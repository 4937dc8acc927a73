// What a saved state depends on besides its tokens: model, context and build. A state loads only if
// all of these match. `lib/context/state.ts` saves and compares them.

import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import root from '#package';
import { fingerprintOf } from '../model/fingerprint.js';
import { native } from '../native/binding.js';
import { ropeOptionNames } from './rope.js';
import type { Session } from './session.js';

/** Facts by dotted name, such as `context.kvCacheTypeK`. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/**
 * The session's current parameters that affect the contents of the KV cache, given model and
 * tokens. Any new parameter that does so belongs here.
 */
function contextFacts({ settings, steering }: Session): Facts {
  const named = ['kvCacheTypeK', 'kvCacheTypeV', 'flashAttention', ...ropeOptionNames] as const;
  const facts = named.map((name) => [`context.${name}`, settings[name]]);
  return { ...Object.fromEntries(facts), 'context.adapters': steering };
}

/** The engine's release and CPU features: others round differently. */
function buildFacts(): Facts {
  return {
    'build.llama': native.llamaVersion(),
    'build.system': native.systemInfo().trim(),
    'build.endianness': endianness(),
  };
}

/** Everything that has to match when a state is loaded. */
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

/** This package's version, for information only: compatibility depends on the format version. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
}
