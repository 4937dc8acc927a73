// A possible next token, as every call that reports alternatives has it.

/** One possible next token. */
export interface Candidate {
  token: number;
  /** Its text, U+FFFD for bytes that are no whole character. */
  text: string;
  /** Natural log-probability. */
  logprob: number;
  probability: number;
}
