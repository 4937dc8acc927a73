// LMs as the AI SDK's language models: `generateText`, `streamText`, and structured output by a JSON
// Schema that constrains the generation.

import { Conversation } from '../chat-template/conversation.js';
import { raceAbort } from '../common/abort.js';
import type { Completion, CompletionChunk } from '../common/completion.js';
import type { CompleteOptions } from '../generation/completion-options.js';
import type { LM } from '../lm.js';
import { metadataKey, readSettings } from './call-settings.js';
import { readPrompt } from './prompt.js';
import type { ModelIdentity, ProviderChat } from './provider-settings.js';
import type {
  JSONObject,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4Warning,
} from './sdk-types.js';

/** A call after its prompt was rendered. */
interface PreparedCall {
  tokens: Int32Array;
  options: CompleteOptions;
  logprobs: boolean;
  warnings: SharedV4Warning[];
}

/** A language model of the AI SDK over an LM, whose messages a chat template renders. */
export class LanguageModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider: string;
  readonly modelId: string;
  /** No URLs: files are not supported. */
  readonly supportedUrls = {};
  readonly #lm: LM;
  readonly #chat: ProviderChat;
  #conversation: Conversation | undefined;

  /** @internal */
  constructor(lm: LM, { provider, modelId }: ModelIdentity, chat: ProviderChat) {
    this.provider = `${provider}.chat`;
    this.modelId = modelId;
    this.#lm = lm;
    this.#chat = chat;
  }

  async doGenerate(call: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    const { tokens, options, logprobs, warnings } = await this.#prepare(call);
    const completion = await this.#lm.complete(tokens, options);
    const providerMetadata = logprobs ? await this.#metadataOf(completion) : undefined;
    return {
      content: completion.text === '' ? [] : [{ type: 'text', text: completion.text }],
      finishReason: finishReasonOf(completion),
      usage: usageOf(completion),
      ...(providerMetadata && { providerMetadata }),
      response: this.#response(),
      warnings,
    };
  }

  async doStream(call: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    const { tokens, options, logprobs, warnings } = await this.#prepare(call);
    const chunks = this.#lm.stream(tokens, options);
    const id = '0';
    const parts = async function* (
      metadataOf: (completion: Completion) => Promise<SharedV4ProviderMetadata>,
      response: { id: string; timestamp: Date; modelId: string },
    ): AsyncGenerator<LanguageModelV4StreamPart> {
      yield { type: 'stream-start', warnings };
      yield { type: 'response-metadata', ...response };
      let isOpen = false;
      try {
        for await (const { text } of chunks as AsyncIterable<CompletionChunk>) {
          if (text === '') continue;
          if (!isOpen) yield { type: 'text-start', id };
          isOpen = true;
          yield { type: 'text-delta', id, delta: text };
        }
        const completion = await chunks.completion;
        if (isOpen) yield { type: 'text-end', id };
        const providerMetadata = logprobs ? await metadataOf(completion) : undefined;
        yield {
          type: 'finish',
          finishReason: finishReasonOf(completion),
          usage: usageOf(completion),
          ...(providerMetadata && { providerMetadata }),
        };
      } catch (error) {
        yield { type: 'error', error };
      }
    };
    const iterator = parts((completion) => this.#metadataOf(completion), this.#response());
    return { stream: streamOf(iterator, () => chunks.return?.()) };
  }

  async #prepare(call: LanguageModelV4CallOptions): Promise<PreparedCall> {
    const settings = readSettings(call);
    const { messages, prefix } = readPrompt(call.prompt);
    const { abortSignal } = call;
    abortSignal?.throwIfAborted();
    this.#conversation ??= new Conversation(this.#lm, this.#chat);
    const rendering = this.#conversation.tokens(messages, true, prefix, abortSignal);
    return { ...settings, tokens: await raceAbort(rendering, abortSignal) };
  }

  #response(): { id: string; timestamp: Date; modelId: string } {
    const id = `autocoglm-${crypto.randomUUID()}`;
    return { id, timestamp: new Date(), modelId: this.modelId };
  }

  /** The log-probabilities, and the seed with which a sampled text is generated again. */
  async #metadataOf({
    tokens,
    logprobs,
    logprob,
    alternatives = [],
    seed,
  }: Completion): Promise<SharedV4ProviderMetadata> {
    const texts = await this.#texts([...tokens]);
    const positions: JSONObject[] = texts.map((token, index) => ({
      ...{ token, id: tokens[index] as number, logprob: logprobs[index] as number },
      topLogprobs: (alternatives[index] ?? []).map(({ text, token: id, logprob: own }) => {
        return { token: text, id, logprob: own };
      }),
    }));
    return { [metadataKey]: { logprob, logprobs: positions, ...(seed !== undefined && { seed }) } };
  }

  #texts(tokens: readonly number[]): Promise<string[]> {
    return Promise.all(tokens.map((token) => this.#lm.detokenize(Int32Array.of(token))));
  }
}

/** A stream that takes from the iterator when it is read, and leaves it when it is canceled. */
function streamOf(
  iterator: AsyncGenerator<LanguageModelV4StreamPart>,
  leave: () => unknown,
): ReadableStream<LanguageModelV4StreamPart> {
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await leave();
      await iterator.return(undefined);
    },
  });
}

function finishReasonOf({ stopReason }: Completion): LanguageModelV4FinishReason {
  const unified = {
    eog: 'stop',
    stop: 'stop',
    length: 'length',
    abort: 'interrupted',
    callback: 'interrupted',
  } as const;
  return { unified: unified[stopReason], raw: stopReason };
}

function usageOf({ tokens, usage }: Completion): LanguageModelV4Usage {
  const { promptTokens, cachedTokens } = usage;
  return {
    inputTokens: {
      total: promptTokens,
      noCache: promptTokens - cachedTokens,
      cacheRead: cachedTokens,
      cacheWrite: undefined,
    },
    outputTokens: { total: tokens.length, text: tokens.length, reasoning: undefined },
    raw: { ...usage },
  };
}
