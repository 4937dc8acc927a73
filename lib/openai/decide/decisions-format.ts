// The format of `POST /decisions`: bodies and replies. `wire.ts` uses it.

import type { CheckedQuestion } from '../../decide/question.js';
import type { CheckedState } from '../../decide/state.js';
import type { ReportedAnswer } from './decide-result.js';
import {
  checkScore,
  checkSelected,
  describe,
  type Fields,
  isObject,
  readConfidence,
  readDistribution,
  readNumber,
  readOwnNumbers,
  wrongReply,
} from './read-numbers.js';
import { type Format, messagesOf, optionLimit } from './wire-format.js';

const maxQuestions = 400;

/** Cases of a yes-no question as lines, since a predicate has no field for them. */
function claimOf({ instructions, options }: CheckedQuestion): string {
  const isBare = options.every(({ description }) => description === undefined);
  const cases = options.map(({ name, description }) => {
    return description === undefined ? name : `${name}: ${description}`;
  });
  return [instructions, ...(isBare ? [] : cases)].filter((line) => line !== '').join('\n');
}

function questionOf(question: CheckedQuestion): object {
  const { name, type, instructions, options } = question;
  if (type === 'boolean') return { type: 'predicate', name, instructions: claimOf(question) };
  if (type === 'score') {
    return { type, name, instructions, levels: options.map((level) => ({ label: level.name })) };
  }
  const choices = options.map(({ name: value, description }) => ({ value, description }));
  return { type, name, instructions, choices };
}

function inputOf(state: CheckedState): unknown {
  return state.messages.length === 0 ? state.text : messagesOf(state);
}

const wireTypes = { boolean: 'predicate', choice: 'choice', score: 'score' } as const;

/** The probabilities of a list, one per option, in the order of the options. */
function probabilitiesOf(
  { options, type }: CheckedQuestion,
  answer: Fields,
  at: string,
): unknown[] {
  const { probabilities: list } = answer;
  if (!Array.isArray(list) || list.length !== options.length || !list.every(isObject)) {
    throw wrongReply(`the probabilities of ${at} are not a list of ${options.length}`);
  }
  const values = new Array<unknown>(options.length);
  for (const { value, label, probability } of list) {
    const index =
      type === 'choice' ? options.findIndex(({ name }) => name === value) : Number(value);
    const name = options[index]?.name;
    const isKnown = name !== undefined && (type === 'choice' || typeof value === 'number');
    if (!isKnown || index in values || (type === 'score' && label !== name)) {
      throw wrongReply(`the probabilities of ${at} have the key ${describe(label ?? value)}`);
    }
    values[index] = probability;
  }
  return values;
}

function readAnswer(question: CheckedQuestion, answer: Fields, at: string): ReportedAnswer {
  const { options, type } = question;
  const own = readOwnNumbers(answer, options.length, at);
  const confidence = readConfidence(answer.confidence, at);
  if (type === 'boolean') {
    const yes = readNumber(answer.probability, 1, `the probability of ${at}`);
    return { probabilities: [yes, 1 - yes], confidence, own };
  }
  const distribution = readDistribution(probabilitiesOf(question, answer, at), at);
  const { probabilities } = distribution;
  if (type === 'score') {
    checkScore(answer.score, distribution, at);
    return { probabilities, confidence, own };
  }
  const index = options.findIndex(({ name }) => name === answer.choice);
  const selected = checkSelected(index, distribution, at, answer.choice);
  return { probabilities, selected, confidence, own };
}

/** OpenAI's format. */
export const decisionsFormat: Format = {
  path: '/decisions',
  probe: {
    input: 'One two three',
    questions: [{ type: 'predicate', instructions: 'Does the text contain numbers?' }],
  },
  answersIn: ({ answers }) => (Array.isArray(answers) ? answers : undefined),
  limit(questions, { method }) {
    const described = questions.find(({ type, options }) => {
      return type === 'boolean' && options.some(({ description }) => description !== undefined);
    });
    // The lines of the cases would stand beside the labels instead of after them.
    if (method === 'labels' && described !== undefined) {
      return `method 'labels' only for yes-no questions without criteria, unlike ${describe(described.name)}`;
    }
    if (questions.length > maxQuestions) {
      return `at most ${maxQuestions} questions, not ${questions.length}`;
    }
    return optionLimit(questions, 2);
  },
  body: (state, questions) => ({ input: inputOf(state), questions: questions.map(questionOf) }),
  answersOf({ answers }, questions) {
    if (!Array.isArray(answers) || answers.length !== questions.length) {
      const count = Array.isArray(answers) ? answers.length : 'none';
      throw wrongReply(`expected ${questions.length} answers, got ${count}`);
    }
    return answers.map((answer: unknown, index) => {
      const name = questions[index]?.name;
      const reported = isObject(answer) ? (answer.name ?? name) : name;
      if (reported === name) return answer;
      throw wrongReply(`answer ${index} is to ${describe(reported)} instead of ${describe(name)}`);
    });
  },
  typeOf: ({ type }) => wireTypes[type],
  readAnswer,
};
