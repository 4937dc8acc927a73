// Metadata of GGUF files as JavaScript sees it. `lib/model/model.ts` reads models and adapters by it.

import type { NativeModelOptions } from '../native/binding.js';

/** The metadata overrides as a canonical string: equal for equal overrides, in any order. */
export function describeOverrides({ overrideKeys, overrideValues }: NativeModelOptions): string {
  const entries = overrideKeys.map((key, index) => {
    const value = overrideValues[index];
    return [key, typeof value, `${value}`];
  });
  return JSON.stringify(entries.sort());
}

/** Converts a list of alternating keys and values. */
export function readMetadata(pairs: readonly string[]): Record<string, string> {
  const entries: [string, string][] = [];
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    entries.push([pairs[index] as string, pairs[index + 1] as string]);
  }
  return Object.fromEntries(entries);
}
