// `autocog-lm demo`, also `npm run demo`: shows what the package does, with questions that the
// bundled model can answer.

import type { Choice } from '../../choose/choice.js';
import type { LLaMa } from '../../llama.js';
import { withLM } from '../engine.js';
import type { EngineFlags } from '../options.js';
import { paint, print } from '../output.js';
import { versions } from '../version.js';
import { choiceTable, choiceTree } from '../view/choice-view.js';
import { type Column, table } from '../view/table.js';
import { count, milliseconds, quote, size } from '../view/text.js';
import { candidateTable } from './candidates.js';

interface Question {
  title: string;
  prompt: string;
  choices: readonly string[];
}

const questions: readonly Question[] = [
  {
    title: 'A capital',
    prompt: 'The capital of France is',
    choices: [' London', ' Paris', ' Berlin', ' Rome'],
  },
  {
    title: 'A color',
    prompt: 'Q: What colour is the sky?\nA:',
    choices: [' green', ' blue', ' red', ' yellow'],
  },
  { title: 'A sum', prompt: '3 plus 4 is', choices: [' 5', ' 6', ' 7', ' 8'] },
  {
    title: 'A judgement',
    prompt: 'Review: The hotel was terrible.\nSentiment:',
    choices: [' positive', ' negative'],
  },
];

const shared: Question = {
  title: 'The token tree: tokens that choices share are decoded once',
  prompt: 'The capital of Belgium is',
  choices: [' Brussels', ' Berlin', ' Bern', ' Bangkok', ' Budapest'],
};

const open = 'The day after Wednesday is';

export async function demo(flags: EngineFlags, signal: AbortSignal): Promise<void> {
  const start = performance.now();
  await withLM(flags, signal, async (lm) => {
    const loading = `loaded in ${milliseconds(performance.now() - start)}`;
    await print(`${paint('bold', versions())}\n${modelLine(lm)}, ${loading}`);
    const answers: [Question, Choice][] = [];
    for (const question of [...questions, shared]) {
      const { title, prompt, choices } = question;
      const choice = await lm.choose(prompt, choices, { signal });
      answers.push([question, choice]);
      await print(`${heading(title)}\n${quote(prompt)}\n${choiceTable(choice)}`);
      if (question === shared) await print(`\n${choiceTree(choice)}`);
    }
    const next = await lm.candidates(open, 5, { signal });
    await print(
      `${heading('The most likely next tokens')}\n${quote(open)}\n${candidateTable(next)}`,
    );
    await print(`${heading('What it cost')}\n${costTable(answers)}`);
  });
}

const heading = (title: string): string => `\n${paint('bold', title)}`;

function modelLine({ model: { info, vocab } }: LLaMa): string {
  const { path, parameters, sizeBytes } = info;
  return `${path}: ${count(parameters)} parameters, ${size(sizeBytes)}, ${count(vocab.size)} tokens`;
}

function costTable(answers: readonly [Question, Choice][]): string {
  const heads: Column[] = [
    ['question', 'left'],
    ['prompt', 'right'],
    ['cached', 'right'],
    ['decoded', 'right'],
    ['calls', 'right'],
    ['time', 'right'],
  ];
  const rows = answers.map(([{ prompt }, { usage, timings }]) => [
    quote(prompt, 40),
    count(usage.promptTokens),
    count(usage.cachedTokens),
    count(usage.decodedTokens),
    count(usage.decodeCalls),
    milliseconds(timings.totalMs),
  ]);
  return table(heads, rows);
}
