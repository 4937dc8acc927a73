// What every route works with: the LM that is served, and what is kept of it between requests.

import { Conversation } from '../chat-template/conversation.js';
import type { LLaMa } from '../llama.js';
import { HttpError } from './http/http-error.js';
import { PromptMemory } from './scoring/prompt-memory.js';
import { TokenNames } from './scoring/token-names.js';

/** A request in the making. */
export interface Call {
  /** Aborts when the client has gone, or the server is to end at once. */
  readonly signal: AbortSignal;
  /** Ends its work. */
  abort(): void;
  /** It is over: whoever keeps it may forget it. */
  end(): void;
}

/** An LM with a name. */
export class Served {
  readonly lm: LLaMa;
  /** What the model is called in requests and answers. */
  readonly name: string;
  /** Unix time, in seconds. */
  readonly created = now();
  readonly names: TokenNames;
  readonly memory: PromptMemory;
  /** Whether prompts get a beginning token that answers do not tell. */
  readonly implicitBos: boolean;
  #conversation: Conversation | undefined;

  constructor(lm: LLaMa, name: string, implicitBos: boolean) {
    this.lm = lm;
    this.name = name;
    this.implicitBos = implicitBos;
    this.names = new TokenNames(lm.model);
    this.memory = new PromptMemory(lm);
  }

  /** Writes messages as the model wants them; throws NotSupportedError where it has no template. */
  get conversation(): Conversation {
    const style = { format: undefined, template: undefined, mergeSystem: false };
    this.#conversation ??= new Conversation(this.lm, style);
    return this.#conversation;
  }

  /** Refuses a request for another model. */
  checkModel(name: string | undefined): void {
    if (name === undefined || name === this.name) return;
    const message = `There is no model ${JSON.stringify(name)} here, only ${JSON.stringify(this.name)}`;
    throw new HttpError(404, message, { param: 'model', code: 'model_not_found' });
  }
}

/** Unix time, in seconds. */
export const now = (): number => Math.floor(Date.now() / 1000);
