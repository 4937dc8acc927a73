// `autocog-lm candidates`.

import type { Candidate } from '../../common/candidate.js';
import { withLM } from '../engine.js';
import { readPrompt } from '../input.js';
import type { EngineFlags, PromptFlags } from '../options.js';
import { print, printJson } from '../output.js';
import { table } from '../view/table.js';
import { nats, percent, quote } from '../view/text.js';

export interface CandidatesFlags extends EngineFlags, PromptFlags {
  count: number;
  json?: boolean;
}

export async function candidates(flags: CandidatesFlags, signal: AbortSignal): Promise<void> {
  const prompt = await readPrompt(flags, signal);
  const found = await withLM(flags, signal, (lm) => lm.candidates(prompt, flags.count, { signal }));
  if (flags.json) await printJson({ model: flags.model, prompt, candidates: found });
  else await print(candidateTable(found));
}

/** The candidates, best first. */
export function candidateTable(found: readonly Candidate[]): string {
  return table(
    [
      ['rank', 'right'],
      ['token', 'left'],
      ['id', 'right'],
      ['probability', 'right'],
      ['log-prob', 'right'],
    ],
    found.map(({ token, text, probability, logprob }, index) => [
      String(index + 1),
      quote(text),
      String(token),
      percent(probability),
      nats(logprob),
    ]),
  );
}
