// The interface of LMs that answer conversations themselves, such as OpenAI: a server renders the
// messages. `LocalLLM` uses it where this package has no template to render with.

import type { Completion } from '../common/completion.js';
import type { CompleteOptions } from '../generation/completion-options.js';
import type { LM } from '../lm.js';
import type { MessageLike } from './message.js';

/** An LM that answers conversations. */
export interface ChatLM {
  /** Whether it can, with its present options. */
  readonly answersChats: boolean;
  completeChat(messages: readonly MessageLike[], options?: CompleteOptions): Promise<Completion>;
}

/** Whether an LM answers conversations itself. */
export function answersChats(lm: LM): lm is LM & ChatLM {
  const { answersChats: answers, completeChat } = lm as Partial<LM & ChatLM>;
  return answers === true && typeof completeChat === 'function';
}
