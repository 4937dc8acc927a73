// Token names and text offsets in responses, with the tokenizers of real models: names at one
// position are unique, and each token has its offset in the text.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Model } from 'autocog-lm';
import t from 'tap';
import { tokenizePrompt } from '../../lib/serve/routes/prompts.js';
import { LogprobLists } from '../../lib/serve/scoring/logprobs.js';
import { TokenNames } from '../../lib/serve/scoring/token-names.js';
import type { Served } from '../../lib/serve/served.js';
import { at } from '../suite/oracle.js';
import { VocabularyLM } from '../support/vocabulary-lm.js';

const folder = 'llama.cpp/models';
/** Without BERT: its tokenizers do not preserve text, and its models do not generate any. */
const files = readdirSync(folder).filter((name) => /^ggml-vocab-(?!.*bert).*\.gguf$/.test(name));

const texts = [
  'The capital of France is Paris.',
  ' two  spaces first',
  'Ein schönes é😀 你好 क्षत्रिय ﷽ \u{10ffff}',
  '  if (a) {\n\t\treturn 12345;\n}\r\n',
  "don't we'll I'm",
  'a',
];

for (const file of files) {
  t.test(`token names and offsets with ${file}`, async (t) => {
    const model = await Model.load(join(folder, file), { vocabOnly: true });
    t.teardown(() => model.close());
    const lm = new VocabularyLM(model) as unknown as Served['lm'];
    const names = new TokenNames(model);
    const { signal } = new AbortController();
    for (const text of texts) {
      const { tokens, added } = await tokenizePrompt({ lm }, text, signal);
      const lists = new LogprobLists(names, 'text');
      lists.addPrompt(tokens, [], text, added);
      const { tokens: reported, text_offset: offsets, token_ids: ids } = lists.take();
      t.same(ids, [...tokens]);
      const characters = [...text];
      const pieces = reported.map((name, index) => {
        const end = offsets[index + 1] ?? characters.length;
        return { name, piece: characters.slice(at(offsets, index), end).join('') };
      });
      const wrong = pieces.filter(({ name, piece }, index) => {
        if (index < added) return piece !== '';
        // A space that the tokenizer prepends is not part of the text.
        const isFirst = index === added && name === ` ${piece}`;
        return !(name.startsWith('bytes:') || name === piece || isFirst);
      });
      t.same(wrong, [], JSON.stringify(text));
      t.equal(offsets[0], 0);
      const nameBytes = reported.map((name, index) => {
        const escaped = /^bytes:(.*)$/.exec(name)?.[1];
        if (index < added) return Buffer.alloc(0);
        if (escaped === undefined) return Buffer.from(name);
        return Buffer.from(escaped.replaceAll('\\x', ''), 'hex');
      });
      const whole = Buffer.concat(nameBytes).toString();
      t.ok([text, ` ${text}`].includes(whole), 'the names contain every byte of the text');
    }
  });
}

t.test('of two tokens with the same text, the second is named by its id', async (t) => {
  const model = await Model.load(join(folder, 'ggml-vocab-llama-spm.gguf'), { vocabOnly: true });
  t.teardown(() => model.close());
  const names = new TokenNames(model);
  const same = [model.tokens.indexOf('a'), model.tokens.indexOf('<0x61>')];
  t.same(
    same.map((token) => names.text(token)),
    ['a', 'a'],
  );
  t.same(names.distinct(same, 'text'), ['a', `token_id:${same[1]}`]);
  t.same(names.distinct(same.reverse(), 'text'), ['a', `token_id:${same[1]}`]);
  const [a, byte] = same as [number, number];
  const lists = new LogprobLists(names, 'text');
  const top = [{ token: a, logprob: -1 }];
  lists.add(byte, { token: byte, logprob: -3, top }, names.bytes(byte));
  const [found] = lists.take().top_logprobs;
  t.same(found, { a: -1, [`token_id:${byte}`]: -3 }, 'neither overwrites the other');
});
