// Writes the training corpus: node corpus.mjs SEED DOCUMENTS > corpus.json
// A JSON array of strings, one per document; train.py adds the tokens that
// begin and end a document.
import { fileURLToPath } from 'node:url';
import { writeChat } from './chats.mjs';
import * as judged from './claims.mjs';
import * as facts from './facts.mjs';
import * as words from './phrasings.mjs';
import { createRandom } from './random.mjs';
import { capitalise, claimAbout, fill, opened, writeReview } from './wording.mjs';

// Per group of phrasings: its facts and its sampling weight.
const recalled = [
  ['capitals', facts.capitals, 6],
  ['colours', facts.colours, 6],
  ['opposites', facts.opposites, 7],
  ['sounds', facts.sounds, 4],
  ['after', facts.after, 2.5],
  ['before', facts.before, 2.5],
  ['tomorrow', facts.after.filter(({ unit }) => unit === 'day'), 1],
  ['yesterday', facts.before.filter(({ unit }) => unit === 'day'), 1],
  ['sequences', facts.sequences, 2],
  ['sums', facts.sums, 20],
];
const yesNoShare = 28;
const sentimentShare = 10;

function createWriter(random) {
  const exchange = (question, answer) =>
    fill(random.pick(words.exchanges), { q: question, y: answer });

  const recall = (group, table) => {
    const fact = random.pick(table);
    const { statements, questions } = words.training[group];
    return {
      question: opened(random.pick(words.questionOpenings), fill(random.pick(questions), fact)),
      answer: fact.y,
      sentence: fill(random.pick(statements), fact),
    };
  };

  const yesNo = () => {
    const kind = random.pick(Object.keys(judged.claims));
    const { direct, stated } = judged.claims[kind];
    const claim = claimAbout(facts.claimable[kind], random);
    const s = fill(random.pick(stated), claim);
    const asked = random.chance(0.55)
      ? fill(random.pick(direct), claim)
      : fill(random.pick(judged.doubts), { s });
    return { question: random.pick(judged.claimOpenings) + asked, answer: claim.holds };
  };

  const sentiment = () => {
    const review = writeReview(random.pick(judged.reviews), facts, false, random);
    if (random.chance(0.25)) review.r += ` ${random.pick(judged.moreReview[review.y])}`;
    return {
      question: fill(random.pick(judged.judgementQuestions), review),
      answer: review.y,
      judgement: fill(random.pick(judged.judgements), review),
    };
  };

  const makers = [
    ...recalled.map(([group, table, share]) => [() => recall(group, table), share]),
    [yesNo, yesNoShare],
    [sentiment, sentimentShare],
  ];
  const total = makers.reduce((sum, [, share]) => sum + share, 0);
  const drawMaker = () => {
    let at = random.next() * total;
    for (const [maker, share] of makers) {
      at -= share;
      if (at < 0) return maker;
    }
  };

  const asText = ({ question, answer, sentence, judgement }) => {
    if (judgement && random.chance(0.7)) return judgement;
    if (sentence && random.chance(0.5)) {
      return opened(random.pick(words.statementOpenings), sentence);
    }
    return exchange(question, answer);
  };

  // One to four texts of one or several categories. Sometimes all of them are
  // questions in the same format, as in a few-shot prompt.
  return () => {
    const only = random.chance(0.4) ? drawMaker() : null;
    const draw = () => (only ?? drawMaker())();
    if (random.chance(0.3)) return writeChat(draw, random);
    const count = random.pick([1, 1, 1, 2, 2, 3, 4]);
    const template = random.pick(words.exchanges);
    const alike = random.chance(0.2);
    const texts = Array.from({ length: count }, () => {
      if (!alike) return asText(draw());
      const { question, answer } = draw();
      return fill(template, { q: question, y: answer });
    });
    const closed = texts.every((text) => /[.!?]$/.test(text));
    return texts.map(capitalise).join(random.pick(['\n', '\n\n', closed ? ' ' : '\n']));
  };
}

export function writeCorpus(seed, documents) {
  const write = createWriter(createRandom(seed));
  return Array.from({ length: documents }, write);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [seed, documents] = process.argv.slice(2).map(Number);
  process.stdout.write(JSON.stringify(writeCorpus(seed, documents)));
}
