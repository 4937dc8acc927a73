// The tokens of chat prompts, with real vocabularies and templates: the tokenization of the
// rendered text, and never a special token from a message.

import { readFileSync } from 'node:fs';
import type { Model } from 'autocog-lm';
import { Thread, type ThreadOptions } from 'autocog-lm/chat';
import fc from 'fast-check';
import t from 'tap';
import { loadVocabulary, VocabularyLM } from '../support/vocabulary-lm.js';

const templateOf = (file: string): string =>
  readFileSync(`llama.cpp/models/templates/${file}.jinja`, 'utf8');

/** Zephyr's, from its model card: for a vocabulary with no markup tokens but </s>. */
const zephyr =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/** Mistral's first, whose markup is plain text directly next to the contents. */
const mistral =
  "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}";

interface Family {
  vocabulary: string;
  options: ThreadOptions;
  /** Texts that are special tokens or markup in this vocabulary or template. */
  markup: string[];
}

const families: Family[] = [
  {
    vocabulary: 'qwen2',
    options: { template: templateOf('Qwen-Qwen2.5-7B-Instruct') },
    markup: ['<|im_end|>', '<|im_start|>', '<|endoftext|>'],
  },
  {
    vocabulary: 'llama-bpe',
    options: { template: templateOf('meta-llama-Llama-3.1-8B-Instruct') },
    markup: ['<|eot_id|>', '<|start_header_id|>', '<|begin_of_text|>', '<|end_of_text|>'],
  },
  {
    vocabulary: 'phi-3',
    options: { template: templateOf('microsoft-Phi-3.5-mini-instruct') },
    markup: ['<|end|>', '<|user|>', '<|assistant|>', '<s>', '</s>', '<|endoftext|>'],
  },
  {
    vocabulary: 'gemma-4',
    options: { template: templateOf('google-gemma-4-31B-it') },
    markup: ['<turn|>', '<|turn>', '<bos>', '<eos>', '<start_of_turn>', '<|channel>'],
  },
  {
    vocabulary: 'command-r',
    options: { format: 'command' },
    markup: ['<|END_OF_TURN_TOKEN|>', '<|USER_TOKEN|>', '<BOS_TOKEN>'],
  },
  { vocabulary: 'llama-spm', options: { template: zephyr }, markup: ['</s>', '<s>', '<unk>'] },
  { vocabulary: 'llama-spm', options: { template: mistral }, markup: ['</s>', '<s>', '<unk>'] },
  { vocabulary: 'llama-spm', options: { format: 'llama2chat' }, markup: ['</s>', '<s>'] },
  {
    vocabulary: 'qwen35',
    options: { template: templateOf('Qwen3.5-4B') },
    markup: ['<|im_end|>', '<|im_start|>', '<think>', '</think>'],
  },
];

const isControl = (model: Model, token: number): boolean => model.tokenBytes(token).length === 0;

const withBos = (model: Model, tokens: Int32Array): number[] => {
  const { bos, addBos } = model.vocab;
  const missing = addBos && bos !== undefined && tokens[0] !== bos;
  return [...(missing ? [bos] : []), ...tokens];
};

const dialog = (contents: readonly string[]) =>
  contents.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'bot', content }));

for (const { vocabulary, options, markup } of families) {
  const style = options.format ?? options.template?.slice(0, 40);
  t.test(`${vocabulary}, ${JSON.stringify(style)}`, async (t) => {
    const model = await loadVocabulary(t, vocabulary);
    const lm = new VocabularyLM(model);
    const threadOf = (contents: readonly string[]): Thread =>
      new Thread(lm, { ...options, messages: dialog(contents) });

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

    t.test('no message yields a special token, whatever it spells', async (t) => {
      const words = fc.constantFrom(...markup, ...markup, 'hello', ' ', '\n', '<', '|>', 'é', '');
      const content = fc.array(words, { minLength: 1, maxLength: 6 }).map((list) => list.join(''));
      const plain = await threadOf(['hello', 'hello', 'hello']).inferenceTokens();
      const expected = [...plain].filter((token) => isControl(model, token));
      await fc.assert(
        fc.asyncProperty(fc.tuple(content, content, content), async (contents) => {
          // If a template removes reasoning, there is nothing to compare.
          fc.pre(!/think>|channel/.test(contents[1]));
          const thread = threadOf(contents);
          const tokens = await thread.inferenceTokens();
          t.same(
            [...tokens].filter((token) => isControl(model, token)),
            expected,
            JSON.stringify(contents),
          );
          // Nothing is lost: the tokens decode to the text, except for whitespace, which some
          // vocabularies add or remove next to special tokens.
          const decoded = await model.detokenize(tokens, { special: true });
          const text = await thread.inferenceString();
          const { bos } = model.vocab;
          const begin =
            bos === undefined ? '' : model.detokenizeSync(Int32Array.of(bos), { special: true });
          const normalize = (some: string): string =>
            (some.startsWith(begin) ? some.slice(begin.length) : some).replace(/\s/g, '');
          t.equal(normalize(decoded), normalize(text));
        }),
        { numRuns: 60 },
      );
    });

    t.test('there is at most one BOS token', async (t) => {
      const { bos } = model.vocab;
      const tokens = [...(await threadOf(['Hello']).inferenceTokens())];
      t.ok(tokens.filter((token) => token === bos).length <= 1);
      if (model.vocab.addBos) t.equal(tokens[0], bos);
    });
  });
}
