// Formats the cost of a call in one line.

import type { Cost } from '../../common/usage.js';
import { milliseconds, plural } from './text.js';

export function costLine({ usage, timings }: Cost): string {
  const { promptTokens, cachedTokens, decodedTokens, decodeCalls } = usage;
  const prompt = `${plural(promptTokens, 'prompt token')} (${cachedTokens} cached)`;
  const decoded = `${decodedTokens} decoded in ${plural(decodeCalls, 'call')}`;
  return `${prompt}, ${decoded}, ${milliseconds(timings.totalMs)}`;
}
