// llama.cpp's own benchmark, one process per run. Uses the time that it reports itself, which
// excludes model loading and warm-up. Argument: a JSON file with `program`, `model`, `threads`, `gpuLayers` and `test`, the
// token counts of its -p, -n and -d.

import { readFileSync } from 'node:fs';
import { capture } from '../../scripts/run.mjs';
import { respond } from '../contender.mjs';

const { program, model, threads, gpuLayers, test } = JSON.parse(
  readFileSync(process.argv[2], 'utf8'),
);
const { prompt, generate, depth } = test;
const ngl = gpuLayers === 'all' ? 999 : gpuLayers;
const counts = { p: prompt, n: generate, d: depth, t: threads, r: 1, ngl, fa: 0 };
const flags = Object.entries(counts).flatMap(([name, value]) => [`-${name}`, String(value)]);
const args = ['-m', model, '-ctk', 'f16', '-ctv', 'f16', '-o', 'json', ...flags];

await respond({}, () => {
  const output = capture(program, args);
  if (output === null) throw new Error(`${program} ${args.join(' ')} failed`);
  const [{ samples_ns: samples }] = JSON.parse(output);
  return { ms: samples[0] / 1e6, cpuMs: Number.NaN };
});
