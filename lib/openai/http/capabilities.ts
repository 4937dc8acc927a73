// Which request fields a server or model does not support, and what to send instead. Learned from
// its error responses and remembered for the lifetime of the LM. `client.ts` keeps one per
// endpoint.

import type { Failure } from './failure.js';

/** A field that may be omitted if the server does not support it. */
export type OptionalField = 'temperature' | 'stream_options' | 'logprobs';

const optionalFields = ['temperature', 'stream_options', 'logprobs'] as const;

/** Statuses with which servers reject a field. */
const rejectionStatuses = new Set([400, 403, 404, 422, 501]);

type Body = Record<string, unknown>;

/** What one endpoint of a server supports. */
export class Capabilities {
  readonly #omitted = new Set<OptionalField>();
  #renamesLimit = false;

  /** Whether a field is omitted. */
  omits(field: OptionalField): boolean {
    return this.#omitted.has(field);
  }

  /** Adapts a request body to what the server supports. Required fields are never omitted. */
  adapt(body: Body, optional: ReadonlySet<OptionalField>): Body {
    const { max_tokens, ...rest } = body;
    const adapted: Body = { ...rest };
    if (max_tokens !== undefined) {
      adapted[this.#renamesLimit ? 'max_completion_tokens' : 'max_tokens'] = max_tokens;
    }
    for (const field of this.#omitted) {
      if (!optional.has(field)) continue;
      delete adapted[field];
      if (field === 'logprobs') delete adapted.top_logprobs;
    }
    return adapted;
  }

  /** Updates itself from an error response; returns whether the request should be sent again. */
  learn({ details }: Failure, sent: Body, optional: ReadonlySet<OptionalField>): boolean {
    const { status, errorObject } = details;
    if (errorObject === undefined || status === undefined || !rejectionStatuses.has(status))
      return false;
    const mentions = (field: string): boolean =>
      errorObject.param === field || new RegExp(`\\b${field}\\b`).test(errorObject.message);
    if (!this.#renamesLimit && 'max_tokens' in sent && mentions('max_completion_tokens')) {
      this.#renamesLimit = true;
      return true;
    }
    for (const field of optionalFields) {
      if (!(field in sent) || !optional.has(field) || this.#omitted.has(field)) continue;
      if (!mentions(field) && !(field === 'logprobs' && mentions('top_logprobs'))) continue;
      this.#omitted.add(field);
      return true;
    }
    return false;
  }
}
