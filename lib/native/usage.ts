// What native code reports of a call's cost, as the public type.

import type { Cost } from '../common/usage.js';
import type { NativeUsage } from './binding.js';

/** The engine's own share of a cost; `tokenizeMs` and `totalMs` are the caller's to set. */
export function costFromNative(numbers: NativeUsage): Cost {
  const at = (index: number): number => numbers[index] ?? 0;
  return {
    usage: {
      promptTokens: at(0),
      cachedTokens: at(1),
      decodedTokens: at(2),
      paddingTokens: at(3),
      decodeCalls: at(4),
    },
    timings: {
      queueMs: at(5),
      tokenizeMs: 0,
      promptMs: at(6),
      decodeMs: at(7),
      readMs: at(8),
      totalMs: 0,
    },
  };
}
