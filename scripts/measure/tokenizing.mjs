// Measures how long tokenizing takes by the length of a text: `npm run measure:tokenizing`. Every vocabulary of the
// vendored tree, and Qwen2's with every other pre-tokenizer that llama.cpp knows, on runs of one unit and on words.
import { readdirSync, readFileSync } from 'node:fs';
import { Model } from 'autocog-lm';
import { main } from '../run.mjs';

const folder = 'llama.cpp/models';
const units = {
  letters: 'a',
  lines: '\n',
  equals: '=',
  digits: '7',
  han: '中',
  emoji: '😀',
  words: ' the quick brown fox',
};
const lengths = [10_000, 100_000, 1_000_000];
/** A longer time is not waited for. */
const patience = 20_000;

/** The names of pre-tokenizers in llama.cpp's source. */
function preTokenizers() {
  const source = readFileSync('llama.cpp/src/llama-vocab.cpp', 'utf8');
  const names = [...source.matchAll(/tokenizer_pre == "([^"]+)"/g)].map(([, name]) => name);
  return [...new Set(names)];
}

async function measure(model, unit, length) {
  const text = unit.repeat(Math.ceil(length / unit.length));
  const start = performance.now();
  try {
    await model.tokenize(text, { signal: AbortSignal.timeout(patience) });
    return `${Math.round(performance.now() - start)}`;
  } catch (error) {
    return error.code === 'OUT_OF_RANGE' ? 'refused' : 'too long';
  }
}

async function report(label, file, options) {
  const model = await Model.load(`${folder}/${file}`, { vocabOnly: true, ...options });
  const cells = [];
  for (const unit of Object.values(units)) {
    const times = [];
    for (const length of lengths) {
      const time = await measure(model, unit, length);
      times.push(time);
      if (time === 'too long') break;
    }
    cells.push(times.join(' / '));
  }
  console.log(`| ${[label, ...cells].join(' | ')} |`);
  await model.close();
}

await main(import.meta.url, async () => {
  console.log(`milliseconds for ${lengths.join(' / ')} UTF-16 units`);
  console.log(`| tokenizer | ${Object.keys(units).join(' | ')} |`);
  console.log(`|---|${'---|'.repeat(Object.keys(units).length)}`);
  const files = readdirSync(folder).filter((name) => /^ggml-vocab-.*\.gguf$/.test(name));
  for (const file of files) await report(file.slice('ggml-vocab-'.length, -'.gguf'.length), file);
  for (const pre of preTokenizers()) {
    const metadataOverrides = { 'tokenizer.ggml.pre': pre };
    try {
      await report(`pre ${pre}`, 'ggml-vocab-qwen2.gguf', { metadataOverrides });
    } catch (error) {
      console.log(`| pre ${pre} | ${error.message} |`);
    }
  }
});
