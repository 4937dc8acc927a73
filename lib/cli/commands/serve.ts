// `autocog-lm serve`.

import { serve as listen, type ScoringServer } from '../../serve/index.js';
import { isLoopback, readServeOptions, type ServeOptions } from '../../serve/options.js';
import { withLM } from '../engine.js';
import { report } from '../failure.js';
import type { EngineFlags } from '../options.js';
import { print } from '../output.js';

export interface ServeFlags extends EngineFlags {
  host: string;
  port: number;
  apiKey?: string;
  bodyLimit: number;
  alias?: string;
  implicitBos?: boolean;
}

/** Signals that end it, as `interruption.ts` has them. */
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Serves until the signal aborts, and answers what runs then. */
export async function serve(flags: ServeFlags, signal: AbortSignal): Promise<void> {
  const { host, port, bodyLimit, alias, implicitBos } = flags;
  // An empty variable is as good as none; an empty flag is a mistake.
  const apiKey = flags.apiKey ?? (process.env.AUTOCOG_API_KEY || undefined);
  const options: ServeOptions = {
    ...{ host, port, bodyLimit, apiKey, alias, implicitBos },
    onError: (error) => report(error, false),
  };
  // A mistake is told before the model is loaded.
  readServeOptions(options);
  if (apiKey === undefined && !isLoopback(host)) {
    process.stderr.write(
      `autocog-lm: whoever reaches ${host} can use this server; --api-key asks for a key\n`,
    );
  }
  await withLM(flags, signal, async (lm) => {
    const server = await listen(lm, options);
    try {
      await print(`listening on ${server.url}`);
      await ended(signal);
    } finally {
      await finish(server);
    }
  });
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Answers what runs; a second signal ends that, too. */
async function finish(server: ScoringServer): Promise<void> {
  const abort = (): void => void server.abort();
  for (const name of endings) process.on(name, abort);
  try {
    await server.close();
  } finally {
    for (const name of endings) process.off(name, abort);
  }
}
