// Scores documents with llama.cpp, for compare.py: the log-probability of
// every token after the first. node logprobs.mjs MODEL.gguf IDS.json OUT.json
import { readFileSync, writeFileSync } from 'node:fs';
import { LLaMa, logSoftmax } from 'autocog-lm';

const [path, input, output] = process.argv.slice(2);
// F32 KV cache, as in torch: the default F16 would differ in the third digit.
const lm = await LLaMa.load(path, { kvCacheTypeK: 'f32', kvCacheTypeV: 'f32' });
const size = lm.vocabularySize;
const results = [];
for (const ids of JSON.parse(readFileSync(input, 'utf8'))) {
  const { logits } = await lm.eval(Int32Array.from(ids), { logits: 'all' });
  const after = (i) => logSoftmax(logits.subarray(i * size, (i + 1) * size))[ids[i + 1]];
  results.push(ids.slice(1).map((_, i) => after(i)));
}
await lm.close();
writeFileSync(output, JSON.stringify(results));
