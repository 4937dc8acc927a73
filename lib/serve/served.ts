// Shared state of the routes: the served LM, and caches that outlive a request.

import { Conversation } from '../chat-template/conversation.js';
import type { LLaMa } from '../llama.js';
import { HttpError } from './http/http-error.js';
import { PromptScoreCache } from './scoring/prompt-score-cache.js';
import { TokenNames } from './scoring/token-names.js';

/** A request in progress. */
export interface Call {
  /** Aborts when the client disconnects or the server is aborted. */
  readonly signal: AbortSignal;
  /** Cancels its work. */
  abort(): void;
  /** Marks it as finished, so that the server stops tracking it. */
  end(): void;
}

/** An LM with its name and caches. */
export class Served {
  readonly lm: LLaMa;
  /** The model's name in requests and responses. */
  readonly name: string;
  /** Unix time, in seconds. */
  readonly created = now();
  readonly names: TokenNames;
  readonly scoreCache: PromptScoreCache;
  /** Whether prompts get a BOS token that responses omit. */
  readonly implicitBos: boolean;
  #conversation: Conversation | undefined;

  constructor(lm: LLaMa, name: string, implicitBos: boolean) {
    this.lm = lm;
    this.name = name;
    this.implicitBos = implicitBos;
    this.names = new TokenNames(lm.model);
    this.scoreCache = new PromptScoreCache(lm);
  }

  /** Formats messages for the model; throws NotSupportedError if it has no chat template. */
  get conversation(): Conversation {
    const style = { format: undefined, template: undefined, mergeSystem: false };
    this.#conversation ??= new Conversation(this.lm, style);
    return this.#conversation;
  }

  /** Rejects a request for another model. */
  checkModel(name: string | undefined): void {
    if (name === undefined || name === this.name) return;
    const message = `Unknown model ${JSON.stringify(name)}; this server serves ${JSON.stringify(this.name)}`;
    throw new HttpError(404, message, { param: 'model', code: 'model_not_found' });
  }
}

/** Unix time, in seconds. */
export const now = (): number => Math.floor(Date.now() / 1000);
