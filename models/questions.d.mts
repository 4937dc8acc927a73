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

/** A question as `decide` takes it; `answer` is the name of the right option, or `Yes` or `No`. */
export interface HeldOutDecision {
  category: string;
  /** A review, or empty. */
  state: string;
  question:
    | { type: 'choice'; instructions: string; criteria: string[] }
    | { type: 'boolean'; instructions: string };
  answer: string;
}

/** Questions in held-out wordings, cycling through all categories. */
export function heldOutDecisions(seed?: number, count?: number): HeldOutDecision[];
