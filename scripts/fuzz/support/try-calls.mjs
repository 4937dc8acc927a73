// Runs sequences of calls: a child of the fuzzer of calls. Each message is a sequence; the answer has the first
// failure: an error without a code, a call that never settles, or a result that differs from a fresh LM's.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { AutomatonBuilder, defaultModelPath, errorCodes, LLaMa, Model } from 'autocog-lm';
import { writeAdapter } from './write-adapter.mjs';

const probe = 'The quick brown fox';
const inputOf = ({ text, tokens }) => text ?? Int32Array.from(tokens);

async function readStream(stream, leave) {
  for await (const _ of stream) if (leave) break;
}

/** Flips a bit of a state. */
function damage(path, position) {
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  bytes[position % bytes.length] ^= 1 << (position % 8);
  writeFileSync(path, bytes);
}

const calls = {
  greedy: (lm, { prompt }, options) => lm.greedy(inputOf(prompt), options),
  eval: (lm, { prompt, logits }, options) => lm.eval(inputOf(prompt), { ...options, logits }),
  ingest: (lm, { prompt }, options) => lm.ingest(inputOf(prompt), options),
  candidates: (lm, { prompt, count }, options) => lm.candidates(inputOf(prompt), count, options),
  score: (lm, { prompt, text }, options) => lm.score(inputOf(prompt), text, options),
  choose: (lm, { prompt, choices, search }, options) =>
    lm.choose(inputOf(prompt), choices.map(inputOf), { ...options, ...(search && { search }) }),
  complete: (lm, { prompt, count, sampler }, options) =>
    lm.complete(inputOf(prompt), { ...options, maxTokens: count, sampler }),
  completeMany: (lm, { prompts, count }, options) =>
    lm.completeMany(prompts.map(inputOf), { ...options, maxTokens: count }),
  stream: (lm, { prompt, count, leave }, options) =>
    readStream(lm.stream(inputOf(prompt), { ...options, maxTokens: count }), leave),
  beamSearch: (lm, { prompt, count, beams }, options) =>
    lm.beamSearch(inputOf(prompt), { ...options, maxTokens: count, beams }),
  evaluate: (lm, { text, choices, count }, options) =>
    lm.evaluate(
      new AutomatonBuilder()
        .text('start', text, { next: ['choice', 'free'] })
        .choose('choice', choices, { next: 'free' })
        .complete('free', { maxTokens: count, beams: 2 })
        .build(),
      options,
    ),
  embed: (lm, { prompt }, options) => lm.embed(inputOf(prompt), options),
  saveState: (lm, { prompt }, options, { state }) => lm.saveState(state, inputOf(prompt), options),
  loadState: (lm, { damage: position }, options, { state }) => {
    if (position !== undefined) damage(state, position);
    return lm.loadState(state, options);
  },
  setAdapters: (lm, { scales }, options, { adapters }) =>
    lm.setAdapters(
      scales.map((scale, index) => ({ adapter: adapters[index], scale })),
      options,
    ),
  setControlVector: (lm, { size }, options) =>
    lm.setControlVector(size === 0 ? [] : { data: new Float32Array(size).fill(0.1) }, options),
  clear: (lm) => lm.clear(),
  tokenize: (lm, { text }, options) => lm.tokenize(text, { ...options, parseSpecial: true }),
  close: (lm) => lm.close(),
};

/** What is wrong with the outcome of a call; undefined if nothing is. */
function complaintOf(name, error, signal) {
  if (error === undefined || (signal?.aborted && error === signal.reason)) return undefined;
  if (errorCodes.includes(error?.code) && error.code !== 'INTERNAL') return undefined;
  return `${name}: ${error?.stack ?? error} ${error?.cause ?? ''}`;
}

async function start(lm, { call, abort }, files) {
  const controller = new AbortController();
  const signal = abort === undefined ? undefined : controller.signal;
  if (abort === -1) controller.abort();
  else if (abort !== undefined) setTimeout(() => controller.abort(), abort);
  try {
    await calls[call.name](lm, call, signal === undefined ? {} : { signal }, files);
    return undefined;
  } catch (error) {
    return complaintOf(call.name, error, signal);
  }
}

/** Whether an LM still computes the same as before, within the rounding of another order of cells. */
async function checkProbe(lm, truth) {
  await lm.setAdapters([]);
  await lm.setControlVector([]);
  const logprobs = await lm.greedy(probe);
  const worst = Math.max(...logprobs.map((value, index) => Math.abs(value - truth[index])));
  return worst < 0.05 ? undefined : `the LM is off by ${worst}`;
}

async function runSequence({ context, steps }, files) {
  const options = { ...context, threads: 1 };
  const model = await Model.load(defaultModelPath);
  const lm = new LLaMa(model, options);
  const adapters = [await model.loadAdapter(files.adapter), await model.loadAdapter(files.adapter)];
  const fresh = new LLaMa(model, options);
  const truth = await fresh.greedy(probe);
  const pending = [];
  for (const step of steps) {
    const outcome = start(lm, step, { ...files, adapters });
    pending.push(outcome);
    if (step.isAwaited) await outcome;
  }
  const failures = (await Promise.all(pending)).filter((each) => each !== undefined);
  const isClosed = steps.some(({ call }) => call.name === 'close');
  if (!isClosed) failures.push(await checkProbe(lm, truth));
  await lm.close();
  await fresh.close();
  await model.close();
  return failures.find((each) => each !== undefined);
}

async function runInWorker(sequence, files) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { sequence, files } });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  let failure;
  worker.on('message', (message) => {
    failure = message;
  });
  worker.on('error', (error) => {
    failure = `the worker failed: ${error?.stack ?? error}`;
  });
  const timer = setTimeout(() => worker.terminate(), sequence.terminate);
  await ended;
  clearTimeout(timer);
  return failure;
}

if (!isMainThread && workerData?.sequence !== undefined) {
  const { parentPort } = await import('node:worker_threads');
  parentPort.postMessage(await runSequence(workerData.sequence, workerData.files));
} else if (process.send !== undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'autocog-fuzz-calls-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const files = { state: join(folder, 'a.state'), adapter: join(folder, 'adapter.gguf') };
  writeAdapter(files.adapter);
  process.on('message', async (sequence) => {
    const run = sequence.terminate === undefined ? runSequence : runInWorker;
    const failure = await run(sequence, files).catch((error) => `${error?.stack ?? error}`);
    process.send({ failure });
  });
}
