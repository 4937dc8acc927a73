// The healed boundary with the tokenizers of real models.

import { readdirSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { Model } from 'autocog-lm';
import t from 'tap';
import type { ChoiceTokenizer } from '../../lib/choose/boundary.js';
import { healed } from '../../lib/choose/healing.js';
import { join } from '../suite/oracle.js';

const folder = 'llama.cpp/models';
/** Without BERT: its tokenizers are lossy, and its models do not continue a text. */
const files = readdirSync(folder).filter((name) => /^ggml-vocab-(?!.*bert).*\.gguf$/.test(name));

const tokenizerOf = (model: Model): ChoiceTokenizer => ({
  prompt: async (prompt) =>
    typeof prompt === 'string' ? model.tokenizeSync(prompt, { addSpecial: true }) : prompt,
  prompts: async (texts) => texts.map((text) => model.tokenizeSync(text, { addSpecial: true })),
  texts: async (texts) => texts.map((text) => model.tokenizeSync(text, { continuation: true })),
  textOf: (tokens, special) => model.detokenizeSync(tokens, { special }),
});

const cases = [
  { prompt: 'The capital of Fra', choices: ['nce', 'gile', ' is', 'é😀', '\n\nx'] },
  { prompt: 'The capital of France is', choices: [' Paris', ' London', '.', 'let'] },
  { prompt: 'The capital of France is ', choices: ['Paris', ' Paris', '42'] },
  { prompt: 'Ein schönes é😀', choices: ['x', ' x', '😀'] },
  { prompt: '  if (a) {\n    ', choices: ['return', 'b = 1;', '\n}'] },
];

for (const file of files) {
  t.test(`words are healed with ${file}`, async (t) => {
    const model = await Model.load(joinPath(folder, file), { vocabOnly: true });
    t.teardown(() => model.close());
    const tokenizer = tokenizerOf(model);
    for (const { prompt, choices } of cases) {
      const what = JSON.stringify(prompt);
      const tokenized = await healed(tokenizer, prompt, choices);
      const trimmed = tokenized.report.healed ?? { tokens: new Int32Array(0), text: '' };
      const whole = model.tokenizeSync(prompt, { addSpecial: true });
      t.same(join(tokenized.prompt, trimmed.tokens), whole, `${what} is split in two`);
      // Compare full texts: some tokenizers drop a leading space.
      const before = model.detokenizeSync(tokenized.prompt, { special: true });
      for (const [index, path] of tokenized.paths.entries()) {
        const text = model.detokenizeSync(join(tokenized.prompt, path), { special: true });
        t.equal(text, before + trimmed.text + choices[index], `${what} and ${choices[index]}`);
      }
    }
  });
}

t.test('tokenizers of all kinds are covered', async (t) => {
  for (const kind of ['llama-spm', 'llama-bpe', 'gpt-2', 'qwen2']) {
    t.ok(files.includes(`ggml-vocab-${kind}.gguf`), kind);
  }
});
