// One completion by a server: the request, reading its response, and retries as long as no reader
// has seen any of it. `remote-completion.ts` calls it.

import type { Emit, Generation } from '../../generation/generation.js';
import type { Spare } from '../http/capabilities.js';
import type { Client, WritingApi } from '../http/client.js';
import { Failure } from '../http/failure.js';
import { TokenReader } from './token-reader.js';
import { Transcript, type TranscriptRequest } from './transcript.js';

/** A request for one completion. */
export interface Asked extends TranscriptRequest {
  kind: WritingApi;
  body: Readonly<Record<string, unknown>>;
  /** The fields that the request may omit. */
  spare: ReadonlySet<Spare>;
}

/** The result. */
export interface RemoteGeneration extends Generation {
  /** Whether some of the text came without tokens. */
  isUntold: boolean;
}

/** The server failed in mid-generation, or all attempts failed. */
export class BrokenOff extends Error {
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
export function nothingWritten(asked: Omit<TranscriptRequest, 'promptTokens'>): RemoteGeneration {
  const nothing = { ...asked, promptTokens: undefined };
  const transcript = new Transcript(nothing, new TokenReader(async () => undefined), undefined);
  transcript.end('abort');
  return { ...transcript.generation(0, 0), isUntold: false };
}

/**
 * Generates one completion; a partial one if `stopped` aborts.
 *
 * @throws GenerationFailed, and what else a request rejects with
 */
export async function writeRemotely(
  client: Client,
  asked: Asked,
  tokensOf: TokenReader,
  emit: Emit | undefined,
  stopped: AbortSignal,
): Promise<RemoteGeneration> {
  const start = performance.now();
  let requests = 0;
  let queueMs = 0;
  let transcript = new Transcript(asked, tokensOf, emit);
  const generation = (): RemoteGeneration => {
    return { ...transcript.generation(requests, queueMs), isUntold: transcript.isUntold };
  };
  const broken = (failure: Failure, attempts: number): BrokenOff => {
    const hasText = transcript.isHandedOut || transcript.hasText;
    return new BrokenOff(failure, attempts, hasText ? generation() : undefined);
  };
  const attempt = async (): Promise<void> => {
    transcript = new Transcript(asked, tokensOf, emit);
    queueMs = performance.now() - start;
    requests++;
    try {
      await readAll(client, asked, transcript, stopped);
    } catch (error) {
      // Chunks that a reader has seen cannot be taken back, so there is no retry.
      if (transcript.isHandedOut && error instanceof Failure) throw broken(error, 1);
      throw error;
    }
  };
  try {
    await client.retrying(stopped, attempt, broken);
  } catch (error) {
    if (!stopped.aborted) throw error;
    transcript.end('abort');
  }
  return generation();
}

async function readAll(
  client: Client,
  { kind, body, spare }: Asked,
  transcript: Transcript,
  stopped: AbortSignal,
): Promise<void> {
  for await (const piece of client.pieces(kind, body, spare, stopped)) {
    await transcript.take(piece);
    if (stopped.aborted) return transcript.end('abort');
    if (transcript.isCut) return;
  }
  await transcript.endQuietly();
}
