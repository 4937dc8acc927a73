// One completion by a server: asked for, read, and asked for again while nobody has seen any of it.
// The class OpenAI calls it.

import type { Emit, Generation } from '../../generation/generation.js';
import type { Spare } from '../http/capabilities.js';
import type { Client, WritingApi } from '../http/client.js';
import { Failure } from '../http/failure.js';
import { TokenReader } from './token-reader.js';
import { Transcript, type TranscriptRequest } from './transcript.js';

/** What is asked of the server. */
export interface Asked extends TranscriptRequest {
  kind: WritingApi;
  body: Readonly<Record<string, unknown>>;
  /** What the answer may do without. */
  spare: ReadonlySet<Spare>;
}

/** What came of it. */
export interface RemoteGeneration extends Generation {
  /** Whether some of the text came without its tokens. */
  isUntold: boolean;
}

/** The server failed in the middle of a text, or as often as it was tried. */
export class BrokenOff extends Error {
  readonly failure: Failure;
  readonly attempts: number;
  /** What was written before, where something was. */
  readonly generation: RemoteGeneration | undefined;

  constructor(failure: Failure, attempts: number, generation: RemoteGeneration | undefined) {
    super(failure.message);
    this.failure = failure;
    this.attempts = attempts;
    this.generation = generation;
  }
}

/** What there is of a text that was ended before it was asked for. */
export function nothingWritten(asked: Omit<TranscriptRequest, 'promptTokens'>): RemoteGeneration {
  const nothing = { ...asked, promptTokens: undefined };
  const transcript = new Transcript(nothing, new TokenReader(async () => undefined), undefined);
  transcript.end('abort');
  return { ...transcript.generation(0, 0), isUntold: false };
}

/**
 * What the server writes; what there is of it when `stopped` aborts.
 *
 * @throws BrokenOff, and what else a request rejects with
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
      // What a reader has seen cannot be taken back.
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
