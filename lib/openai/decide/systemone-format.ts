// The format of `POST /systemone`: bodies and replies. `wire.ts` uses it.

import type { CheckedQuestion } from '../../decide/question.js';
import type { ReportedAnswer } from './decide-result.js';
import {
  checkScore,
  checkSelected,
  describe,
  type Fields,
  isObject,
  type OwnNumbers,
  readConfidence,
  readDistribution,
  readNumber,
  readOwnNumbers,
  wrongReply,
} from './read-numbers.js';
import { type Format, keysMove, messagesOf, optionLimit } from './wire-format.js';

function criteriaOf({ type, options }: CheckedQuestion): unknown {
  if (type === 'score') return options.map(({ name }) => name);
  if (type === 'choice') {
    return Object.fromEntries(options.map(({ name, description = null }) => [name, description]));
  }
  const [yes, no] = options.map(({ description }) => description);
  if (yes === undefined && no === undefined) return undefined;
  return { true: yes, false: no };
}

const wireTypes = { boolean: 'noul', choice: 'choice', score: 'score' } as const;

function questionOf(question: CheckedQuestion): object {
  const { type, instructions } = question;
  return {
    type: wireTypes[type],
    // Some servers reject a blank text, and the format has questions without any.
    ...(instructions !== '' && { instructions }),
    criteria: criteriaOf(question),
  };
}

/** The values of an object with exactly these keys. */
function valuesOf(object: unknown, keys: readonly string[], what: string): unknown[] {
  if (!isObject(object)) throw wrongReply(`${what} are ${describe(object)}, not an object`);
  const extra = Object.keys(object).find((key) => !keys.includes(key));
  if (extra !== undefined) throw wrongReply(`${what} have the key ${describe(extra)}`);
  return keys.map((key) => {
    if (Object.hasOwn(object, key)) return object[key];
    throw wrongReply(`${what} lack the key ${describe(key)}`);
  });
}

/** The server lists options as an object does: names like integers first. */
function inOrder(
  { type, options }: CheckedQuestion,
  own: OwnNumbers | undefined,
): OwnNumbers | undefined {
  if (own === undefined || type !== 'choice') return own;
  const names = Object.keys(Object.fromEntries(options.map(({ name }) => [name, null])));
  const known = new Map(names.map((name, index) => [name, own.logprobs[index] as number]));
  return { ...own, logprobs: options.map(({ name }) => known.get(name) as number) };
}

function readAnswer(question: CheckedQuestion, answer: Fields, at: string): ReportedAnswer {
  const { type, options } = question;
  const own = inOrder(question, readOwnNumbers(answer, options.length, at));
  const confidence = readConfidence(answer.confidence ?? answer.x_confidence, at);
  if (type === 'boolean') {
    const yes = readNumber(answer.noul, 1, `the probability of ${at}`);
    return { probabilities: [yes, 1 - yes], confidence, own };
  }
  const keys = options.map(({ name }, index) => (type === 'score' ? String(index) : name));
  const values = valuesOf(answer.probabilities, keys, `the probabilities of ${at}`);
  const distribution = readDistribution(values, at);
  const { probabilities } = distribution;
  if (type === 'score') {
    checkScore(answer.score, distribution, at);
    return { probabilities, confidence, own };
  }
  const index = options.findIndex(({ name }) => name === answer.choice);
  const selected = checkSelected(index, distribution, at, answer.choice);
  return { probabilities, selected, confidence, own };
}

/** The format of hosted decision models. */
export const systemoneFormat: Format = {
  path: '/systemone',
  probe: {
    state: 'One two three',
    questions: { numbers: { type: 'noul', instructions: 'Does the text contain numbers?' } },
  },
  answersIn: ({ answers }) => (isObject(answers) ? Object.values(answers) : undefined),
  limit(questions, { orders }) {
    const moved = questions.find((question) => question.type === 'choice' && keysMove(question));
    if (typeof orders === 'number' && moved !== undefined) {
      return `the option orders only for names that keep their order in JSON, unlike those of question ${describe(moved.name)}`;
    }
    return optionLimit(questions, 1);
  },
  body: (state, questions) => ({
    // As text, since every server has a JSON text of its own for an object.
    state: state.messages.length === 0 ? state.text : messagesOf(state),
    questions: Object.fromEntries(
      questions.map((question) => [question.name, questionOf(question)]),
    ),
  }),
  answersOf: ({ answers }, questions) => {
    const names = questions.map(({ name }) => name);
    return valuesOf(answers, names, 'the answers');
  },
  typeOf: ({ type }) => wireTypes[type],
  readAnswer,
};
