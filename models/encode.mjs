// Tokenizes texts with llama.cpp's own tokenizer, through this package:
// node encode.mjs VOCABULARY.gguf TEXTS.json IDS.json
import { readFileSync, writeFileSync } from 'node:fs';
import { Model } from 'autocog-lm';

const [vocabulary, input, output] = process.argv.slice(2);
const model = await Model.load(vocabulary, { vocabOnly: true });
const texts = JSON.parse(readFileSync(input, 'utf8'));
const ids = texts.map((text) =>
  Array.from(model.tokenizeSync(text, { addSpecial: false, parseSpecial: true })),
);
await model.close();
writeFileSync(output, JSON.stringify(ids));
