// ChoiceLMs as the AI SDK's decision models: exact probabilities by `decide`.

import type { ChoiceLM } from '../choice-lm.js';
import { checkOptions } from '../common/arguments.js';
import { pick } from '../common/pick.js';
import type { DecisionAnswer } from '../decide/answer.js';
import type { DecideOptions } from '../decide/decide-options.js';
import { jsonText } from '../decide/json-text.js';
import type { DecisionQuestion } from '../decide/question.js';
import type { DecisionState } from '../decide/state.js';
import { metadataKey } from './call-settings.js';
import { UnsupportedFunctionalityError } from './errors.js';
import type { ModelIdentity } from './provider-settings.js';
import type {
  DecisionModelV4,
  DecisionModelV4Answer,
  DecisionModelV4CallOptions,
  DecisionModelV4Question,
  DecisionModelV4Result,
  JSONObject,
  SharedV4Warning,
} from './sdk-types.js';

/** The options of `decide` that `providerOptions.autocogLM` may have. */
const optionNames = [
  'method',
  'orders',
  'labels',
  'prior',
  'normalize',
  'terminator',
  'confidence',
  'calibration',
  'onOverflow',
  'template',
] as const satisfies readonly (keyof DecideOptions)[];

/** What `providerOptions.autocogLM` may have for a decision: options of `decide`. */
export type DecisionModelOptions = Pick<DecideOptions, (typeof optionNames)[number]>;

/** A decision model of the AI SDK over a ChoiceLM. */
export class DecisionModel implements DecisionModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider: string;
  readonly modelId: string;
  readonly supportedQuestionTypes = ['choice', 'score', 'boolean'] as const;
  readonly #lm: ChoiceLM;
  readonly #template: string | undefined;

  /** @internal */
  constructor(lm: ChoiceLM, { provider, modelId }: ModelIdentity, template: string | undefined) {
    this.provider = `${provider}.decision`;
    this.modelId = modelId;
    this.#lm = lm;
    this.#template = template;
  }

  /**
   * `providerMetadata.autocogLM.answers` has the confidence, mass, margin and spread of each answer,
   * and `logprobs` by option.
   */
  async doDecide(call: DecisionModelV4CallOptions): Promise<DecisionModelV4Result> {
    const given: DecisionModelOptions | undefined = call.providerOptions?.[metadataKey];
    const name = `providerOptions.${metadataKey}`;
    const options = pick(checkOptions(given, name, optionNames), optionNames);
    const questions = Object.entries(call.questions).map(
      ([id, question]) => [id, questionOf(question)] as const,
    );
    const { answers, names, usage } = await this.#lm.decide(stateOf(call.state), questions, {
      ...(this.#template !== undefined && { template: this.#template }),
      ...options,
      ...(call.abortSignal && { signal: call.abortSignal }),
    });
    const all = names.map((id) => [id, answers[id] as DecisionAnswer] as const);
    return {
      answers: Object.fromEntries(all.map(([id, answer]) => [id, answerOf(answer)])),
      usage: { inputTokens: usage.promptTokens, outputTokens: 0 },
      warnings: warningsOf(call),
      providerMetadata: {
        [metadataKey]: {
          answers: Object.fromEntries(all.map(([id, answer]) => [id, metadataOf(answer)])),
          usage: { ...usage },
        },
      },
      response: { timestamp: new Date(), modelId: this.modelId },
    };
  }
}

/** A lone part as it is; several as a conversation-free list of their texts and values. */
function stateOf(parts: DecisionModelV4CallOptions['state']): DecisionState {
  const values = parts.map((part): DecisionState => {
    if (part.type === 'text') return part.text;
    if (part.type === 'file') throw new UnsupportedFunctionalityError('file parts in the state');
    const { value } = part;
    return typeof value === 'object' && value !== null ? value : jsonText(value, 'state');
  });
  const [only] = values;
  if (values.length === 1 && only !== undefined) return only;
  return values
    .map((value) => (typeof value === 'string' ? value : jsonText(value, 'state')))
    .join('\n\n');
}

function questionOf(question: DecisionModelV4Question): DecisionQuestion {
  if (question.type === 'box') throw new UnsupportedFunctionalityError("questions of type 'box'");
  const { type, instructions } = question;
  if (type === 'boolean') return { type, instructions, criteria: question.criteria };
  if (type === 'choice') return { type, instructions, criteria: question.criteria };
  // A level without a description is known by its index.
  const criteria = question.criteria.map((level, index) => level ?? String(index));
  return { type, instructions, criteria };
}

function answerOf(answer: DecisionAnswer): DecisionModelV4Answer {
  const { type } = answer;
  if (type === 'boolean') return { type, probability: answer.probability };
  if (type === 'choice') return { type, ...pick(answer, ['choice', 'probabilities']) };
  const probabilities = Object.fromEntries(
    answer.probabilities.map((probability, level) => [String(level), probability]),
  );
  return { type, score: answer.score, probabilities };
}

/** JSON has no NaN, which a server without such numbers leaves, and no Infinity. */
const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

const metadataOf = ({ confidence, mass, margin, spread, options }: DecisionAnswer): JSONObject => ({
  confidence: orNull(confidence),
  mass: orNull(mass),
  margin: orNull(margin),
  spread: orNull(spread),
  logprobs: options.map(({ name, logprob }) => ({ name, logprob: orNull(logprob) })),
});

function warningsOf({ maxOutputTokens, reasoning }: DecisionModelV4CallOptions): SharedV4Warning[] {
  const warnings: SharedV4Warning[] = [];
  if (maxOutputTokens !== undefined) {
    warnings.push({ type: 'unsupported', feature: 'maxOutputTokens' });
  }
  if (reasoning !== undefined && reasoning !== 'provider-default' && reasoning !== 'none') {
    warnings.push({ type: 'unsupported', feature: 'reasoning' });
  }
  return warnings;
}
