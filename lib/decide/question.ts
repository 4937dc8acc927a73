// The questions of `decide`, and the types of their answers' names. `lib/decide/read-questions.ts`
// validates them.

/** What the model reads: a text, or a JSON object or array, which it reads as JSON text. */
export type DecisionText = string | object;

/** The description of an option or a case; null or undefined: none. */
export type Description = DecisionText | null | undefined;

/**
 * The options of a choice, in one of four forms: an object or a Map of descriptions by name, pairs of
 * a name and a description, or names alone. An object lists names that look like integers first; a
 * Map and arrays keep any order.
 */
export type ChoiceCriteria =
  | Readonly<Record<string, Description>>
  | ReadonlyMap<string, Description>
  | readonly (readonly [name: string, description: Description])[]
  | readonly string[];

/** Which option is right? */
export interface ChoiceQuestion {
  readonly type: 'choice';
  /** What is asked. Default: nothing but the options. */
  readonly instructions?: Description;
  /** At least one option; no name twice. */
  readonly criteria: ChoiceCriteria;
}

/** Which level is it? */
export interface ScoreQuestion {
  readonly type: 'score';
  /** What is asked. Default: nothing but the levels. */
  readonly instructions?: Description;
  /** The levels, lowest first, at least one; none twice. */
  readonly criteria: readonly DecisionText[];
}

/** Yes or no? `'noul'` and `'predicate'` are other APIs' names of the type. */
export interface BooleanQuestion {
  readonly type: 'boolean' | 'noul' | 'predicate';
  /** What is asked, or the claim that is judged. Required unless a criterion is given. */
  readonly instructions?: Description;
  /** When the answer is yes, and when it is no. */
  readonly criteria?:
    | { readonly true?: Description; readonly false?: Description }
    | null
    | undefined;
}

/** One question about a state. */
export type DecisionQuestion = ChoiceQuestion | ScoreQuestion | BooleanQuestion;

/** Questions by name: an object, a Map, or pairs of a name and a question. Names are not shown to the model. */
export type DecisionQuestions =
  | Readonly<Record<string, DecisionQuestion>>
  | ReadonlyMap<string, DecisionQuestion>
  | readonly (readonly [name: string, question: DecisionQuestion])[];

/** The names of a choice's options. */
export type OptionName<Criteria> =
  Criteria extends ReadonlyMap<infer Name, unknown>
    ? Name & string
    : Criteria extends readonly (infer Item)[]
      ? Item extends readonly [infer Name, unknown]
        ? Name & string
        : Item & string
      : Criteria extends object
        ? `${keyof Criteria & (string | number)}`
        : string;

/** The types of questions, by which answers are told apart. */
export const questionTypes = ['choice', 'score', 'boolean'] as const;

/** The type of a question and its answer. */
export type QuestionType = (typeof questionTypes)[number];

/** One option, level or case of a validated question. */
export interface CheckedOption {
  /** The option's name; a level's text; `Yes` or `No`. What is scored by method `'text'`. */
  readonly name: string;
  /** Its description as text, if any. */
  readonly description: string | undefined;
}

/** A validated question. */
export interface CheckedQuestion {
  readonly name: string;
  readonly type: QuestionType;
  /** As text; `''` if there are none. */
  readonly instructions: string;
  /** In the caller's order; of a boolean: yes, no. */
  readonly options: readonly CheckedOption[];
}
