// Shared state of the routes: the served LM, and caches that outlive a request.

import { Conversation } from '../chat-template/conversation.js';
import type { LLaMa } from '../llama.js';
import { HttpError } from './http/http-error.js';
import type { ServeSettings } from './options.js';
import { PromptScoreCache } from './scoring/prompt-score-cache.js';
import { TokenNames } from './scoring/token-names.js';
import { Turns } from './turns.js';

/** A request in progress. */
export interface Call {
  /** Aborts when the client disconnects or the server is aborted. */
  readonly signal: AbortSignal;
  /** Cancels its work, with a reason if the client should learn of it. */
  abort(reason?: unknown): void;
  /** Marks it as finished, so that the server stops tracking it. */
  end(): void;
  /** Reports a failure after the response has begun; those before are reported anyway. */
  report(error: unknown): void;
  /** Milliseconds of silence before a stream sends a ping; 0 for no pings. */
  readonly pingInterval: number;
  /** How many bytes of a stream its client may leave unread. */
  readonly streamBuffer: number;
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
  /** The order in which requests use the LM. */
  readonly turns = new Turns();
  /** The order in which requests embed, in a context of its own. */
  readonly embeddingTurns = new Turns();
  /** Whether prompts get a BOS token that responses omit. */
  readonly implicitBos: boolean;
  readonly #settings: ServeSettings;
  #conversation: Conversation | undefined;

  constructor(lm: LLaMa, settings: ServeSettings) {
    this.lm = lm;
    this.name = settings.alias ?? lm.model.info.fileName.replace(/\.gguf$/i, '');
    this.implicitBos = settings.implicitBos;
    this.#settings = settings;
    this.names = new TokenNames(lm.model);
    this.scoreCache = new PromptScoreCache(lm);
  }

  /** The chat template: the server's or else the model's. */
  get chatTemplate(): string | undefined {
    return this.#settings.chatTemplate ?? this.lm.model.info.chatTemplate;
  }

  /** Formats messages for the model; throws if there is no chat template, or an invalid one. */
  get conversation(): Conversation {
    const template = this.chatTemplate;
    if (template === undefined) {
      const message =
        'The model has no chat template; the server has the option chatTemplate (--chat-template, --chat-template-file)';
      throw new HttpError(400, message, { code: 'not_supported' });
    }
    const { mergeSystem } = this.#settings;
    const style = { format: undefined, template, mergeSystem };
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
