// Checks the messages of a conversation and converts them to the API's. `openai.ts` calls it.

import { readMessage } from '../../chat-template/message.js';
import { wrongRange, wrongType } from '../../common/arguments.js';
import type { RemoteMessage } from './request-body.js';

const around = () => ({ prefix: '', postfix: '' });

/** The messages as the API takes them; throws TypeError or RangeError. */
export function readConversation(value: unknown): RemoteMessage[] {
  if (!Array.isArray(value)) throw wrongType('an array of messages', 'messages', value);
  if (value.length === 0) throw wrongRange('at least one message', 'messages', value);
  return value.map((item, index) => {
    const { role, content } = readMessage(item, `messages[${index}]`, around);
    // A lone surrogate is no UTF-8: it is sent as U+FFFD, like in any prompt.
    const text = Buffer.from(content).toString();
    return { role: role === 'bot' ? 'assistant' : role, content: text };
  });
}
