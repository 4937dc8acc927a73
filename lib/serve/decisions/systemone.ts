// `POST /v1/systemone`: choice, score and yes-no questions about one state, as served by hosted
// decision models. docs/decisions.md compares the format with `decide`.

import type { DecisionAnswer } from '../../decide/answer.js';
import type { DecisionQuestion, DecisionText } from '../../decide/question.js';
import type { DecisionState } from '../../decide/state.js';
import { Fields, object, type Reader, text } from '../http/fields.js';
import { HttpError, invalidField } from '../http/http-error.js';
import type { Call, Served } from '../served.js';
import { decideFor, extensionsOf, readDecideFields } from './decide-fields.js';

/** The path, whose errors have a form of their own. */
export const systemonePath = '/v1/systemone';

/** Limits of the format. */
const maxOptions = 255;
const maxLevels = 10;

/** A question, and the criteria of its levels as they came. */
interface ReadQuestion {
  question: DecisionQuestion;
  levels: readonly unknown[];
}

/** Handles a request. Unknown fields are ignored, as clients of the format expect. */
export async function systemone(served: Served, fields: Fields, call: Call): Promise<object> {
  checkModel(served, fields.get('model', text));
  for (const name of ['images', 'files', 'assets']) {
    const images = fields.get(name, (value) => value);
    if (images !== undefined)
      throw invalidField('no images, which are not supported,', name, images);
  }
  const state = fields.require('state', readState);
  const given = Object.entries(fields.require('questions', object));
  if (given.length === 0) throw invalidField('at least one question', 'questions', {});
  const read = given.map(([id, value]) => [id, readQuestion(value, id)] as const);
  const questions = read.map(([id, { question }]): [string, DecisionQuestion] => [id, question]);
  const options = readDecideFields(fields);
  const { answers, usage } = await decideFor(served, { state, questions }, options, call);
  const results = read.map(([id, { levels }]) => [
    id,
    toJson(answers[id] as DecisionAnswer, levels),
  ]);
  return {
    model: served.name,
    answers: Object.fromEntries(results),
    usage: { input_tokens: usage.promptTokens, output_tokens: 0 },
    x_usage: usage,
  };
}

/** Any name of the models that clients of the format send by default is accepted. */
function checkModel(served: Served, name: string | undefined): void {
  if (name === undefined || name === served.name || /^jev(-|$)/i.test(name)) return;
  const message = `Unknown model ${JSON.stringify(name)}; this server serves ${JSON.stringify(served.name)}`;
  throw new HttpError(400, message, { code: 'api_usage_error' });
}

const readState: Reader<DecisionState> = (value, name) => {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) {
    throw invalidField('a string, an object or an array', name, value);
  }
  return unwrapped(value);
};

/** Some clients send the state as a list with one part. */
function unwrapped(value: object): DecisionState {
  if (!Array.isArray(value) || value.length !== 1) return value;
  const part = value[0] as { type?: unknown; text?: unknown; value?: unknown } | null;
  if (part?.type === 'text' && typeof part.text === 'string') return part.text;
  const isJson = part?.type === 'json' && typeof part.value === 'object' && part.value !== null;
  return isJson ? (part.value as object) : value;
}

function readQuestion(value: unknown, id: string): ReadQuestion {
  const name = `questions[${JSON.stringify(id)}]`;
  const fields = new Fields(value, name, `${name}.`);
  const type = fields.require('type', text);
  const instructions = fields.get('instructions', readText);
  if (type === 'noul') {
    const criteria = fields.get('criteria', readCases);
    return { question: { type, instructions, criteria }, levels: [] };
  }
  if (type === 'choice') {
    const criteria = fields.require('criteria', object);
    const count = Object.keys(criteria).length;
    if (count > maxOptions) {
      throw invalidField(`at most ${maxOptions} options`, `${name}.criteria`, count);
    }
    return { question: { type, instructions, criteria: criteria as Criteria }, levels: [] };
  }
  if (type !== 'score') {
    throw invalidField("one of 'choice', 'score', 'noul'", `${name}.type`, type);
  }
  const levels = fields.require('criteria', readLevels);
  return { question: { type, instructions, criteria: levels }, levels };
}

type Criteria = Record<string, DecisionText | null>;

const readText: Reader<DecisionText> = (value, name) => {
  if (typeof value === 'string' || (typeof value === 'object' && value !== null)) return value;
  throw invalidField('a string, an object or an array', name, value);
};

const readCases: Reader<{ true: DecisionText | undefined; false: DecisionText | undefined }> = (
  value,
  name,
) => {
  const fields = new Fields(value, name, `${name}.`);
  const cases = { true: fields.get('true', readText), false: fields.get('false', readText) };
  fields.finish();
  return cases;
};

const readLevels: Reader<DecisionText[]> = (value, name) => {
  if (!Array.isArray(value)) throw invalidField('an array of levels, lowest first,', name, value);
  if (value.length > maxLevels) {
    throw invalidField(`at most ${maxLevels} levels`, name, value.length);
  }
  return value.map((level: unknown, index) => readText(level, `${name}[${index}]`));
};

/** The fields of the format, and what only this package knows, with the prefix of extensions. */
function toJson(answer: DecisionAnswer, levels: readonly unknown[]): object {
  const { confidence } = answer;
  const extensions = extensionsOf(answer);
  if (answer.type === 'boolean') {
    return { type: 'noul', noul: answer.probability, ...extensions, x_confidence: confidence };
  }
  if (answer.type === 'choice') {
    const { choice, probabilities } = answer;
    return { type: 'choice', choice, probabilities, confidence, ...extensions };
  }
  const indexed = (values: readonly unknown[]) => Object.fromEntries(values.entries());
  return {
    type: 'score',
    score: answer.score,
    legend: indexed(levels),
    probabilities: indexed(answer.probabilities),
    confidence,
    ...extensions,
  };
}
