// Prompts of the AI SDK as messages of a conversation.

import { Message } from '../chat-template/message.js';
import { UnsupportedFunctionalityError } from './errors.js';
import type { LanguageModelV4Prompt } from './sdk-types.js';

/** The messages of a prompt, and the beginning of the answer. */
export interface ReadPrompt {
  messages: Message[];
  /** The text of the last message, if it is the assistant's: the answer continues it. */
  prefix: string;
}

/**
 * Reads a prompt. Reasoning of earlier answers is left out.
 *
 * @throws UnsupportedFunctionalityError for files, and for calls and results of tools
 */
export function readPrompt(prompt: LanguageModelV4Prompt): ReadPrompt {
  const messages: Message[] = [];
  for (const { role, content } of prompt) {
    if (role === 'tool') throw new UnsupportedFunctionalityError('tool results');
    if (role === 'system') messages.push(new Message(role, content));
    else messages.push(new Message(role, content.map(textOf).join('')));
  }
  const prefix = messages.at(-1)?.role === 'bot' ? (messages.pop()?.content ?? '') : '';
  return { messages, prefix };
}

function textOf(part: { type: string; text?: string }): string {
  if (part.type === 'text') return part.text as string;
  if (part.type === 'reasoning') return '';
  throw new UnsupportedFunctionalityError(`message parts of type '${part.type}'`);
}
