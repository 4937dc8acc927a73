// Every kind of call with all layers on a GPU and with none, for check-gpu.mjs: `node calls.mjs MODEL` prints a line of
// JSON per result.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LLaMa } from 'autocog-lm';

const [, , file] = process.argv;
/** Nats, and of logits: F32 weights are multiplied in TF32 on some GPUs, quantized ones with activations in 8 bits. */
const tolerance = 0.1;
const prompt = 'The capital of France is';
const choices = [' Paris', ' Rome', ' a large city', ' not known'];
const long = ' the river and the sea'.repeat(40);
/** More tokens than one wave. */
const many = Array.from({ length: 300 }, (_, i) => ` ${i} of the ${i * 7} trees`);

function report(what, ok, detail) {
  console.log(JSON.stringify({ what, ok, detail }));
}

const largest = (a, b) => {
  if (a.length !== b.length || a.length === 0) return Number.NaN;
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
};
const close = (what, a, b, limit = tolerance) => {
  const worst = largest(a, b);
  report(what, worst <= limit, `differs by ${worst.toExponential(1)}`);
};

const logprobsOf = ({ choices: scored }) => scored.flatMap(({ logprobs }) => [...logprobs]);

/** Reports equal tokens, or else how close the log-probabilities of the first that differ are. */
function sameTokens(what, a, b) {
  const at = a.tokens.findIndex((token, i) => token !== b.tokens[i]);
  const until = at < 0 ? a.tokens.length : at + 1;
  const worst = largest(a.logprobs.slice(0, until), b.logprobs.slice(0, until));
  const where = at < 0 ? `${a.tokens.length} equal tokens` : `another token at ${at}`;
  report(
    what,
    worst <= tolerance,
    `${where}, log-probabilities differ by ${worst.toExponential(1)}`,
  );
}

const calls = {
  async greedy([gpu, cpu]) {
    const [a, b] = [await gpu.greedy(prompt), await cpu.greedy(prompt)];
    // Improbable tokens differ by more.
    const probable = [...b.keys()].filter((token) => b[token] > -10);
    close(
      `greedy, ${probable.length} of ${b.length} log-probabilities`,
      probable.map((token) => a[token]),
      probable.map((token) => b[token]),
    );
  },
  async eval([gpu, cpu]) {
    const rows = (lm) => lm.eval(`${prompt}${long}`, { logits: 'all' });
    close(
      'eval, all rows',
      (await gpu.eval(prompt, { logits: 'all' })).logits,
      (await cpu.eval(prompt, { logits: 'all' })).logits,
    );
    const [a, b] = [await rows(gpu), await rows(cpu)];
    const size = gpu.model.vocab.size;
    const last = (all) => all.logits.slice(-size);
    close('eval, after many tokens', last(a), last(b));
  },
  async choose([gpu, cpu]) {
    const [a, b] = [await gpu.choose(prompt, choices), await cpu.choose(prompt, choices)];
    close('choose', logprobsOf(a), logprobsOf(b));
    report('choose, the same winner', a.text === b.text, JSON.stringify(a.text));
    const waves = [await gpu.choose(prompt, many), await cpu.choose(prompt, many)];
    close('choose, 300 choices', ...waves.map(logprobsOf), 2 * tolerance);
    const { decodedTokens } = waves[0].usage;
    report(
      'choose, as many tokens',
      decodedTokens === waves[1].usage.decodedTokens,
      `${decodedTokens}`,
    );
    const sequential = await gpu.choose(prompt, choices, { batching: 'sequential' });
    close("choose, 'sequential'", logprobsOf(a), logprobsOf(sequential));
    const best = await gpu.choose(prompt, many, { search: 'bound', top: 3 });
    const winner = waves[0].choices.reduce((x, y) => (y.logprob > x.logprob ? y : x));
    close("choose, search 'bound'", [best.logprob], [winner.logprob]);
  },
  async chooseMany([gpu, cpu]) {
    const tasks = [prompt, `${prompt} the`, long].map((each) => ({ prompt: each, choices }));
    const all = async (lm) => {
      const found = [];
      for await (const one of lm.chooseMany(tasks)) found.push(...logprobsOf(one));
      return found;
    };
    close('chooseMany', await all(gpu), await all(cpu));
  },
  async decide([gpu, cpu]) {
    const questions = {
      color: {
        type: 'choice',
        instructions: 'Which color is it?',
        criteria: { red: '', blue: '' },
      },
      sure: { type: 'boolean', instructions: 'Is it the sky?' },
    };
    const ask = (lm) => lm.decide('The sky is blue today.', questions, { method: 'text' });
    const [a, b] = [await ask(gpu), await ask(cpu)];
    const probabilities = ({ answers }) => Object.values(answers.color.probabilities);
    close('decide', probabilities(a), probabilities(b), 0.02);
  },
  async complete([gpu, cpu]) {
    const run = (lm) => lm.complete(prompt, { maxTokens: 24 });
    sameTokens('complete', await run(gpu), await run(cpu));
    const [a, b] = [gpu, cpu].map((lm) =>
      lm.completeMany([prompt, 'Once', long], { maxTokens: 8 }),
    );
    const others = await b;
    for (const [i, one] of (await a).entries()) sameTokens(`completeMany, ${i}`, one, others[i]);
    const beams = (lm) => lm.beamSearch(prompt, { beams: 4, maxTokens: 8 });
    close(
      'beamSearch',
      [(await beams(gpu)).beams[0].logprob],
      [(await beams(cpu)).beams[0].logprob],
    );
  },
  async embed([gpu, cpu]) {
    const [a, b] = [await gpu.embed(prompt), await cpu.embed(prompt)];
    const dot = a.embedding.reduce((sum, value, i) => sum + value * b.embedding[i], 0);
    report('embed', dot > 0.999, `cosine ${dot.toFixed(6)}`);
  },
  async state([gpu]) {
    const folder = mkdtempSync(join(tmpdir(), 'autocog-gpu-state-'));
    const path = join(folder, 'state');
    const before = await gpu.choose(`${prompt}${long}`, choices);
    await gpu.saveState(path, `${prompt}${long}`);
    await gpu.clear();
    await gpu.loadState(path);
    const after = await gpu.choose(`${prompt}${long}`, choices);
    close('saveState, loadState', logprobsOf(before), logprobsOf(after));
    report(
      'loadState caches the prompt',
      after.usage.cachedTokens > 0,
      `${after.usage.cachedTokens}`,
    );
    rmSync(folder, { recursive: true });
  },
  async abort([gpu]) {
    const before = await gpu.choose(prompt, choices);
    const running = gpu.complete(prompt, { maxTokens: 500, signal: AbortSignal.timeout(20) });
    const outcome = await running.then(
      ({ stopReason }) => stopReason,
      ({ name }) => name,
    );
    const after = await gpu.choose(prompt, choices);
    close(`choose, after ${outcome}`, logprobsOf(before), logprobsOf(after));
  },
};

const load = (gpuLayers) => LLaMa.load(file, { gpuLayers, threads: 2 });
const lms = [await load('all'), await load(0)];
const [gpu, cpu] = lms.map(({ model }) => model.info.gpuLayers);
report('all layers are on the GPU', gpu > 0 && cpu === 0, `${gpu} and ${cpu}`);
for (const [name, call] of Object.entries(calls)) {
  try {
    await call(lms);
  } catch (error) {
    report(name, false, `${error.code ?? error.name}: ${error.message}`);
  }
}
for (const lm of lms) await lm.close();
