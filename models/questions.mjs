// Questions about trained facts in held-out wordings, used by evaluate.mjs and
// the package's tests.

import { renderChat } from './chats.mjs';
import { claims } from './claims.mjs';
import * as facts from './facts.mjs';
import * as held from './held-out.mjs';
import { createRandom } from './random.mjs';
import { claimAbout, fill, writeReview } from './wording.mjs';

const daysOnly = (table) => table.filter(({ unit }) => unit === 'day');

// Per recall category: its groups of wordings and their fact tables.
const recalled = {
  capitals: [['capitals', facts.capitals]],
  colours: [['colours', facts.colours]],
  opposites: [['opposites', facts.opposites]],
  'animal sounds': [['sounds', facts.sounds]],
  'weekdays and months': [
    ['after', facts.after],
    ['before', facts.before],
    ['tomorrow', daysOnly(facts.after)],
    ['yesterday', daysOnly(facts.before)],
    ['sequences', facts.sequences],
  ],
  sums: [['sums', facts.sums]],
};

// A choice that is a prefix of another one always has at least its probability.
const begins = (a, b) => a.startsWith(b) || b.startsWith(a);
const isNumber = (text) => /^\d/.test(text); // each number is one token, see bpe.py

/** The answer and three other answers of the same table, without the subject of the question. */
function fourChoices(fact, table, random) {
  const clash = (y) => (isNumber(y) ? y === fact.y : begins(y, fact.y));
  const others = table
    .filter(({ y, unit }) => unit === fact.unit && y !== fact.x && !clash(y))
    .map(({ y }) => y);
  return random.shuffle([fact.y, ...random.shuffle([...new Set(others)]).slice(0, 3)]);
}

function recall(groups, random) {
  const [group, table] = random.pick(groups);
  const fact = random.pick(table);
  const { statements, questions } = held.heldOut[group];
  const choices = fourChoices(fact, table, random);
  const question = fill(random.pick(questions), fact);
  return { statement: fill(random.pick(statements), fact), question, choices, right: fact.y };
}

function yesNo(random) {
  const kind = random.pick(Object.keys(held.heldOutClaims));
  const claim = claimAbout(facts.claimable[kind], random);
  const s = fill(random.pick(claims[kind].stated), claim);
  const question = random.chance(0.5)
    ? fill(random.pick(held.heldOutClaims[kind]), claim)
    : fill(random.pick(held.heldOutDoubts), { s });
  return { question, choices: random.shuffle(['Yes', 'No']), right: claim.holds };
}

function sentiment(random) {
  const review = writeReview(random.pick(held.heldOutReviews), facts, true, random);
  const statement = fill(random.pick(held.heldOutJudgements), review);
  return { statement, choices: random.shuffle(['positive', 'negative']), right: review.y };
}

const makers = {
  ...Object.fromEntries(
    Object.entries(recalled).map(([name, groups]) => [name, (random) => recall(groups, random)]),
  ),
  sentiment,
  'yes/no facts': yesNo,
};

/**
 * `count` different questions, cycling through the categories. Choices start
 * with the space that the prompt lacks at its end.
 */
export function heldOutQuestions(seed = 1, count = 200) {
  const random = createRandom(seed);
  const categories = Object.keys(makers);
  const questions = [];
  const seen = new Set();
  let repeats = 0;
  while (questions.length < count) {
    if (repeats > 2000) throw new RangeError(`there are fewer than ${count} questions`);
    const category = categories[questions.length % categories.length];
    const { statement, question, choices, right } = makers[category](random);
    const asStatement = statement && (!question || random.chance(0.5));
    const prompt = asStatement
      ? statement
      : fill(random.pick(held.heldOutExchanges), { q: question });
    if (seen.has(prompt)) {
      repeats++;
      continue;
    }
    seen.add(prompt);
    questions.push({
      category,
      prompt,
      choices: choices.map((choice) => ` ${choice}`),
      answer: choices.indexOf(right),
    });
  }
  return questions;
}

/** Similar questions in the chat template: choices are the beginning of the response. */
export function heldOutChats(seed = 1, count = 40) {
  const random = createRandom(seed);
  const askable = Object.entries(makers).filter(([name]) => name !== 'sentiment');
  return Array.from({ length: count }, (_, i) => {
    const { question, choices, right } = askable[i % askable.length][1](random);
    const messages = [{ role: 'user', content: question }];
    const prompt = renderChat(messages, { addGenerationPrompt: true });
    return { category: 'chats', messages, prompt, choices, answer: choices.indexOf(right) };
  });
}

/**
 * Questions of all categories as arguments of `decide`, each with its name and the right answer. The
 * state is a review, or empty: the other facts are in the model.
 */
export function heldOutDecisions(seed = 1, count = 200) {
  const random = createRandom(seed);
  const categories = Object.keys(makers);
  return Array.from({ length: count }, (_, i) => {
    const category = categories[i % categories.length];
    if (category === 'sentiment') {
      const { r, y } = writeReview(random.pick(held.heldOutReviews), facts, true, random);
      const instructions = 'Is the text negative or positive?';
      const criteria = random.shuffle(['positive', 'negative']);
      return {
        category,
        state: r,
        question: { type: 'choice', instructions, criteria },
        answer: y,
      };
    }
    const made = makers[category](random);
    const { question: instructions, choices, right: answer } = made;
    if (category === 'yes/no facts') {
      return { category, state: '', question: { type: 'boolean', instructions }, answer };
    }
    return {
      category,
      state: '',
      question: { type: 'choice', instructions, criteria: choices },
      answer,
    };
  });
}
