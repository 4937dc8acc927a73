// One completion by a server: the request, reading its response, and retries as long as no reader
// has seen any of it. `remote-completion.ts` calls it.

import type { Emit, Generation } from '../../generation/generation.js';
import type { OptionalField } from '../http/capabilities.js';
import type { Client, Endpoint } from '../http/client.js';
import { Failure } from '../http/failure.js';
import { TokenReader } from './token-reader.js';
import { Transcript, type TranscriptRequest } from './transcript.js';

/** A request for one completion. */
export interface RemoteRequest extends TranscriptRequest {
  endpoint: Endpoint;
  body: Readonly<Record<string, unknown>>;
  /** The fields that the request may omit. */
  optional: ReadonlySet<OptionalField>;
}

/** The result. */
export interface RemoteGeneration extends Generation {
  /** Whether some of the text came without tokens. */
  lacksTokens: boolean;
}

/** The server failed in mid-generation, or all attempts failed. */
export class GenerationFailed extends Error {
  readonly failure: Failure;
  readonly attempts: number;
  /** What was generated before the failure, if anything. */
  readonly generation: RemoteGeneration | undefined;

  constructor(failure: Failure, attempts: number, generation: RemoteGeneration | undefined) {
    super(failure.message);
    this.failure = failure;
    this.attempts = attempts;
    this.generation = generation;
  }
}

/** The result of a call that was ended before any request was sent. */
export function emptyGeneration(
  request: Omit<TranscriptRequest, 'promptTokens'>,
): RemoteGeneration {
  const nothing = { ...request, promptTokens: undefined };
  const transcript = new Transcript(nothing, new TokenReader(async () => undefined), undefined);
  transcript.end('abort');
  return { ...transcript.generation(0, 0), lacksTokens: false };
}

/**
 * Generates one completion; a partial one if `stopped` aborts.
 *
 * @throws GenerationFailed, and what else a request rejects with
 */
export async function generateRemotely(
  client: Client,
  request: RemoteRequest,
  tokenReader: TokenReader,
  emit: Emit | undefined,
  stopped: AbortSignal,
): Promise<RemoteGeneration> {
  const start = performance.now();
  let requests = 0;
  let queueMs = 0;
  let transcript = new Transcript(request, tokenReader, emit);
  const generation = (): RemoteGeneration => {
    return { ...transcript.generation(requests, queueMs), lacksTokens: transcript.lacksTokens };
  };
  const failed = (failure: Failure, attempts: number): GenerationFailed => {
    const hasText = transcript.hasEmitted || transcript.hasText;
    return new GenerationFailed(failure, attempts, hasText ? generation() : undefined);
  };
  const attempt = async (): Promise<void> => {
    transcript = new Transcript(request, tokenReader, emit);
    queueMs = performance.now() - start;
    requests++;
    try {
      await readChunks(client, request, transcript, stopped);
    } catch (error) {
      // Chunks that a reader has seen cannot be taken back, so there is no retry.
      if (transcript.hasEmitted && error instanceof Failure) throw failed(error, 1);
      throw error;
    }
  };
  try {
    await client.withRetries(stopped, attempt, failed);
  } catch (error) {
    if (!stopped.aborted) throw error;
    transcript.end('abort');
  }
  return generation();
}

async function readChunks(
  client: Client,
  { endpoint, body, optional }: RemoteRequest,
  transcript: Transcript,
  stopped: AbortSignal,
): Promise<void> {
  for await (const chunk of client.chunks(endpoint, body, optional, stopped)) {
    await transcript.append(chunk);
    if (stopped.aborted) return transcript.end('abort');
    if (transcript.isCut) return;
  }
  await transcript.endWithoutReason();
}
