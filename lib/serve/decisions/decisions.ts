// `POST /v1/decisions`: predicates, choices and scores about one input, in OpenAI's format.

import type { ChoiceAnswer, Decision, DecisionAnswer } from '../../decide/answer.js';
import { confidenceOf } from '../../decide/confidence.js';
import type { DecideOptions } from '../../decide/decide-options.js';
import type { DecisionQuestion } from '../../decide/question.js';
import { Fields, list, type Reader, text } from '../http/fields.js';
import { invalidField } from '../http/http-error.js';
import type { Call, Served } from '../served.js';
import { decideFor, extensionsOf, readDecideFields } from './decide-fields.js';
import { readContent, readInput } from './decisions-input.js';

/** Limits of the format. */
const maxQuestions = 400;
const maxChoices = 255;
const maxLevels = 10;

/** A question, and how its answer is reported. */
interface ReadQuestion {
  question: DecisionQuestion;
  toJson(answer: DecisionAnswer, confidence: NonNullable<DecideOptions['confidence']>): object;
}

/** An option as the format has it. */
interface Listed<Value> {
  value: Value;
  name: string;
  description: string | undefined;
}

/** Handles a request. */
export async function decisions(served: Served, fields: Fields, call: Call): Promise<object> {
  served.checkModel(fields.get('model', text));
  const state = fields.require('input', readInput);
  const read = fields.require('questions', list(readQuestion));
  if (read.length === 0 || read.length > maxQuestions) {
    throw invalidField(`1 to ${maxQuestions} questions`, 'questions', read.length);
  }
  const options = readDecideFields(fields);
  // Nothing depends on them: prompts are always cached, and nothing is reported to anybody.
  for (const name of ['prompt_cache_key', 'prompt_cache_options', 'safety_identifier']) {
    fields.get(name, (value) => value);
  }
  fields.finish();
  const questions = read.map(({ question }, index): [string, DecisionQuestion] => {
    return [String(index), question];
  });
  const decision = await decideFor(served, { state, questions }, options, call, fieldOf);
  return {
    answers: read.map(({ toJson }, index) => {
      return toJson(decision.answers[index] as DecisionAnswer, options.confidence ?? 'reference');
    }),
    model: served.name,
    usage: usageOf(decision),
  };
}

/** The field of an argument such as `questions["3"].criteria`. */
const fieldOf = (argument: string): string =>
  argument === 'state' ? 'input' : argument.replace(/^questions\["(\d+)"\]/, 'questions[$1]');

function usageOf({ usage }: Decision): object {
  const { promptTokens, cachedTokens } = usage;
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: 0,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens,
  };
}

const readQuestion: Reader<ReadQuestion> = (value, at) => {
  const fields = new Fields(value, at, `${at}.`);
  const type = fields.require('type', text);
  const name = fields.get('name', text) ?? null;
  const instructions = fields.require('instructions', readContent);
  const head = { type, name };
  if (type === 'predicate') {
    fields.finish();
    const toJson: ReadQuestion['toJson'] = (answer) => {
      const probability = answer.type === 'boolean' ? answer.probability : Number.NaN;
      return { ...head, probability, ...extensionsOf(answer) };
    };
    return { question: { type, instructions }, toJson };
  }
  if (type !== 'choice' && type !== 'score') {
    throw invalidField("one of 'predicate', 'choice', 'score'", `${at}.type`, type);
  }
  const isChoice = type === 'choice';
  const field = isChoice ? 'choices' : 'levels';
  const [least, most] = [2, isChoice ? maxChoices : maxLevels];
  const listed: Listed<string | boolean>[] = fields.require(
    field,
    list(isChoice ? readChoice : readLevel),
  );
  fields.finish();
  if (listed.length < least || listed.length > most) {
    throw invalidField(`${least} to ${most} items`, `${at}.${field}`, listed.length);
  }
  checkDistinct(listed, `${at}.${field}`);
  const criteria = listed.map(({ name: option, description }) => [option, description] as const);
  // Levels may have descriptions here, which only the options of a choice have elsewhere.
  const isPlain = !isChoice && listed.every(({ description }) => description === undefined);
  const question: DecisionQuestion = isPlain
    ? { type, instructions, criteria: listed.map(({ name: level }) => level) }
    : { type: 'choice', instructions, criteria };
  const toJson = isChoice
    ? (answer: DecisionAnswer) => ({ ...head, ...choiceOf(answer as ChoiceAnswer, listed) })
    : (answer: DecisionAnswer, confidence: NonNullable<DecideOptions['confidence']>) => {
        return { ...head, ...scoreOf(answer, listed, confidence) };
      };
  return { question, toJson };
};

const readChoice: Reader<Listed<string | boolean>> = (value, at) => {
  const fields = new Fields(value, at, `${at}.`);
  const own = fields.require('value', (given, name) => {
    if (typeof given !== 'boolean' && typeof given !== 'string') {
      throw invalidField('a string or a boolean', name, given);
    }
    return given;
  });
  const description = fields.get('description', text);
  fields.finish();
  return { value: own, name: String(own), description };
};

const readLevel: Reader<Listed<string>> = (value, at) => {
  const fields = new Fields(value, at, `${at}.`);
  const label = fields.require('label', text);
  const description = fields.get('description', text);
  fields.finish();
  return { value: label, name: label, description };
};

/** A text and a boolean of the same spelling are different values, but the same text to a model. */
function checkDistinct(listed: readonly Listed<unknown>[], name: string): void {
  const seen = new Set<string>();
  for (const [index, { name: own, value }] of listed.entries()) {
    if (seen.has(own)) throw invalidField('values that all differ', `${name}[${index}]`, value);
    seen.add(own);
  }
}

function choiceOf(answer: ChoiceAnswer, listed: readonly Listed<unknown>[]): object {
  const { options, choice, confidence } = answer;
  const best = options.findIndex(({ name }) => name === choice);
  return {
    choice: listed[best]?.value,
    confidence,
    probabilities: options.map(({ probability }, index) => {
      return { value: listed[index]?.value, probability };
    }),
    ...extensionsOf(answer),
  };
}

function scoreOf(
  answer: DecisionAnswer,
  listed: readonly Listed<unknown>[],
  formula: NonNullable<DecideOptions['confidence']>,
): object {
  const probabilities = answer.options.map(({ probability }) => probability);
  return {
    score: probabilities.reduce((sum, probability, level) => sum + level * probability, 0),
    confidence: confidenceOf(probabilities, formula, 'score'),
    probabilities: probabilities.map((probability, value) => {
      return { label: listed[value]?.value, value, probability };
    }),
    ...extensionsOf(answer),
  };
}
