// One node of AutoCog's files of trees (FTT): its type, and its validation. `autocog-trees.ts` calls
// it.

import { readObject } from '../automaton/json-objects.js';
import {
  checkBoolean,
  checkInteger,
  checkNumber,
  checkString,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import type { ThoughtNode } from './thought-node.js';

/** A node of one of AutoCog's files of trees (FTT). */
export interface AutoCogThought {
  /** Index of the action in the automaton's file. */
  action: number;
  /** The action's name. */
  uid?: string;
  /** Absent if empty. */
  text?: string;
  /** −log P of the path up to and with this node; null if P is 0. */
  logprob: number | null;
  /** −log P of each token, and of the tokens of a stop that the text does not have. */
  logprobs: (number | null)[];
  /** Tokens of the path, with those of the prompt. */
  length: number;
  /** Whether width or threshold dropped it. */
  pruned: boolean;
  tokens: number[];
  /** The best first. */
  children: AutoCogThought[];
  [field: string]: unknown;
}

/** What a node of a file has that a {@link ThoughtNode} does not. */
export interface NodeRecord {
  /** Fields that this package does not have. */
  others?: Readonly<Record<string, unknown>>;
  /** Log-probabilities after those of the tokens, of a stop whose tokens the file does not have. */
  rest?: readonly number[];
  /** The file may count tokens that it does not have. */
  length?: number;
  hasText?: boolean;
  hasUid?: boolean;
}

/** A node without its children and scores; `pruned` if it was, for a reason to be found. */
export function readFields(
  value: unknown,
  name: string,
  uids: readonly string[],
): NodeRecord & { node: ThoughtNode; children: readonly unknown[]; action: number; uid?: string } {
  const { action, uid, text, logprob, logprobs, length, pruned, tokens, children, ...others } =
    readObject(value, name);
  const index = checkInteger(action, `${name}.action`, 0, uids.length - 1);
  const id = uids[index] as string;
  if (uid !== undefined && checkString(uid, `${name}.uid`) !== id) {
    throw wrongRange(`'${id}', the action of this index,`, `${name}.uid`, uid);
  }
  const values = list(logprobs, `${name}.logprobs`, logprobOf);
  const ids = list(tokens, `${name}.tokens`, (token, place) => checkInteger(token, place, 0));
  if (values.length < ids.length) {
    throw wrongRange(
      `at least ${ids.length} numbers, one per token,`,
      `${name}.logprobs`,
      logprobs,
    );
  }
  if (!Array.isArray(children)) throw wrongType('an array', `${name}.children`, children);
  const own = values.reduce((sum, each) => sum + each, 0);
  const node: ThoughtNode = {
    action: id,
    text: text === undefined ? '' : checkString(text, `${name}.text`),
    tokens: Int32Array.from(ids),
    logprobs: Float64Array.from(values.slice(0, ids.length)),
    ...{ logprob: own, score: 0, probability: 1, pathScore: 0 },
    pathLogprob: logprobOf(logprob, `${name}.logprob`),
    replaced: 0,
    ...(checkBoolean(pruned, `${name}.pruned`) && { pruned: 'threshold' }),
    ...{ decodedTokens: 0, children: [] },
  };
  return {
    ...{ node, children, action: index, others: structuredClone(others) },
    rest: values.slice(ids.length),
    length: checkInteger(length, `${name}.length`, 0),
    hasText: text !== undefined,
    ...(uid !== undefined && { uid: id }),
  };
}

/** A log-probability from −log P, which JSON has as null if it is infinite. */
const logprobOf = (value: unknown, name: string): number =>
  value === null ? -Infinity : 0 - checkNumber(value, name);

function list<T>(value: unknown, name: string, read: (value: unknown, name: string) => T): T[] {
  if (!Array.isArray(value)) throw wrongType('an array', name, value);
  return Array.from(value as unknown[], (each, index) => read(each, `${name}[${index}]`));
}
