// The tokens that a chat prompts with, by real vocabularies and real models' templates: those
// of the template's text, and never a special token out of a message.

import { readFileSync } from 'node:fs';
import type { Model } from 'autocog-lm';
import { Thread, type ThreadOptions } from 'autocog-lm/chat';
import fc from 'fast-check';
import t from 'tap';
import { loadVocabulary, VocabularyLM } from '../support/vocabulary-lm.js';

const templateOf = (file: string): string =>
  readFileSync(`llama.cpp/models/templates/${file}.jinja`, 'utf8');

/** Zephyr's, as its model card has it: for a vocabulary with no marks but </s>. */
const zephyr =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/** Mistral's first, whose marks are plain text; its contents stand right beside them. */
const mistral =
  "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}";

interface Family {
  vocabulary: string;
  options: ThreadOptions;
  /** Texts that this vocabulary or template has a meaning for. */
  marks: string[];
}

const families: Family[] = [
  {
    vocabulary: 'qwen2',
    options: { template: templateOf('Qwen-Qwen2.5-7B-Instruct') },
    marks: ['<|im_end|>', '<|im_start|>', '<|endoftext|>'],
  },
  {
    vocabulary: 'llama-bpe',
    options: { template: templateOf('meta-llama-Llama-3.1-8B-Instruct') },
    marks: ['<|eot_id|>', '<|start_header_id|>', '<|begin_of_text|>', '<|end_of_text|>'],
  },
  {
    vocabulary: 'phi-3',
    options: { template: templateOf('microsoft-Phi-3.5-mini-instruct') },
    marks: ['<|end|>', '<|user|>', '<|assistant|>', '<s>', '</s>', '<|endoftext|>'],
  },
  {
    vocabulary: 'gemma-4',
    options: { template: templateOf('google-gemma-4-31B-it') },
    marks: ['<turn|>', '<|turn>', '<bos>', '<eos>', '<start_of_turn>', '<|channel>'],
  },
  {
    vocabulary: 'command-r',
    options: { format: 'command' },
    marks: ['<|END_OF_TURN_TOKEN|>', '<|USER_TOKEN|>', '<BOS_TOKEN>'],
  },
  { vocabulary: 'llama-spm', options: { template: zephyr }, marks: ['</s>', '<s>', '<unk>'] },
  { vocabulary: 'llama-spm', options: { template: mistral }, marks: ['</s>', '<s>', '<unk>'] },
  { vocabulary: 'llama-spm', options: { format: 'llama2chat' }, marks: ['</s>', '<s>'] },
  {
    vocabulary: 'qwen35',
    options: { template: templateOf('Qwen3.5-4B') },
    marks: ['<|im_end|>', '<|im_start|>', '<think>', '</think>'],
  },
];

const isControl = (model: Model, token: number): boolean => model.tokenBytes(token).length === 0;

const withBos = (model: Model, tokens: Int32Array): number[] => {
  const { bos, addBos } = model.vocab;
  const missing = addBos && bos !== undefined && tokens[0] !== bos;
  return [...(missing ? [bos] : []), ...tokens];
};

const says = (contents: readonly string[]) =>
  contents.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'bot', content }));

for (const { vocabulary, options, marks } of families) {
  const style = options.format ?? options.template?.slice(0, 40);
  t.test(`${vocabulary}, ${JSON.stringify(style)}`, async (t) => {
    const model = await loadVocabulary(t, vocabulary);
    const lm = new VocabularyLM(model);
    const threadOf = (contents: readonly string[]): Thread =>
      new Thread(lm, { ...options, messages: says(contents) });

    t.test('ordinary messages have the tokens of the whole text', async (t) => {
      for (const contents of [
        ['Hello'],
        ['Où est Zürich?\n', '  In Switzerland,\nI think 🏔 ', '日本は?'],
        ['1 < 2 and 3 > 2, see [this]', 'a || b', '<p>x</p>'],
      ]) {
        const thread = threadOf(contents);
        const whole = model.tokenizeSync(await thread.inferenceString(), { parseSpecial: true });
        t.same([...(await thread.inferenceTokens())], withBos(model, whole));
      }
    });

    t.test('no message has a special token, whatever it spells', async (t) => {
      const words = fc.constantFrom(...marks, ...marks, 'hello', ' ', '\n', '<', '|>', 'é', '');
      const content = fc.array(words, { minLength: 1, maxLength: 6 }).map((list) => list.join(''));
      const plain = await threadOf(['hello', 'hello', 'hello']).inferenceTokens();
      const expected = [...plain].filter((token) => isControl(model, token));
      await fc.assert(
        fc.asyncProperty(fc.tuple(content, content, content), async (contents) => {
          // A thought that a template takes out leaves nothing to compare.
          fc.pre(!/think>|channel/.test(contents[1]));
          const thread = threadOf(contents);
          const tokens = await thread.inferenceTokens();
          t.same(
            [...tokens].filter((token) => isControl(model, token)),
            expected,
            JSON.stringify(contents),
          );
          // And it is told in full: the tokens are the text's, but for spaces, of which some
          // vocabularies add or take some beside their special tokens.
          const told = await model.detokenize(tokens, { special: true });
          const text = await thread.inferenceString();
          const { bos } = model.vocab;
          const begin =
            bos === undefined ? '' : model.detokenizeSync(Int32Array.of(bos), { special: true });
          const bare = (some: string): string =>
            (some.startsWith(begin) ? some.slice(begin.length) : some).replace(/\s/g, '');
          t.equal(bare(told), bare(text));
        }),
        { numRuns: 60 },
      );
    });

    t.test('there is one beginning token at most', async (t) => {
      const { bos } = model.vocab;
      const tokens = [...(await threadOf(['Hello']).inferenceTokens())];
      t.ok(tokens.filter((token) => token === bos).length <= 1);
      if (model.vocab.addBos) t.equal(tokens[0], bos);
    });
  });
}
