// Decides by a route of the server: determines once whether the server has it, sends the questions,
// and reads the answers. `decide.ts` uses it.

import { raceAbort } from '../../common/abort.js';
import { LMError, RemoteError } from '../../common/errors.js';
import { type Cost, noCost } from '../../common/usage.js';
import type { CheckedQuestion } from '../../decide/question.js';
import type { CheckedState } from '../../decide/state.js';
import type { Client } from '../http/client.js';
import { ownFieldsOf, type RemoteDecideRequest } from './decide-options.js';
import type { ReportedAnswer } from './decide-result.js';
import { describe, isObject, wrongReply } from './read-numbers.js';
import type { Format } from './wire-format.js';

/** A route that a server has. */
export interface Route {
  /** Whether the server is one of this package, which takes and reports more. */
  isOwn: boolean;
}

/**
 * Statuses by which a server refuses a valid request: it does not have the route, or its model does
 * not support it. 200: it sends a page for people instead.
 */
const refusals = new Set([200, 400, 404, 405, 415, 422, 501]);

/** What a server reports to all questions. */
export interface Reply {
  answers: ReportedAnswer[];
  cost: Cost;
}

/** One format over one server. */
export class Wire {
  readonly format: Format;
  readonly #client: Client;
  #route: Promise<Route | undefined> | undefined;

  constructor(client: Client, format: Format) {
    this.#client = client;
    this.format = format;
  }

  /**
   * The route; undefined if the server does not have it. Determined once, for all concurrent calls,
   * whose signals therefore do not end the request; again after a failure.
   */
  route(signal: AbortSignal | undefined): Promise<Route | undefined> {
    this.#route ??= this.#probe().catch((error: unknown) => {
      this.#route = undefined;
      throw error;
    });
    return raceAbort(this.#route, signal);
  }

  async #probe(): Promise<Route | undefined> {
    const { path, probe } = this.format;
    try {
      const reply = await this.#client.post(
        path,
        { model: this.#client.model, ...probe },
        undefined,
      );
      const answers = this.format.answersIn(reply);
      const [first] = answers ?? [];
      return answers && { isOwn: isObject(first) && first.x_logprobs !== undefined };
    } catch (error) {
      if (error instanceof RemoteError && refusals.has(error.status ?? 0)) return undefined;
      throw error;
    }
  }

  /** Sends the questions. Throws the server's error, and LMError `REFUSED`. */
  async decide(
    state: CheckedState,
    questions: readonly CheckedQuestion[],
    read: RemoteDecideRequest,
  ): Promise<Reply> {
    const { format } = this;
    const { model } = this.#client;
    const body = { model, ...format.body(state, questions), ...ownFieldsOf(read) };
    const start = performance.now();
    const reply = await this.#client.post(format.path, body, read.request.signal);
    const cost = costOf(reply.usage, performance.now() - start);
    const refused: string[] = [];
    const answers = format.answersOf(reply, questions).flatMap((answer, index) => {
      const question = questions[index] as CheckedQuestion;
      const at = `question ${JSON.stringify(question.name)}`;
      if (!isObject(answer)) throw wrongReply(`the answer to ${at} is ${describe(answer)}`);
      if (answer.type === 'refusal') {
        refused.push(JSON.stringify(question.name));
        return [];
      }
      if (answer.type !== format.typeOf(question)) {
        throw wrongReply(`the answer to ${at} is of type ${describe(answer.type)}`);
      }
      return [format.readAnswer(question, answer, at)];
    });
    if (refused.length === 0) return { answers, cost };
    const names = refused.join(', ');
    throw new LMError(`The server refused to answer these questions: ${names}`, {
      code: 'REFUSED',
    });
  }
}

/** The reported counts; zero if there are none. */
function costOf(usage: unknown, milliseconds: number): Cost {
  const countOf = (value: unknown): number =>
    Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0;
  const cost = noCost();
  const fields = isObject(usage) ? usage : {};
  const details = isObject(fields.input_tokens_details) ? fields.input_tokens_details : {};
  const promptTokens = countOf(fields.input_tokens);
  const cachedTokens = Math.min(promptTokens, countOf(details.cached_tokens));
  Object.assign(cost.usage, { promptTokens, cachedTokens, decodeCalls: 1 });
  cost.usage.decodedTokens = promptTokens - cachedTokens + countOf(fields.output_tokens);
  cost.timings.decodeMs = milliseconds;
  return cost;
}
