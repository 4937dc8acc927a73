// Tokenizes the prompts of a decision. What questions share is tokenized by itself, once, so that
// they have its tokens in common whatever follows. `lib/decide/prepare.ts` calls it.

import type { Message } from '../chat-template/message.js';
import type { ChoiceTokenizer } from '../choose/boundary.js';
import { wrongRange } from '../common/arguments.js';
import { concatenate } from '../common/token-arrays.js';
import type { DecisionPrompt } from './render.js';
import type { CheckedState } from './state.js';

/** A prompt as tokens. */
export interface PromptTokens {
  /** Its beginning: the same array for all prompts that share it; may be empty. */
  head: Int32Array;
  tail: Int32Array;
  /** What stands between the prompt and an answer. */
  lead: string;
}

/** Renders prompts after a state as tokens, in order. */
export type PromptTokenizer = (
  state: CheckedState,
  prompts: readonly DecisionPrompt[],
) => Promise<PromptTokens[]>;

const none = new Int32Array(0);

/** The prompts, grouped by their context. */
export function byContext(prompts: readonly DecisionPrompt[]): Map<string, DecisionPrompt[]> {
  const groups = new Map<string, DecisionPrompt[]>();
  for (const prompt of prompts) {
    const group = groups.get(prompt.context);
    if (group === undefined) groups.set(prompt.context, [prompt]);
    else group.push(prompt);
  }
  return groups;
}

const roleNames = { system: 'System', user: 'User', bot: 'Assistant' } as const;

/** A conversation as plain text, up to the content of its last message. */
function transcript(messages: readonly Message[], text: string): string {
  const lines = messages.map(({ role, content }) => `${roleNames[role]}: ${content}\n`);
  if (lines.length > 0 && text !== '') lines.push(`${roleNames.user}: `);
  return lines.join('');
}

/** Renders prompts as plain text. */
export function plainPrompts(tokenizer: ChoiceTokenizer): PromptTokenizer {
  return async (state, prompts) => {
    const before = transcript(state.messages, state.text);
    const found = new Map<DecisionPrompt, PromptTokens>();
    for (const [context, group] of byContext(prompts)) {
      const start = before + context;
      const questions = group.map(({ question }) => question);
      // An encoder reads its text as a whole, and without a beginning a question begins the text.
      const encodes = tokenizer.decoderTexts !== undefined;
      const isWhole = encodes || start === '';
      const [head = none] = isWhole ? [none] : await tokenizer.prompts([start]);
      const tails = isWhole
        ? await tokenizer.prompts(questions.map((question) => start + question))
        : await tokenizer.texts(questions);
      for (const [index, prompt] of group.entries()) {
        const tail = tails[index] as Int32Array;
        if (head.length + tail.length === 0) {
          throw wrongRange('at least one token', 'the rendered question', prompt.question);
        }
        const lead = prompt.lead ?? (encodes ? '' : leadAfter(start + prompt.question));
        found.set(prompt, { head, tail, lead });
      }
    }
    return prompts.map((prompt) => found.get(prompt) as PromptTokens);
  };
}

/** Models generate the space before a word as a part of it, but not after white space or markup. */
export const leadAfter = (text: string): string => (/(^|[\s>])$/.test(text) ? '' : ' ');

/** All tokens of a prompt. */
export const joined = ({ head, tail }: PromptTokens): Int32Array => concatenate(head, tail);
