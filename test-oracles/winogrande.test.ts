// llama-perplexity --winogrande prints the mean log-probability of a text after each of two
// prefixes, to six decimals. Ours must match.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultModelPath, LLaMa, Model, quantize } from 'autocog-lm';
import t from 'tap';
import { heldOutQuestions } from '../models/questions.mjs';
import { at, sum } from '../test/suite/oracle.js';
import { exact } from '../test/support/forms.js';
import { Random } from './support/random.js';
import { wordsOf } from './support/tasks.js';
import { linesOf, plainArguments, report } from './support/tools.js';

const randomCount = 100;
const plausibleCount = 50;
const taskCount = randomCount + plausibleCount;

/** A text with a gap, and two candidate words for it. */
interface Gap {
  before: string;
  words: [string, string];
  after: string;
}

/** A gap in random words. */
function randomGap(words: readonly string[], random: Random): Gap {
  const first = random.pick(words);
  const others = words.filter((word) => word !== first);
  return {
    before: `${random.several(words, random.between(2, 12)).join(' ')} `,
    words: [first, random.pick(others)],
    after: ` ${random.several(words, random.between(5, 20)).join(' ')}${random.pick(['.', '?', ''])}`,
  };
}

/** Two sentences like the model's training data; the first has two possible endings. */
function plausibleGaps(): Gap[] {
  // Commas, quotes, `_` and line breaks are syntax in llama-perplexity's CSV file.
  const plain = heldOutQuestions(3, 500).filter(({ prompt }) => /^[\w .?!:'+=-]+$/.test(prompt));
  return Array.from({ length: plausibleCount }, (_, index) => {
    const [first, second] = [at(plain, 2 * index), at(plain, 2 * index + 1)];
    const [one, other] = first.choices.map((choice) => choice.slice(1)) as [string, string];
    const after = `. ${second.prompt}${at(second.choices, second.answer)}.`;
    return { before: `${first.prompt} `, words: [one, other], after };
  });
}

function makeGaps(model: Model): Gap[] {
  const random = new Random(11);
  const words = wordsOf(model);
  const randomGaps = Array.from({ length: randomCount }, () => randomGap(words, random));
  return [...randomGaps, ...plausibleGaps()];
}

async function oracleScores(model: string, file: string, gaps: readonly Gap[]) {
  const lines = gaps.map(({ before, words, after }, index) =>
    [index, `${before}_${after}`, ...words, 1].join(','),
  );
  // llama-perplexity drops the last line break, and a last line without one.
  await writeFile(file, `${lines.join('\n')}\n\n`);
  const args = [
    ...['--model', model, '--winogrande', '--file', file],
    ...['--ctx-size', '256', '--parallel', '16', ...plainArguments],
  ];
  const line = /^\d+\t\S+\t *(-?\d+\.\d{6}) +(-?\d+\.\d{6}) +[12] +1$/gm;
  const scores = await linesOf('llama-perplexity', args, line, gaps.length);
  return scores.map((pair) => pair.map(Number));
}

/** Leaves out the last token, as llama-perplexity does: in Winogrande it is a full stop. */
async function ourScore(lm: LLaMa, prefix: string, after: string): Promise<number> {
  const { choices, boundary } = await lm.choose(prefix, [after], { boundary: 'joint' });
  const { logprobs } = at(choices, 0);
  const tokens = await lm.tokenize(prefix, { addSpecial: true });
  // For shorter continuations llama-perplexity reads the wrong rows of logits.
  if (`${boundary.tokens}` !== `${tokens}` || logprobs.length < 5) {
    throw new Error(`llama-perplexity cannot score this: ${prefix}|${after}`);
  }
  return sum(logprobs.subarray(0, -1)) / (logprobs.length - 1);
}

/** The bound for each type of weights: about three times the largest observed difference. */
const types = [
  ['F32', 3e-5],
  ['Q8_0', 4e-2],
] as const;

for (const [type, bound] of types) {
  t.test(`${taskCount} pairs with ${type} weights`, async (t) => {
    const folder = t.testdir();
    const path = join(folder, `${type}.gguf`);
    await quantize(defaultModelPath, path, type);
    await using model = await Model.load(path);
    await using lm = new LLaMa(model, exact);
    const gaps = makeGaps(model);
    const theirs = await oracleScores(path, join(folder, 'gaps.csv'), gaps);
    let worst = 0;
    for (const [number, { before, words, after }] of gaps.entries()) {
      for (const [position, word] of words.entries()) {
        const their = at(at(theirs, number), position);
        const difference = Math.abs((await ourScore(lm, before + word, after)) - their);
        worst = Math.max(worst, difference);
        t.ok(difference <= bound, `${before}${word}${after}: ${difference} is within ${bound}`);
      }
    }
    const spread = Math.max(...theirs.flat()) - Math.min(...theirs.flat());
    t.ok(spread > 1, 'the scores differ');
    await report(`winogrande-${type}`, [
      `llama-perplexity --winogrande, ${type}: ${2 * taskCount} mean log-probabilities, ` +
        `largest difference ${worst.toExponential(1)}, over a range of ${spread.toFixed(1)}`,
    ]);
  });
}
