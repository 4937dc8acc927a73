// Prompts and choices of the trials. The bench's model has random weights, so only lengths and
// shared prefixes matter; the default model is asked facts that it knows (models/facts.mjs).

import { capitals, colours, opposites as opposed, sounds } from '../models/facts.mjs';
import { createRandom } from '../models/random.mjs';

/** 287 tokens: a classifier of customers' letters. */
export const prompt = `You sort the letters that customers write to a bank. Read the letter and say what it is about, in the words of the list and in no others. If a letter speaks of several things, say the one that the customer wants to have settled first. Do not explain your answer.

Letter: Good morning. I have been with your bank since 1998 and never had a reason to complain, but what happened last week makes me write to you. On Monday I noticed that two payments of 49.90 each had been made to a shop that I have never heard of, let alone visited. I called the number on the back of the card, waited for forty minutes, and was told that I had to fill in a form on your website. The form asks for a reference that is printed on the statement, and the statement will not arrive before the end of the month. In the meantime a third payment has been made, again to the same shop, and my account is now overdrawn, for which you charge me a fee of twelve per cent. I would like to have the payments stopped and the money returned, and I would like to know who pays for the fee. The young man at the counter did his best to help me, but he had no access to the system either. Please call me in the evening, as I work during the day.

The letter is about:`;

/** Sixteen choices, some with common prefixes. */
export const choices = [
  ' credit card',
  ' credit card fraud',
  ' credit card fees',
  ' credit limit',
  ' bank account',
  ' bank account closed',
  ' bank transfer',
  ' student loan',
  ' student loan repayment',
  ' home loan',
  ' home insurance claim',
  ' debt collection calls',
  ' mortgage payment late',
  ' identity theft',
  ' opening hours',
  ' online banking password',
];

/** Choices as token ids: every combination, with `branching[i]` tokens to choose from at position i. */
export function allPaths(branching) {
  let paths = [[]];
  branching.forEach((count, position) => {
    const tokens = Array.from({ length: count }, (_, i) => 1000 * (position + 1) + i);
    paths = paths.flatMap((path) => tokens.map((token) => [...path, token]));
  });
  return paths;
}

const unique = (words) => [...new Set(words)];
const answers = unique([capitals, opposed, colours, sounds].flat().map(({ y }) => y));

/**
 * Ten thousand sentences for the default model: eighty words, each with 125 possible opposites. The
 * model cannot predict the first word, but knows its opposite.
 */
export const opposites = {
  prompt: 'The opposite of',
  choices: unique(opposed.map(({ x }) => x)).flatMap((word) => {
    return answers.slice(0, 125).map((answer) => ` ${word} is ${answer}`);
  }),
};

/**
 * `count` random stories of fifty words, each with four endings of 25 words that differ in their
 * first word. Each word, with its leading space, is one token of the vocabulary.
 */
export function stories(vocabulary, count) {
  const texts = Array.from({ length: 30_000 }, (_, token) => {
    return vocabulary.detokenizeSync(Int32Array.of(token));
  });
  const words = texts.filter((text) => /^ [a-z]{4,9}$/.test(text));
  const random = createRandom(1);
  const draw = (length) => Array.from({ length }, () => random.pick(words)).join('');
  return Array.from({ length: count }, () => {
    const beginnings = random.shuffle(words).slice(0, 4);
    return { prompt: `Story:${draw(48)}.`, choices: beginnings.map((word) => word + draw(24)) };
  });
}

/**
 * Prompts for the default model: it answers, then generates and answers questions of its own, about
 * fifty tokens until it ends.
 */
export const questions = capitals.map(({ x }) => `Question: What is the capital of ${x}?`);

/** Eight different prompts of about twenty tokens. */
export const openings = [
  'The harbour was empty when we came back from the islands, and the man who used to',
  'Dear Madam, I write to you about the order that I placed in March, which has still not',
  'function largest(values) {\n  let best = values[0];\n  for (const value of values) {\n',
  'Ingredients: two pounds of flour, a pinch of salt, three eggs, half a litre of milk and',
  'In the second half of the nineteenth century the railway reached the valley, and with it',
  'Q: How does a heat pump take warmth from the air outside when it is cold?\nA:',
  'Minutes of the meeting of 4 May. Present: the chair, the treasurer, two members of',
  '1. Unscrew the cover. 2. Lift out the filter and rinse it under the tap. 3. Put',
];

const subjects = [
  'a payment',
  'a card',
  'an account',
  'a loan',
  'a fee',
  'a form',
  'a call',
  'a visit',
  'a website',
  'a deadline',
  'a refund',
  'a shop',
  'a statement',
  'a complaint',
  'a clerk',
  'an office',
  'a date',
  'an amount',
  'a promise',
  'a threat',
];

/** Two states of about a thousand tokens that differ from the start, and twenty questions about either. */
export const decisions = {
  states: ['First', 'Second'].map(
    (name) => `${name} file.\n${Array(4).fill(prompt.slice(230, 1180)).join('\n')}`,
  ),
  questions: Object.fromEntries(
    subjects.map((subject, index) => [
      `q${index}`,
      {
        type: 'choice',
        instructions: `What does the customer say about ${subject} in the letter above, if anything at all?`,
        criteria: [
          `nothing about ${subject}`,
          'that it was not right',
          'that all is well now',
          'it is not clear from this',
        ],
      },
    ]),
  ),
};

/** Two hundred options of several words, half of which share their first words. */
export const manyOptions = subjects.flatMap((subject) =>
  ['all is said about', 'something is missing about', 'they wrote before about']
    .flatMap((words) => ['', ', at length', ', in anger'].map((end) => `${words} ${subject}${end}`))
    .concat(`${subject} is not in the letter at all`),
);
