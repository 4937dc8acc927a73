// `interact`: a chat in a terminal with any thread. The command `autocog-lm chat` runs it.

import { chatInTerminal, type InteractOptions } from './terminal-chat.js';
import type { Thread } from './thread.js';

/**
 * Chats until the user leaves: with ^C at the prompt, with `!exit`, or at the end of the input.
 * If an answer fails, the error is printed and the chat continues without it.
 *
 * @throws ClosedError when the LM is closed meanwhile; the signal's reason
 */
export function interact(thread: Thread, options?: InteractOptions): Promise<void> {
  return chatInTerminal(thread, options);
}
