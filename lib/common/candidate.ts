// A possible next token, as reported by every call that lists alternatives.

/** One possible next token. */
export interface Candidate {
  token: number;
  /** The token's text, with U+FFFD for incomplete UTF-8. */
  text: string;
  /** Natural log-probability. */
  logprob: number;
  probability: number;
}
