// A check for each row of docs/from-lollms.md about callbacks.

import { MSG_OPERATION_TYPE } from 'autocog-lm/binding';
import { type Check, callsOf, page } from './lollms-setup.js';

const operation = (value: number): Check => {
  return (t) => {
    const name = MSG_OPERATION_TYPE[value] as keyof typeof MSG_OPERATION_TYPE;
    t.equal(MSG_OPERATION_TYPE[name], value);
    t.match(page, `| \`${name}\` | \`MSG_OPERATION_TYPE.${name}\` | ${value}`);
  };
};

/** Under the heading Callbacks. */
export const callbacks: Record<string, Check> = {
  chunk: async (t) => t.equal((await callsOf()).map(([chunk]) => chunk).join(''), ' Paris'),
  op_type: async (t) => t.same(new Set((await callsOf()).map(([, type]) => type)), new Set([0])),
  metadata: async (t) => t.ok((await callsOf()).every(([, , metadata]) => metadata)),
  MSG_OPERATION_TYPE: (t) => t.equal(Object.keys(MSG_OPERATION_TYPE).length, 40),
  ...Object.fromEntries(
    Array.from({ length: 20 }, (_, value) => [MSG_OPERATION_TYPE[value], operation(value)]),
  ),
  progress: async (t) => {
    t.same(
      (await callsOf()).map(([, , { progress }]) => progress),
      [0.5, 1, 1],
    );
  },
  tokens_generated: async (t) => {
    t.same(
      (await callsOf()).map(([, , metadata]) => metadata.tokensGenerated),
      [1, 2, 2],
    );
  },
  max_tokens: async (t) => t.equal((await callsOf())[0]?.[2].maxTokens, 2),
  token_count: async (t) => {
    t.same(
      (await callsOf()).map(([, , metadata]) => metadata.tokenCount),
      [1, 1, 0],
    );
  },
  finish_reason: async (t) => {
    const calls = await callsOf({ stop: 'aris' });
    t.same([calls.at(-1)?.[0], calls.at(-1)?.[2].finishReason], ['', 'stop']);
  },
  temperature: async (t) => t.equal((await callsOf({ temperature: 1 }))[0]?.[2].temperature, 1),
};
