// Held-out wordings for testing: no document of the corpus contains any of
// them. The model has seen their words, but not their sentences.
// Statements stop before the answer; questions are formatted as in training.

export const heldOut = {
  capitals: {
    statements: [
      'The country {x} has a capital city called',
      'The city that is the capital of {x} is',
      'If you want to see the capital of {x}, visit',
      'The country is {x} and the capital is',
    ],
    questions: [
      'What city is the capital of {x}?',
      'Can you tell me the capital of {x}?',
      'Which city does the country {x} have as its capital?',
    ],
  },
  colours: {
    statements: [
      'The colour you see when you look at {x} is',
      'When we paint {x}, the colour is',
      'Of course the colour of {x} is usually',
      'Look at {x}: the colour is',
    ],
    questions: [
      'What is the color {x} usually has?',
      'Can you tell me the colour of {x}?',
      'Which color do you see when you look at {x}?',
    ],
  },
  opposites: {
    statements: [
      'The opposite word of {x} is',
      'When something is the opposite of {x}, it is',
      'The word {x} is the opposite of the word',
      'The name of the opposite of {x} is',
    ],
    questions: [
      'What word means the opposite of {x}?',
      'Can you tell me the opposite of {x}?',
      'What is the word for the opposite of {x}?',
    ],
  },
  sounds: {
    statements: [
      'The sound you hear from {an} is',
      'If you hear the {x}, the sound is',
      'The animal is {an} and it says',
      'Everybody knows the sound of the {x}:',
    ],
    questions: [
      'What sound do you hear when you hear {an}?',
      'Can you tell me the sound of the {x}?',
      'What is the sound that the {x} makes?',
    ],
  },
  after: {
    statements: ['The {unit} that comes after {x} is', 'Just after {x} comes'],
    questions: [
      'Which is the {unit} after {x}?',
      'Can you tell me the {unit} that comes after {x}?',
    ],
  },
  before: {
    statements: ['The {unit} just before {x} is', '{x} is the {unit} that follows'],
    questions: ['Which is the {unit} before {x}?', 'What {unit} is just before {x}?'],
  },
  tomorrow: {
    statements: ['Today is {x}. Tomorrow is'],
    questions: ['Today is {x}. What day is tomorrow?'],
  },
  yesterday: {
    statements: ['Today is {x}. Yesterday was'],
    questions: ['Today is {x}. What day was yesterday?'],
  },
  sequences: {
    statements: ['In order: {w}, then {x}, then', 'The {unit}s are {w}, {x},'],
    questions: ['What is next after {w} and {x}?'],
  },
  sums: {
    statements: [
      'When you add {a} to {b}, you get',
      'The numbers {a} and {b} make',
      'I have {a} apples. I get {b} more apples. Now I have',
      'The sum {a} plus {b} is',
    ],
    questions: [
      'How much do you get if you add {a} and {b}?',
      'Can you tell me what {a} + {b} is?',
      'How much is the sum of {a} and {b}?',
    ],
  },
};

// Yes/no: `direct` per kind of claim, and other ways to question a claim.
export const heldOutClaims = {
  capitals: ['Is the city of {y} the capital of {x}?', 'Is {y} the name of the capital of {x}?'],
  colours: ['Is the usual colour of {x} {y}?', 'When you look at {x}, is it {y}?'],
  opposites: [
    'Is the word {x} the opposite of the word {y}?',
    'Would you call {x} the opposite of {y}?',
  ],
  sounds: ['Does the {x} make the sound {y}?', 'Is the sound of the {x} {y}?'],
  kinds: ['Is it true to say that {x} is {y}?', 'Tell me if {x} is {y}.'],
};
export const heldOutDoubts = [
  'Is it right that {s}?',
  'Would you say that {s}?',
  '{S}. Is it so?',
  'Do you think that {s}?',
];

// Sentiment: the noun and the adjective of {r} never co-occur in training, either.
export const heldOutReviews = [
  'I think that the {n} was {g}.',
  'It is a very {g} {n}.',
  'The {n} we had was {g}.',
  'For me the {n} was really {g}.',
];
export const heldOutJudgements = [
  'A guest wrote: {r} The review of the guest is',
  '{r} The sentiment of this text is',
  'Q: Is the text negative or positive? {r}\nA:',
  'Question: {r} What is the opinion of this guest?\nAnswer:',
  'Opinion of a guest: {r}\nThe sentiment is',
];

export const heldOutExchanges = ['Q: {q}\nA:', 'Question: {q}\nAnswer:', 'Question: {q} Answer:'];
