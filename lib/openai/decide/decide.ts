// `decide` over a server, in one of three ways: by the routes `/decisions` and `/systemone`, or by
// scoring the options as `choose` does. The class OpenAI creates it.

import { NotSupportedError } from '../../common/errors.js';
import { Stopwatch } from '../../common/usage.js';
import type { AnswersTo, DecisionAnswer } from '../../decide/answer.js';
import { checkDecision, type DecisionTask, runDecide } from '../../decide/decide.js';
import type { DecisionQuestions } from '../../decide/question.js';
import { readQuestions } from '../../decide/read-questions.js';
import { type DecisionState, readState } from '../../decide/state.js';
import type { LM } from '../../lm.js';
import type { RemoteChooser } from '../choose/choose.js';
import type { Client } from '../http/client.js';
import type { Owner } from '../owner.js';
import {
  inexpressibleOption,
  ownOption,
  type RemoteDecideOptions,
  type RemoteDecideRequest,
  readRemoteDecideOptions,
  type WireFormat,
} from './decide-options.js';
import { type RemoteDecision, remoteAnswer } from './decide-result.js';
import { decisionsFormat } from './decisions-format.js';
import { systemoneFormat } from './systemone-format.js';
import { Wire } from './wire.js';

/** What a decider needs of the class OpenAI. */
export interface DeciderParts {
  lm: LM;
  owner: Pick<Owner, 'admit'>;
  client: Client;
  chooser: RemoteChooser;
}

const formats = ['decisions', 'systemone'] as const satisfies readonly WireFormat[];

/** Implements `decide` over one server. */
export class RemoteDecider {
  readonly #parts: DeciderParts;
  readonly #wires: Readonly<Record<WireFormat, Wire>>;

  constructor(parts: DeciderParts) {
    this.#parts = parts;
    this.#wires = {
      decisions: new Wire(parts.client, decisionsFormat),
      systemone: new Wire(parts.client, systemoneFormat),
    };
  }

  /** Answers questions about a state. */
  async decide<Q extends DecisionQuestions>(
    state: DecisionState,
    questions: Q,
    options: RemoteDecideOptions | undefined,
  ): Promise<RemoteDecision<Q>> {
    const stopwatch = new Stopwatch();
    const read = readRemoteDecideOptions(options);
    const { request, via } = read;
    const task = { state: readState(state), questions: readQuestions(questions), request };
    checkDecision(task);
    await this.#parts.owner.admit(request.signal);
    if (via === 'choose') return this.#byChoosing<Q>(task);
    const reasons: string[] = [];
    for (const way of via === 'auto' ? formats : [via]) {
      const reason = await this.#objection(way, task, read);
      if (reason === undefined) return this.#byRoute<Q>(way, task, read, stopwatch);
      reasons.push(reason);
    }
    if (via !== 'auto') throw new NotSupportedError(reasons.join());
    try {
      return await this.#byChoosing<Q>(task);
    } catch (error) {
      if (!(error instanceof NotSupportedError)) throw error;
      throw new NotSupportedError([...reasons, error.message].join('. '), { cause: error });
    }
  }

  /** Why a route cannot be used, if it cannot. What needs no request is checked first. */
  async #objection(
    way: WireFormat,
    { questions, request }: DecisionTask,
    read: RemoteDecideRequest,
  ): Promise<string | undefined> {
    const wire = this.#wires[way];
    const { path } = wire.format;
    const limit = wire.format.limit(questions, request);
    if (limit !== undefined) return `${path} supports ${limit}`;
    const option = inexpressibleOption(read);
    if (option !== undefined) return `${path} does not support the option ${option}`;
    const route = await wire.route(request.signal);
    if (route === undefined) return `The server does not support ${path}`;
    const own = route.isOwn ? undefined : ownOption(read);
    if (own !== undefined) return `${path} of this server does not support the option ${own}`;
    return undefined;
  }

  async #byRoute<Q extends DecisionQuestions>(
    via: WireFormat,
    { state, questions, request }: DecisionTask,
    read: RemoteDecideRequest,
    stopwatch: Stopwatch,
  ): Promise<RemoteDecision<Q>> {
    const { answers: reported, cost } = await this.#wires[via].decide(state, questions, read);
    const answers: [string, DecisionAnswer][] = [];
    const confidences: [string, number][] = [];
    for (const [index, question] of questions.entries()) {
      const own = reported[index] as (typeof reported)[number];
      answers.push([question.name, remoteAnswer(question, own, request)]);
      if (own.confidence !== undefined) confidences.push([question.name, own.confidence]);
    }
    const isOwn = reported.every(({ own }) => own !== undefined);
    return {
      answers: Object.fromEntries(answers) as AnswersTo<Q>,
      names: questions.map(({ name }) => name),
      method: isOwn ? request.method : undefined,
      // Nothing is cut off unless requested, and how much is not reported.
      truncated: isOwn && !request.truncates ? 0 : Number.NaN,
      via,
      strategy: undefined,
      numbers: isOwn ? 'exact' : 'probabilities',
      reportedConfidence: Object.fromEntries(confidences),
      ...stopwatch.complete(cost),
    };
  }

  async #byChoosing<Q extends DecisionQuestions>(task: DecisionTask): Promise<RemoteDecision<Q>> {
    const { chooser, lm } = this.#parts;
    const { engine, strategy } = await chooser.scorer(task.request.signal);
    const decision = await runDecide<Q>(engine, lm, task);
    const all = Object.values(decision.answers as Record<string, DecisionAnswer>);
    const isExact = all.every(({ options }) => options.every(({ exact }) => exact));
    return {
      ...decision,
      via: 'choose',
      strategy,
      numbers: isExact ? 'exact' : 'bounded',
      reportedConfidence: {},
    };
  }
}
