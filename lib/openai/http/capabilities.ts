// Which request fields a server or model does not support, and what to send instead. Learned from
// its error responses and remembered for the lifetime of the LM. `client.ts` keeps one per
// endpoint.

import type { Failure } from './failure.js';

/** A field that may be omitted if the server does not support it. */
export type Spare = 'temperature' | 'stream_options' | 'logprobs';

const spares = ['temperature', 'stream_options', 'logprobs'] as const;

/** Statuses with which servers reject a field. */
const refusing = new Set([400, 403, 404, 422, 501]);

type Body = Record<string, unknown>;

/** What one endpoint of a server supports. */
export class Habits {
  readonly #dropped = new Set<Spare>();
  #renamesLimit = false;

  /** Whether a field is omitted. */
  drops(field: Spare): boolean {
    return this.#dropped.has(field);
  }

  /** Adapts a request body to what the server supports. Required fields are never omitted. */
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

  /** Updates itself from an error response; returns whether the request should be sent again. */
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
