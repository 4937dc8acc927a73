// Training wordings of the two categories that require judgment instead of
// recall: yes/no facts and sentiment. Held-out wordings are in held-out.mjs.

// Claims: `direct` is a question about one, `stated` is a statement of it. {y}
// is correct or not, and the answer is Yes or No.
export const claims = {
  capitals: {
    direct: [
      'Is {y} the capital of {x}?',
      'Is the capital of {x} {y}?',
      'Is {y} the capital city of {x}?',
      'Does {x} have the capital {y}?',
      'Does {x} call {y} its capital?',
      'In {x}, is {y} the capital?',
    ],
    stated: [
      '{y} is the capital of {x}',
      'the capital of {x} is {y}',
      'the capital city of {x} is {y}',
    ],
  },
  colours: {
    direct: [
      'Is {x} {y}?',
      'Is the colour of {x} {y}?',
      'Is {y} the colour of {x}?',
      'Does {x} have the colour {y}?',
      'Is {x} usually {y}?',
      'If you look at {x}, do you see {y}?',
    ],
    stated: ['{x} is {y}', 'the colour of {x} is {y}', '{x} has the colour {y}'],
  },
  opposites: {
    direct: [
      'Is {x} the opposite of {y}?',
      'Are {x} and {y} opposites?',
      'Is the opposite of {x} {y}?',
      'Does {x} mean the opposite of {y}?',
      'Does {x} have the opposite {y}?',
    ],
    stated: [
      'the word {x} is the opposite of {y}',
      'the words {x} and {y} are opposites',
      'the opposite of {x} is {y}',
    ],
  },
  sounds: {
    direct: [
      'Does {an} say {y}?',
      'Does the {x} say {y}?',
      'Does {an} make the sound {y}?',
      'Is {y} the sound of {an}?',
      'Does the {x} go {y}?',
    ],
    stated: ['{an} says {y}', 'the sound of {an} is {y}', 'the {x} goes {y}'],
  },
  kinds: {
    direct: [
      'Is {x} {y}?',
      'Is {x} really {y}?',
      'Is {x} called {y}?',
      'Do we call {x} {y}?',
      'Can {x} be {y}?',
    ],
    stated: ['{x} is {y}', '{x} is the name of {y}', '{x} is really {y}'],
  },
};

// Questions about a stated claim; {S} is the claim, capitalized.
export const doubts = [
  'Is it true that {s}?',
  'Is it correct that {s}?',
  '{S}. Is that true?',
  '{S}. Is this correct?',
  '{S}. True?',
  '{S}, yes or no?',
  'Do you agree that {s}?',
  'Is it a fact that {s}?',
  'Would it be true that {s}?',
  'Can it be that {s}?',
  'Is the sentence true: {s}?',
  'Somebody says that {s}. Is it true?',
  'I think that {s}. Is this true?',
  'We learned that {s}. Yes or no?',
];

export const claimOpenings = ['', '', '', '', 'Yes or no: ', 'Answer yes or no. ', 'Tell me: '];

// Reviews: {n} a noun, {g} an adjective, {v} a verb, {n2} and {g2} a second
// noun and adjective of the same opinion.
export const reviews = [
  'The {n} was {g}.',
  'The {n} is {g}.',
  'What a {g} {n}!',
  'The {n} was very {g}.',
  'The {n} was so {g}.',
  'This is a {g} {n}.',
  'We had a {g} {n}.',
  'For us it was a {g} {n}.',
  'It was a {g} {n}.',
  'A really {g} {n}.',
  'I think the {n} is {g}.',
  'We found the {n} {g}.',
  'I {v} the {n}.',
  'We really {v} the {n}.',
  'I {v} the {n}, it was {g}.',
  'I {v} it. The {n} was {g}.',
  'The {n} was {g} and the {n2} was {g2}.',
  'The {n} was {g} and so was the {n2}.',
];

export const moreReview = {
  positive: [
    'I will come back.',
    'Thank you!',
    'We want more of it.',
    'I am happy.',
    'Everybody should try it.',
  ],
  negative: [
    'I will never come back.',
    'Never again!',
    'We want our money back.',
    'I am sad.',
    'Nobody should try it.',
  ],
};

// Formats of a review {r} and its sentiment {y}.
export const judgements = [
  'Review: {r}\nSentiment: {y}',
  'Review: {r}\nSentiment: {y}',
  'Review: {r} Sentiment: {y}',
  'Text: {r}\nSentiment: {y}',
  'Comment: {r}\nOpinion: {y}',
  '{r} This review is {y}.',
  '{r} The sentiment is {y}.',
  '{r} That sounds {y}.',
  '{r} The opinion of the guest is {y}.',
  'The review says: {r} It is {y}.',
  'Somebody wrote: {r} The comment is {y}.',
  'A {y} review: {r}',
  'Here is a {y} comment. {r}',
];
export const judgementQuestions = [
  'What is the sentiment of this review? {r}',
  'Is this review positive or negative? {r}',
  '{r} Is this positive or negative?',
  'Is the comment positive or negative: {r}',
  'Which sentiment does the text have? {r}',
  '{r} What is the sentiment?',
  '{r} Is the opinion of the guest negative or positive?',
];
