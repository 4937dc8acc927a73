// node-llama-cpp generating text, one prompt after another, by its cheapest public calls: `evaluate`
// at temperature 0, keeping the common prefix of consecutive sequences. Arguments: the folder where
// it is installed, and a JSON file with `model`, `threads`, `contextSize`, `prompts` (token ids),
// `maxTokens` and `context` (further options of the context).

import { readFileSync } from 'node:fs';
import { serve } from '../contender.mjs';
import { importPeer, openPeer, startPeer } from './peer.mjs';

const [folder, file] = process.argv.slice(2);
const job = JSON.parse(readFileSync(file, 'utf8'));
const llama = await startPeer(await importPeer(folder));
const { model, context } = await openPeer(llama, job, {
  contextSize: job.contextSize,
  ...job.context,
});
const sequence = context.getSequence();

async function complete(prompt) {
  // Evaluating the prompt's last token yields the first generated token.
  await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
  const rest = prompt.slice(sequence.nextTokenIndex);
  const tokens = [];
  for await (const token of sequence.evaluate(rest, { temperature: 0 })) {
    tokens.push(token);
    if (tokens.length === job.maxTokens) break;
  }
  return { text: model.detokenize(tokens), tokens };
}

async function generate() {
  const texts = [];
  for (const prompt of job.prompts) texts.push(await complete(prompt));
  return texts;
}

const facts = { release: llama.llamaCppRelease.release };
await serve(facts, generate, {
  before: () => sequence.clearHistory(),
  describe: (texts) => ({ texts }),
  watch: 'never',
});
await llama.dispose();
