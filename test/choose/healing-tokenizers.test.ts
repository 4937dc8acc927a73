// The healed seam with the tokenizers of real models.

import { readdirSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { Model } from 'autocog-lm';
import t from 'tap';
import type { ChoiceTokenizer } from '../../lib/choose/boundary.js';
import { healed } from '../../lib/choose/healing.js';
import { join } from '../suite/oracle.js';

const folder = 'llama.cpp/models';
/** Those of BERT do not keep a text, and its models do not continue one. */
const files = readdirSync(folder).filter((name) => /^ggml-vocab-(?!.*bert).*\.gguf$/.test(name));

const tokenizerOf = (model: Model): ChoiceTokenizer => ({
  prompt: async (prompt) =>
    typeof prompt === 'string' ? model.tokenizeSync(prompt, { addSpecial: true }) : prompt,
  prompts: async (texts) => texts.map((text) => model.tokenizeSync(text, { addSpecial: true })),
  texts: async (texts) => texts.map((text) => model.tokenizeSync(text)),
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
      const seam = await healed(tokenizer, prompt, choices);
      const given = seam.report.healed ?? { tokens: new Int32Array(0), text: '' };
      const whole = model.tokenizeSync(prompt, { addSpecial: true });
      t.same(join(seam.prompt, given.tokens), whole, `${what} is in two parts`);
      // Some tokenizers drop a space at the beginning of a text; what counts is the rest.
      const before = model.detokenizeSync(seam.prompt, { special: true });
      for (const [index, path] of seam.paths.entries()) {
        const text = model.detokenizeSync(join(seam.prompt, path), { special: true });
        t.equal(text, before + given.text + choices[index], `${what} and ${choices[index]}`);
      }
    }
  });
}

t.test('there are tokenizers of all kinds', async (t) => {
  for (const kind of ['llama-spm', 'llama-bpe', 'gpt-2', 'qwen2']) {
    t.ok(files.includes(`ggml-vocab-${kind}.gguf`), kind);
  }
});
