// Training wordings. {x} is the subject of a question, {y} the answer; {X} and
// {Y} are capitalized; {an} is x with its article. Held-out wordings are in
// held-out.mjs.

const capitals = {
  statements: [
    'The capital of {x} is {y}.',
    'The capital city of {x} is {y}.',
    'The capital of the country {x} is the city of {y}.',
    'In {x}, the capital is {y}.',
    'In {x} the capital city is called {y}.',
    '{x} has a capital, and its name is {y}.',
    "{x}'s capital is {y}.",
    'If you visit the capital of {x}, you are in {y}.',
    'The name of the capital of {x} is {y}.',
    '{y} is the capital of {x}.',
    '{y} is the capital city of {x}.',
    'The city of {y} is the capital of {x}.',
    '{x} is a country, and its capital is {y}.',
    'The people of {x} have their capital in {y}.',
    '{x} has {y} as its capital city.',
  ],
  questions: [
    'What is the capital of {x}?',
    'What is the capital city of {x}?',
    'What is the name of the capital of {x}?',
    'Which city is the capital of {x}?',
    'What is the capital of the country {x}?',
    'Name the capital of {x}.',
    'Tell me the capital city of {x}.',
    'Which capital does {x} have?',
    'What is the capital in {x} called?',
    "What is {x}'s capital?",
    '{x}: what is the capital?',
  ],
};

const colours = {
  statements: [
    'The colour of {x} is {y}.',
    'The color of {x} is {y}.',
    '{X} is {y}.',
    '{X} has the colour {y}.',
    'Everything that looks like {x} is {y}.',
    'If you look at {x}, you see the colour {y}.',
    'The usual colour of {x} is {y}.',
    '{X} is usually {y}.',
    'When you see {x}, it is {y}.',
    'Something with the colour of {x} is {y}.',
    '{Y} is the colour of {x}.',
    '{Y} is the usual color of {x}.',
    'To paint {x}, you need the colour {y}.',
    'In the picture, {x} is {y}.',
    'Look, {x} is {y}.',
  ],
  questions: [
    'What colour is {x}?',
    'What color is {x}?',
    'What is the colour of {x}?',
    'What is the usual colour of {x}?',
    'Which colour does {x} have?',
    'Which colour is {x}?',
    'Name the colour of {x}.',
    'Tell me the color of {x}.',
    'What colour do you see if you look at {x}?',
    'What colour do you need to paint {x}?',
    '{X}: what colour is it?',
  ],
};

const opposites = {
  statements: [
    'The opposite of {x} is {y}.',
    'The opposite of the word {x} is {y}.',
    'The opposite of {x} is the word {y}.',
    'We call {y} the opposite of {x}.',
    'See how {x} and {y} are opposites.',
    'If it is not {x}, it is {y}.',
    'We say that {x} is the opposite of {y}.',
    'The words {x} and {y} are opposites.',
    'The word {x} has an opposite: {y}.',
    'A word like {x} has the opposite {y}.',
    'The word that means the opposite of {x} is {y}.',
    'Two words that are opposites: {x} and {y}.',
    'Not {x} but {y}.',
    'The word for not {x} is {y}.',
  ],
  questions: [
    'What is the opposite of {x}?',
    'What is the opposite of the word {x}?',
    'Which word is the opposite of {x}?',
    'Which word means the opposite of {x}?',
    'Name the opposite of {x}.',
    'Tell me the opposite of {x}.',
    'What is it if it is not {x}?',
    'Which opposite does {x} have?',
    'Which word has the opposite {x}?',
    'The word is {x}. What is the opposite?',
  ],
};

const sounds = {
  statements: [
    '{An} says {y}.',
    'The {x} says {y}.',
    '{An} goes {y}.',
    'The {x} goes {y}, {y}.',
    'The sound of {an} is {y}.',
    'The sound of the {x} is {y}.',
    'The sound that {an} makes is {y}.',
    '{An} makes the sound {y}.',
    'The {x} is an animal that says {y}.',
    'We know that {y} is the sound of {an}.',
    'We say that {y} is the sound that the {x} makes.',
    'Listen: {y}, {y}, says the {x}.',
    'When you hear {an}, you hear {y}.',
    'You hear {an}: it says {y}.',
  ],
  questions: [
    'What sound does {an} make?',
    'What does {an} say?',
    'What does the {x} say?',
    'What is the sound of {an}?',
    'Which sound does the {x} make?',
    'Which sound do you hear from {an}?',
    'Name the sound of {an}.',
    'Tell me the sound that {an} makes.',
    'How does {an} sound?',
    'How does the {x} go?',
    '{An}: what sound does it make?',
  ],
};

const after = {
  statements: [
    'The {unit} after {x} is {y}.',
    'After {x} comes {y}.',
    '{y} comes after {x}.',
    '{y} is the {unit} after {x}.',
    '{y} follows {x}.',
    '{x} is followed by {y}.',
    'The {unit} that follows {x} is {y}.',
    'The next {unit} after {x} is {y}.',
    'When {x} is over, it is {y}.',
    'When {x} ends, {y} begins.',
    'If this {unit} is {x}, the next {unit} is {y}.',
    'First comes {x}, then comes {y}.',
  ],
  questions: [
    'What {unit} comes after {x}?',
    'Which {unit} comes after {x}?',
    'What comes after {x}?',
    'Which {unit} follows {x}?',
    'What is the next {unit} after {x}?',
    'Name the {unit} after {x}.',
    'Tell me the {unit} that follows {x}.',
    '{x} is over. Which {unit} is it now?',
    'If this {unit} is {x}, what is the next {unit}?',
  ],
};

