// Types of questions.mjs, for the package's tests.

/** A prompt with its choices; `answer` is the index of the right one. */
export interface HeldOutQuestion {
  category: string;
  prompt: string;
  choices: string[];
  answer: number;
}

/** Questions in wordings that are in no training document, all categories in turn. */
export function heldOutQuestions(seed?: number, count?: number): HeldOutQuestion[];
