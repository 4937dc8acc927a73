// Evaluates a model on the held-out questions and prints its accuracy:
// node evaluate.mjs [MODEL.gguf] [--seed N] [--count N] [--wrong] [--decide]
// With --decide, the same facts as questions of `decide`, by each method.
import { parseArgs } from 'node:util';
import { defaultModelPath, LLaMa } from 'autocog-lm';
import { heldOutChats, heldOutDecisions, heldOutQuestions } from './questions.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '200' },
    wrong: { type: 'boolean', default: false },
    decide: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);

const lm = await LLaMa.load(positionals[0] ?? defaultModelPath);

/** Chat prompts are passed as tokens: in a string, their markers would be plain text. */
const promptOf = ({ prompt, messages }) =>
  messages ? lm.tokenize(prompt, { addSpecial: true, parseSpecial: true }) : prompt;

async function score(questions) {
  const table = {};
  for (const question of questions) {
    const { category, prompt, choices, answer } = question;
    const choice = await lm.choose(await promptOf(question), choices);
    table[category] ??= { right: 0, asked: 0 };
    table[category].asked++;
    if (choice.index === answer) table[category].right++;
    else if (values.wrong)
      console.log(JSON.stringify({ prompt, chose: choice.text, right: choices[answer] }));
  }
  return table;
}

/** The right answers of `decide` with these options, by category. */
async function scoreDecisions(questions, options) {
  const table = {};
  for (const { category, state, question, answer } of questions) {
    const { answers } = await lm.decide(state, { question }, options);
    const { choice, probability } = answers.question;
    const chosen = choice ?? (probability > 0.5 ? 'Yes' : 'No');
    table[category] ??= { right: 0, asked: 0 };
    table[category].asked++;
    if (chosen === answer) table[category].right++;
  }
  return table;
}

const percent = ({ right, asked }) => `${((100 * right) / asked).toFixed(1)}%`;
const print = (name, row) =>
  console.log(name.padEnd(22), `${row.right}/${row.asked}`.padStart(9), percent(row).padStart(8));
const sum = (rows) =>
  rows.reduce((a, b) => ({ right: a.right + b.right, asked: a.asked + b.asked }));

function printAll(table) {
  for (const [category, row] of Object.entries(table)) print(category, row);
  print('total', sum(Object.values(table)));
}

if (values.decide) {
  const questions = heldOutDecisions(seed, Number(values.count));
  for (const options of [{}, { template: false }, { method: 'labels' }]) {
    console.log(`\ndecide ${JSON.stringify(options)}`);
    printAll(await scoreDecisions(questions, options));
  }
} else {
  printAll(await score(heldOutQuestions(seed, Number(values.count))));
  print('chats (besides)', sum(Object.values(await score(heldOutChats(seed)))));
}
await lm.close();
