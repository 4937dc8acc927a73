// What a server or a model was found not to take, and what is sent instead: learned from its
// refusals, remembered for as long as the LM lives. `client.ts` keeps one per API.

import type { Failure } from './failure.js';

/** A field that may be left out where a server does not take it. */
export type Spare = 'temperature' | 'stream_options' | 'logprobs';

const spares = ['temperature', 'stream_options', 'logprobs'] as const;

/** Statuses with which servers refuse a field. */
const refusing = new Set([400, 403, 404, 422, 501]);

type Body = Record<string, unknown>;

/** The peculiarities of one API of one server. */
export class Habits {
  readonly #dropped = new Set<Spare>();
  #renamesLimit = false;

  /** Whether a field is left out. */
  drops(field: Spare): boolean {
    return this.#dropped.has(field);
  }

  /** A request as this server takes it. What may not be left out stays. */
  apply(body: Body, spare: ReadonlySet<Spare>): Body {
    const { max_tokens, ...rest } = body;
    const adapted: Body = { ...rest };
    if (max_tokens !== undefined) {
      adapted[this.#renamesLimit ? 'max_completion_tokens' : 'max_tokens'] = max_tokens;
    }
    for (const field of this.#dropped) {
      if (!spare.has(field)) continue;
      delete adapted[field];
      if (field === 'logprobs') delete adapted.top_logprobs;
    }
    return adapted;
  }

  /** Whether there is something to be learned from a refusal, and the request to be sent again. */
  learn({ facts }: Failure, sent: Body, spare: ReadonlySet<Spare>): boolean {
    const { status, refusal } = facts;
    if (refusal === undefined || status === undefined || !refusing.has(status)) return false;
    const names = (field: string): boolean =>
      refusal.param === field || new RegExp(`\\b${field}\\b`).test(refusal.message);
    if (!this.#renamesLimit && 'max_tokens' in sent && names('max_completion_tokens')) {
      this.#renamesLimit = true;
      return true;
    }
    for (const field of spares) {
      if (!(field in sent) || !spare.has(field) || this.#dropped.has(field)) continue;
      if (!names(field) && !(field === 'logprobs' && names('top_logprobs'))) continue;
      this.#dropped.add(field);
      return true;
    }
    return false;
  }
}
