// Types of questions.mjs, for the package's tests.

/** A prompt with its choices; `answer` is the index of the correct one. */
export interface HeldOutQuestion {
  category: string;
  prompt: string;
  choices: string[];
  answer: number;
}

/** Questions in held-out wordings, cycling through all categories. */
export function heldOutQuestions(seed?: number, count?: number): HeldOutQuestion[];