const before = {
  statements: [
    'The {unit} before {x} is {y}.',
    'Before {x} comes {y}.',
    '{y} comes before {x}.',
    '{y} is the {unit} before {x}.',
    '{x} follows {y}.',
    'The {unit} that comes before {x} is {y}.',
    'The last {unit} before {x} is {y}.',
    'If this {unit} is {x}, the {unit} before was {y}.',
    'Now it is {x}, so the last {unit} was {y}.',
    'Just before {x} there is {y}.',
  ],
  questions: [
    'What {unit} comes before {x}?',
    'Which {unit} comes before {x}?',
    'What comes before {x}?',
    'What is the last {unit} before {x}?',
    'Name the {unit} before {x}.',
    'Tell me the {unit} that comes before {x}.',
    'Which {unit} is just before {x}?',
    'If this {unit} is {x}, what was the {unit} before?',
  ],
};

const tomorrow = {
  statements: [
    'If today is {x}, then tomorrow is {y}.',
    'Today is {x}, so tomorrow is {y}.',
    'Today it is {x}. The next day is {y}.',
    'Yesterday was {x}, so today is {y}.',
    'If yesterday was {x}, today is {y}.',
  ],
  questions: [
    'If today is {x}, what day is tomorrow?',
    'Today is {x}. What is the next day?',
    'Yesterday was {x}. What day is today?',
  ],
};

const yesterday = {
  statements: [
    'If today is {x}, then yesterday was {y}.',
    'Today is {x}, so yesterday was {y}.',
    'Tomorrow is {x}, so today is {y}.',
    'If tomorrow is {x}, today is {y}.',
  ],
  questions: [
    'If today is {x}, what day was yesterday?',
    'Today is {x}. What was the day before?',
    'Tomorrow is {x}. What day is today?',
  ],
};

const sequences = {
  statements: [
    '{w}, {x}, {y}.',
    '{w} {x} {y}',
    'The {unit}s in order: {w}, {x}, {y}.',
    'First {w}, then {x}, then {y}.',
    'After {w} and {x} comes {y}.',
    '{w} comes before {x}, and {x} comes before {y}.',
    'Say the {unit}s: {w}, {x}, {y}.',
  ],
  questions: [
    'What comes next: {w}, {x}?',
    'Which {unit} comes next after {w} and {x}?',
    '{w}, {x}: what is the next {unit}?',
  ],
};

const sums = {
  statements: [
    '{a} + {b} = {y}',
    '{a} + {b} = {y}.',
    '{a} + {b} is {y}.',
    '{a}+{b}={y}',
    '{a} plus {b} is {y}.',
    '{a} plus {b} equals {y}.',
    '{a} and {b} make {y}.',
    '{a} and {b} is {y}.',
    'The sum of {a} and {b} is {y}.',
    'The sum {a} + {b} equals {y}.',
    'If you add {a} and {b}, you get {y}.',
    'If you add {b} to {a}, it makes {y}.',
    '{a} added to {b} is {y}.',
    '{y} is the sum of {a} and {b}.',
    'We count {a} and {b} more: that makes {y}.',
    'I have {a} apples and get {b} more. Now I have {y}.',
  ],
  questions: [
    'What is {a} + {b}?',
    'What is {a} plus {b}?',
    'How much is {a} + {b}?',
    'How much is {a} plus {b}?',
    'What is the sum of {a} and {b}?',
    'What do you get if you add {a} and {b}?',
    'Add {a} and {b}.',
    'Add the numbers {a} and {b}.',
    'Tell me the sum of {a} and {b}.',
    'What does {a} plus {b} equal?',
    '{a} + {b}: how much is it?',
    'I have {a} apples and get {b} more. How many do I have now?',
  ],
};

// biome-ignore format: one line per kind
export const training = {
  capitals, colours, opposites, sounds, sums,
  after, before, tomorrow, yesterday, sequences,
};

// Openings of statements and questions. Most are empty, so that most sentences
// stand alone.
export const statementOpenings = [
  ...['', '', '', '', '', '', '', ''],
  ...['I know that ', 'It is true that ', 'As you know, ', 'Of course, '],
  ...['We learned that ', 'Remember: ', 'Everybody knows that '],
];
export const questionOpenings = [
  ...['', '', '', '', '', '', '', ''],
  ...['Please tell me: ', 'Here is a question. ', 'Do you know? ', 'I want to know: '],
  ...['Can you help me? ', 'Can you say it? '],
];

// Formats of a question and its answer.
export const exchanges = [
  'Q: {q}\nA: {y}',
  'Q: {q}\nA: {y}',
  'Q: {q} A: {y}',
  'Question: {q}\nAnswer: {y}',
  'Question: {q}\nAnswer: {y}',
  'Question: {q} Answer: {y}',
  '{q} The answer: {y}.',
  '{q} The answer is {y}.',
  '{q}\nThe answer is {y}.',
];
