// node-llama-cpp's `decide`. Arguments: the folder where it is installed, and a JSON file with `model`,
// `threads`, `contextSize`, `states`, `questions` (by name: instructions and options), `parallel` and
// `cached`: whether each run is about the first state again.

import { readFileSync } from 'node:fs';
import { serve } from '../contender.mjs';
import { importPeer, startPeer } from './peer.mjs';

const [folder, file] = process.argv.slice(2);
const job = JSON.parse(readFileSync(file, 'utf8'));
const { states, questions, cached, parallel } = job;

const llama = await startPeer(await importPeer(folder));
const model = await llama.loadModel({ modelPath: job.model, gpuLayers: 0 });
const context = await model.createDecisionContext({
  contextSize: job.contextSize,
  parallelQuestions: parallel,
  threads: job.threads,
});
let turn = 0;
const decide = () => {
  // The state may be cached, not the questions.
  const run = String.fromCharCode(65 + (turn % 26));
  const asked = Object.fromEntries(
    Object.entries(questions).map(([name, { instructions, criteria }]) => {
      const options = Object.fromEntries(criteria.map((option) => [option, null]));
      return [name, { type: 'choice', instruction: `${run} ${instructions}`, criteria: options }];
    }),
  );
  const state = states[cached ? 0 : turn % states.length];
  turn++;
  return context.decideWithMeta(state, asked);
};
if (cached) await decide();
const describe = ({ tokenUsage }) => ({ decodedTokens: tokenUsage.input, calls: Number.NaN });
await serve({}, decide, { describe, watch: 'never' });
await context.dispose();
await llama.dispose();
