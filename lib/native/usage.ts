// Converts the cost that native code reports to the public type.

import type { Cost } from '../common/usage.js';
import type { NativeUsage } from './binding.js';

/** The engine's part of a cost; the caller sets `tokenizeMs` and `totalMs`. */
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
