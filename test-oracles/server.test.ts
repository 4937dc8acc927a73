// llama-server returns the full next-token distribution, and tokenizes: both must equal the
// results of `greedy` and `tokenize`.

import { join } from 'node:path';
import { defaultModelPath, LLaMa, Model, quantize } from 'autocog-lm';
import t from 'tap';
import { heldOutQuestions } from '../models/questions.mjs';
import { exact } from '../test/support/forms.js';
import { Random } from './support/random.js';
import { Server } from './support/server.js';
import { wordsOf } from './support/tasks.js';
import { report } from './support/tools.js';

/** Below this log-probability llama-server's float probabilities underflow. */
const floor = -85;

/** Random tokens of many lengths, random words, and questions like the model's training data. */
function makePrompts(model: Model): Int32Array[] {
  const random = new Random(5);
  const words = wordsOf(model);
  const ids = Array.from({ length: model.vocab.size }, (_, token) => token);
  const lengths = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129];
  const more = Array.from({ length: 30 }, () => random.between(1, 300));
  const texts = [
    ...Array.from({ length: 30 }, () => random.several(words, random.between(1, 120)).join(' ')),
    ...heldOutQuestions(4, 60).map(({ prompt }) => prompt),
  ];
  return [
    ...[...lengths, 255, 256, 257, 299, 300, ...more].map((length) =>
      Int32Array.from(random.several(ids, length)),
    ),
    ...texts.map((text) => model.tokenizeSync(text, { addSpecial: true }).slice(0, 300)),
  ];
}

/** The bound for each type of weights: about three times the largest observed difference. */
const types = [
  ['F32', 1e-4],
  ['Q8_0', 4e-1],
] as const;

for (const [type, bound] of types) {
  t.test(`distributions with ${type} weights`, async (t) => {
    const path = join(t.testdir(), `${type}.gguf`);
    await quantize(defaultModelPath, path, type);
    await using model = await Model.load(path);
    await using lm = new LLaMa(model, exact);
    await using server = await Server.start(path, 512);
    const { size } = model.vocab;
    let [worst, values, underflows] = [0, 0, 0];
    const prompts = makePrompts(model);
    for (const prompt of prompts) {
      const ours = await lm.greedy(prompt);
      const theirs = await server.distribution(prompt, size);
      let difference = 0;
      for (const [token, logprob] of theirs.entries()) {
        const own = ours[token] as number;
        if (logprob < floor && own < floor) underflows++;
        else difference = Math.max(difference, Math.abs(own - logprob));
      }
      values += size;
      worst = Math.max(worst, difference);
      t.ok(difference <= bound, `after ${prompt.length} tokens: ${difference} is within ${bound}`);
    }
    t.ok(underflows < values / 100, `${underflows} of ${values} values underflow a float`);
    await report(`server-${type}`, [
      `llama-server /completion, ${type}: ${prompts.length} distributions over ${size} tokens, ` +
        `largest difference ${worst.toExponential(1)}; ${underflows} values below e^${floor} skipped`,
    ]);
  });
}

const fixedTexts = [
  'Hello, world!',
  ' two  spaces   and\ttabs\n\nand lines\r\n',
  "don't we'll I'm THEY'RE 12345 3.14 1,000,000 x=y+1; if (a && b) { return `c`; }",
  '你好，世界。今日は良い天気ですね。안녕하세요 세계',
  '😀😃👩‍👩‍👧‍👦🏳️‍🌈 ✈️ ☕️',
  'é é ạ̈ क्षत्रिय ก็ שָׁלוֹם مَرْحَبًا ﷽',
  'Ünïcödé — “quotes” … ½ ² ℃ ﬁ Ａ',
  '<|bos|>text<|eos|> <|im_start|>user<|im_end|> <|nosuch|> <s></s> [INST]',
  '<|im_end|',
  ' ',
  '\n',
  '\u00a0\u2028\ufeff',
  '0',
  'a'.repeat(300),
  '\u{10ffff}\u{1f1e9}\u{1f1ea}',
];

/** Escapes to ASCII: some characters would break the line of an assertion's name. */
const escaped = (text: string): string =>
  JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);

t.test('tokens and texts', async (t) => {
  await using model = await Model.load(defaultModelPath);
  await using server = await Server.start(defaultModelPath, 512);
  const random = new Random(9);
  const alphabets = [
    'abcXYZ .,!?\n',
    '0123456789+-=',
    'äöüßéèñçøå ',
    '漢字仮名交じり文',
    '👍🏽❤️‍🔥😂',
  ];
  const mixed = Array.from({ length: 100 }, () => {
    const characters = alphabets.flatMap((alphabet) => [...alphabet]);
    return random.several(characters, random.between(1, 60)).join('');
  });
  for (const text of [...fixedTexts, ...mixed]) {
    for (const addSpecial of [false, true]) {
      for (const parseSpecial of [false, true]) {
        const label = `${escaped(text).slice(0, 60)}, ${addSpecial}, ${parseSpecial}`;
        const own = model.tokenizeSync(text, { addSpecial, parseSpecial });
        const { tokens } = (await server.post('/tokenize', {
          content: text,
          add_special: addSpecial,
          parse_special: parseSpecial,
        })) as { tokens: number[] };
        t.same([...own], tokens, `tokens of ${label}`);
        const { content } = (await server.post('/detokenize', { tokens: [...own] })) as {
          content: string;
        };
        t.equal(model.detokenizeSync(own, { special: true }), content, `text of ${label}`);
      }
    }
  }
});
