// `autocog-lm serve`.

import { checkPeers } from '../../common/peers.js';
import { serve as listen, type ScoringServer } from '../../serve/index.js';
import { isLoopback, readServeOptions, type ServeOptions } from '../../serve/options.js';
import { withLM } from '../engine.js';
import { report } from '../failure.js';
import { readFileContent } from '../input.js';
import type { EngineFlags } from '../options.js';
import { print } from '../output.js';

export interface ServeFlags extends EngineFlags {
  host: string;
  port: number;
  apiKey?: string;
  bodyLimit: number;
  alias?: string;
  implicitBos?: boolean;
  chatTemplate?: string;
  chatTemplateFile?: string;
  mergeSystem?: boolean;
  cors?: string[];
  pingInterval: number;
  maxWaiting: number;
  requestTimeout: number;
  streamBuffer: number;
  allowHost?: string[];
}

/** The same signals as in `interruption.ts`. */
const terminationSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Serves until the signal aborts, then finishes running requests. */
export async function serve(flags: ServeFlags, signal: AbortSignal): Promise<void> {
  const { host, port, bodyLimit, alias, implicitBos, chatTemplateFile, mergeSystem } = flags;
  const { cors, pingInterval, maxWaiting, requestTimeout, streamBuffer } = flags;
  // An empty variable counts as unset; an empty flag is an error.
  const apiKey = flags.apiKey ?? (process.env.AUTOCOG_API_KEY || undefined);
  const chatTemplate =
    chatTemplateFile === undefined
      ? flags.chatTemplate
      : await readFileContent(chatTemplateFile, signal);
  const options: ServeOptions = {
    ...{ host, port, bodyLimit, apiKey, alias, implicitBos, chatTemplate, mergeSystem },
    ...{ cors, pingInterval, maxWaiting, requestTimeout, streamBuffer },
    allowedHosts: flags.allowHost,
    onError: (error) => report(error, false),
  };
  // Validated before the model loads, so that usage errors are immediate.
  readServeOptions(options);
  checkPeers(['hono', '@hono/node-server'], 'serve');
  if (apiKey === undefined && !isLoopback(host)) {
    process.stderr.write(
      `autocog-lm: anyone who can reach ${host} can use this server; set --api-key to require a key\n`,
    );
  }
  await withLM(flags, signal, async (lm) => {
    const server = await listen(lm, options);
    try {
      await print(`listening on ${server.url}`);
      await untilAborted(signal);
    } finally {
      await shutDown(server);
    }
  });
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Finishes running requests; a second signal aborts them. */
async function shutDown(server: ScoringServer): Promise<void> {
  const abort = (): void => void server.abort();
  for (const name of terminationSignals) process.on(name, abort);
  try {
    await server.close();
  } finally {
    for (const name of terminationSignals) process.off(name, abort);
  }
}
