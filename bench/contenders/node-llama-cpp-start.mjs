// Cold start in a fresh process: imports node-llama-cpp, starts its engine, loads a model, generates
// a token. Arguments: the folder where it is installed, and a JSON file with `model`, `threads`,
// `contextSize` and `prompt` (token ids).

import { readFileSync } from 'node:fs';
import { respond, timed } from '../contender.mjs';
import { importPeer, openPeer, startPeer } from './peer.mjs';

const [folder, file] = process.argv.slice(2);
const job = JSON.parse(readFileSync(file, 'utf8'));

await respond({}, async () => {
  const imported = await timed(() => importPeer(folder));
  const start = await timed(() => startPeer(imported.value));
  const load = await timed(() => openPeer(start.value, job, { contextSize: job.contextSize }));
  const sequence = load.value.context.getSequence();
  const first = await timed(async () => {
    for await (const token of sequence.evaluate(job.prompt, { temperature: 0 })) return token;
  });
  await start.value.dispose();
  return {
    importMs: imported.ms,
    startMs: start.ms,
    loadMs: load.ms,
    firstMs: first.ms,
    tokens: [first.value],
  };
});
