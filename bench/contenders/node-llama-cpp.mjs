// node-llama-cpp computing the numbers of `choose` by its cheapest public calls. Arguments:
// the folder where it is installed, and a JSON file with `model`, `threads`, `prompt` (token
// ids), `tree` (tokens, parents, paths: node indices per choice), `strategy`, and `contextSize` (512).

import { readFileSync } from 'node:fs';
import { serve } from '../contender.mjs';
import { importPeer, openPeer, startPeer } from './peer.mjs';
import { strategies } from './strategies.mjs';

const [folder, file] = process.argv.slice(2);
const job = JSON.parse(readFileSync(file, 'utf8'));
const { prompt, tree } = job;
const { tasks, once = [], sequences: count } = strategies[job.strategy](tree);

const llama = await startPeer(await importPeer(folder));
const { contextSize = 512 } = job;
const { context } = await openPeer(llama, job, { sequences: count, contextSize });
const sequences = Array.from({ length: count }, () => context.getSequence());

const children = tree.tokens.map(() => []);
tree.parents.forEach((parent, node) => {
  if (parent >= 0) children[parent].push(node);
});
const logprobs = tree.tokens.map(() => Number.NaN);

/** The input for a node: its token, and a request for the logits of its children if needed. */
function inputOf(node, needsOutput) {
  const token = node === 0 ? prompt.at(-1) : tree.tokens[node];
  if (!needsOutput) return token;
  // Without sampler options, the selected token is the most likely one, and the total weight is
  // relative to its logit. `includeMax` does not include it (3.22.1), and `includeTop`, `confidence`
  // and `probabilities` sort the whole vocabulary first.
  const filter = {
    tokens: children[node].map((child) => tree.tokens[child]),
    includeSelected: true,
  };
  return [token, { generateNext: { logits: { filter }, totalLogitWeight: true } }];
}

function readOutput(node, { next: { logits, totalLogitWeight } }) {
  const normalizer = Math.max(...logits.values()) + Math.log(totalLogitWeight);
  for (const child of children[node]) {
    logprobs[child] = logits.get(tree.tokens[child]) - normalizer;
  }
}

async function rewind({ sequence: index, keep }) {
  const sequence = sequences[index];
  const start = prompt.length + keep;
  if (sequence.nextTokenIndex > start) {
    await sequence.eraseContextTokenRanges([{ start, end: sequence.nextTokenIndex }]);
  }
}

async function evaluate({ sequence, nodes, known }) {
  const inputs = nodes.map((node, at) => inputOf(node, at >= known));
  const outputs = await sequences[sequence].controlledEvaluate(inputs);
  nodes.forEach((node, at) => {
    if (at >= known) readOutput(node, outputs[at]);
  });
}

async function score(tasks) {
  if (count === 1) {
    for (const task of tasks) {
      await rewind(task);
      await evaluate(task);
    }
  } else {
    // Evaluations requested in the same turn of the event loop share a batch.
    await Promise.all(tasks.map(rewind));
    await Promise.all(tasks.map(evaluate));
  }
}

for (const sequence of sequences) await sequence.evaluateWithoutGeneratingNewTokens(prompt);
await score(once);
await score(tasks);
const facts = {
  decodedTokens: tasks.reduce((sum, { nodes }) => sum + nodes.length, 0),
  calls: tasks.length,
  release: llama.llamaCppRelease.release,
  logprobs: tree.paths.map((path) => path.map((node) => logprobs[node])),
};
await serve(facts, () => score(tasks), { watch: 'never' });
await llama.dispose();
