// How many tokens fit in a context after a prompt. `choose`, threads and the server use it.

/** What determines the room in a context. */
export interface Room {
  /** Undefined if unknown: then everything fits. */
  readonly contextSize: number | undefined;
  /** Whether an encoder reads the prompt, which then takes no room from what follows it. */
  readonly encoderDecoder: boolean;
}

/** The decoder's start token. */
const startTokens = 1;

/** The tokens that can be decoded after a prompt; below 0 if it does not fit itself. */
export function roomAfter(
  { contextSize = Infinity, encoderDecoder }: Room,
  prompt: number,
): number {
  if (encoderDecoder && prompt <= contextSize) return contextSize - startTokens;
  return contextSize - prompt;
}
