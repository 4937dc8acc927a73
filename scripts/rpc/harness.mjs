// What the checks of checks.mjs are made of: loading over servers, comparing with this machine, reporting outcomes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RpcServer } from './servers.mjs';

export const prompt = 'The capital of France is';
export const choices = [' Paris', ' Rome', ' a large city', ' not known'];
export const long = ' the river and the sea'.repeat(40);
/** How long a call may take whose outcome is known, in milliseconds. */
export const soon = 2000;

export let lib;
/** For files, removed when the process ends. */
export let folder;

/** Loads the package, which the process that only lists the checks does without. */
export async function start() {
  lib = await import('autocog-lm');
  folder = mkdtempSync(join(tmpdir(), 'autocog-lm-rpc-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
}

export function report(what, ok, detail) {
  console.log(JSON.stringify({ what, ok, detail }));
}

export const describe = (error) =>
  `${error?.code ?? error?.name}: ${String(error?.message).slice(0, 90)}`;

/** The call rejects with this code and a message with this text, within the time. */
export async function rejects(what, call, code, text = '', limit = 60_000) {
  const start = performance.now();
  const late = sleep(limit, 'late', { ref: false });
  const outcome = await Promise.race([
    late,
    call.then(
      (value) => ({ value }),
      (error) => ({ error }),
    ),
  ]);
  const { error } = outcome;
  const ok =
    error?.code === code && error.message.includes(text) && performance.now() - start < limit;
  const detail =
    outcome === 'late' ? `pending after ${limit} ms` : error ? describe(error) : 'fulfilled';
  report(what, ok, detail);
}

export async function settles(what, call, limit = 10_000) {
  const late = sleep(limit, 'late', { ref: false });
  const outcome = await Promise.race([late, call.then(() => 'done', describe)]);
  report(what, outcome === 'done', outcome === 'done' ? '' : outcome);
}

export const load = (servers, options) =>
  lib.LLaMa.load(lib.defaultModelPath, {
    threads: 1,
    rpcServers: servers.map(({ address }) => address),
    ...options,
  });

export const loadLocal = () => lib.LLaMa.load(lib.defaultModelPath, { threads: 1, gpuLayers: 0 });

const largest = (a, b) => Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

/** The same calls on two LMs: the largest differences of numbers, and whether texts are equal. */
export async function compare(lm, local) {
  const each = async (call) => [await call(lm), await call(local)];
  const [a, b] = await each((some) => some.choose(prompt, choices, { details: true }));
  const logprobs = ({ choices }) => choices.flatMap((choice) => [...choice.logprobs]);
  const chosen = largest(logprobs(a), logprobs(b));
  report(
    'choose: the same choices',
    a.text === b.text && chosen < 1e-3,
    `differs by ${chosen.toExponential(1)}`,
  );
  const [score, localScore] = await each((some) => some.score(prompt, choices[2]));
  const scored = largest(score.logprobs, localScore.logprobs);
  report(
    'score: the same log-probabilities',
    scored < 1e-3,
    `differs by ${scored.toExponential(1)}`,
  );
  const [rows, localRows] = await each((some) => some.eval(prompt, { logits: 'all' }));
  const logits = largest(rows.logits, localRows.logits);
  report('eval: the same logits', logits < 1e-2, `differs by ${logits.toExponential(1)}`);
  const [text, localText] = await each((some) => some.complete(prompt, { maxTokens: 24 }));
  report('complete: the same text', text.text === localText.text, JSON.stringify(text.text));
  const [vector, localVector] = await each((some) => some.embed(prompt));
  const embedding = largest(vector.embedding, localVector.embedding);
  report('embed: the same vector', embedding < 1e-2, `differs by ${embedding.toExponential(1)}`);
}

export const usable = async (what, lm) => {
  const { text } = await lm.choose(prompt, choices).catch((error) => ({ text: describe(error) }));
  report(what, text === ' Paris', text);
};

/** After a loss: calls reject at once, close() settles. */
export async function isLost(lm, address) {
  const calls = {
    choose: () => lm.choose(prompt, choices),
    complete: () => lm.complete(prompt, { maxTokens: 4 }),
    completeMany: () => lm.completeMany([prompt, long], { maxTokens: 4 }),
    eval: () => lm.eval('Another prompt'),
    embed: () => lm.embed(prompt),
    saveState: () => lm.saveState(join(folder, 'lost'), prompt),
    clear: () => lm.clear(),
    'a new context': async () => new lib.LLaMa(lm.model, { threads: 1 }).ready,
  };
  for (const [name, call] of Object.entries(calls)) {
    await rejects(`${name} rejects`, call(), 'DECODE_FAILED', address, soon);
  }
  await settles('close() settles', lm.close());
}

export async function withServers(count, body) {
  const servers = await Promise.all(Array.from({ length: count }, () => RpcServer.start()));
  await body(...servers);
  await Promise.all(servers.map((server) => server.kill()));
}
