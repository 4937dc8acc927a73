// Summaries of texts of any length: a text that does not fit in one prompt is summarized in parts,
// and so are the summaries, until one is left. BaseLLM calls it.

import { wrongType } from '../common/arguments.js';
import { ContextOverflowError } from '../common/errors.js';
import type { RunOptions } from './options.js';

/** How far a summary has come. */
export interface SummaryProgress {
  /** The number of the pass, from 1: the second one summarizes the summaries of the first. */
  pass: number;
  /** How many parts of this pass are summarized, and how many it has. */
  done: number;
  total: number;
}

/** Options of `generateSummary`. */
export interface SummaryOptions extends Pick<RunOptions, 'signal'> {
  /** Called after each part. An exception rejects the call. */
  onProgress?: ((progress: SummaryProgress) => void) | undefined;
}

/** How to summarize. */
export interface Summarizer {
  /** Whether a prompt fits, with room for the summary. */
  fits(prompt: string): Promise<boolean>;
  /** Generates a summary; one of several must be much shorter than its part. */
  run(prompt: string, isOnly: boolean): Promise<string>;
}

/** More passes than any text needs whose summaries are shorter than their parts. */
const maxPasses = 16;

const promptOf = (text: string): string =>
  `Summarize the following text in a few sentences:\n\n${text}`;

/** Checks the callback; throws TypeError. */
export function checkOnProgress(value: unknown): SummaryOptions['onProgress'] {
  if (value !== undefined && typeof value !== 'function') {
    throw wrongType('a function', 'onProgress', value);
  }
  return value as SummaryOptions['onProgress'];
}

/**
 * Summarizes a text.
 *
 * @throws ContextOverflowError if not even a few characters fit, or if summaries do not get shorter
 */
export async function summarize(
  text: string,
  summarizer: Summarizer,
  { signal, onProgress }: SummaryOptions,
): Promise<string> {
  let rest = text;
  for (let pass = 1; pass <= maxPasses; pass++) {
    const parts = await partsOf(rest, (part) => summarizer.fits(promptOf(part)));
    const total = parts.length;
    const summaries: string[] = [];
    for (const part of parts) {
      signal?.throwIfAborted();
      summaries.push(await summarizer.run(promptOf(part), total === 1));
      onProgress?.({ pass, done: summaries.length, total });
    }
    rest = summaries.join('\n');
    if (total === 1) return rest;
  }
  throw new ContextOverflowError(
    `After ${maxPasses} passes the summaries are still too long for the context`,
  );
}

/** The text in parts that fit, cut between sentences or words where there are any. */
async function partsOf(text: string, fits: (part: string) => Promise<boolean>): Promise<string[]> {
  const parts: string[] = [];
  // The parts still to check, the next one last.
  const open = [text];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (await fits(part)) {
      if (part.trim() !== '' || text.trim() === '') parts.push(part);
      continue;
    }
    const cut = cutOf(part);
    if (cut === undefined) {
      throw new ContextOverflowError('The context is too small for a prompt to summarize a text');
    }
    open.push(part.slice(cut), part.slice(0, cut));
  }
  return parts;
}

/** Ends of paragraphs, sentences and words, each better than the next. */
const ends = [/\n\s*\n/g, /[.!?](?=\s)\s*|[。！？]/gu, /\s+/g];

/** How far from the middle of a text a cut may be, in characters; at most a quarter of it. */
const maxShift = 4096;

/** Where to cut a text in two: near its middle. Undefined if it is a single character. */
function cutOf(text: string): number | undefined {
  const middle = text.length >> 1;
  for (const end of ends) {
    const around = Math.min(middle >> 1, maxShift);
    const from = middle - around;
    const found = [...text.slice(from, middle + around).matchAll(end)]
      .map(({ 0: match, index }) => from + index + match.length)
      .sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
    if (found[0] !== undefined) return found[0];
  }
  // Not within a surrogate pair.
  const isPair = (at: number): boolean => (text.codePointAt(at - 1) ?? 0) > 0xffff;
  for (const cut of [middle, middle + 1]) {
    if (cut > 0 && cut < text.length && !isPair(cut)) return cut;
  }
  return undefined;
}
