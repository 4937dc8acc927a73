// The actions of an automaton, as data. `read-automaton.ts` validates them, `automaton.ts` holds them.

import type { Normalization } from '../choose/choose-options.js';
import type { VocabularyExpression } from './vocabulary-expression.js';

/** What every action has. */
interface ActionBase {
  /** Unique, non-empty. Errors, results and drawings name the action by it. */
  id: string;
  /**
   * The ids of the actions that follow. None (default): the thought is finished. Several: a text or
   * completion continues with each of them; after `choose`, either one for all choices, or as many
   * as there are choices, where choice n continues with action n.
   */
  next?: readonly string[] | undefined;
}

/** A fixed text. */
export interface TextAction extends ActionBase {
  type: 'text';
  text: string;
  /**
   * Whether to score its tokens. Default false: the text counts as certain, and adds nothing to the
   * length of a thought.
   */
  evaluate?: boolean | undefined;
}

/** A choice among texts, each scored exactly, as `choose` does. */
export interface ChooseAction extends ActionBase {
  type: 'choose';
  /** Non-empty. */
  choices: readonly string[];
  /** How many of the best choices the thought continues with. Default: all. */
  width?: number | undefined;
  /**
   * Drops choices whose exp(score) is lower, but never the best. From 0 to 1. Default 0. With
   * normalization `'tokens'`, exp(score) is the geometric mean of the tokens' probabilities.
   */
  threshold?: number | undefined;
  /** As in `choose`. Default: that of the metric; `'tokens'` for `'mean'`. */
  normalize?: Normalization | undefined;
  /** As in `choose`. Default `'none'`. */
  terminator?: string | undefined;
}

/** A generated text: a beam search over the allowed tokens until a stop. */
export interface CompleteAction extends ActionBase {
  type: 'complete';
  /** Maximum number of tokens, at least 1. */
  maxTokens: number;
  /** How many partial texts are kept at each step, 1 to 64. Default 1: greedy decoding. */
  beams?: number | undefined;
  /**
   * How many tokens each candidate is continued with greedily before candidates are ranked, 0 to
   * 64. Default 0.
   */
  ahead?: number | undefined;
  /** How many of the best texts the thought continues with. Default: all beams. */
  width?: number | undefined;
  /** Drops texts whose exp(score) is lower, but never the best. From 0 to 1. Default 0. */
  threshold?: number | undefined;
  /** What the log-probability is divided by to rank texts. Default: that of the metric. */
  normalize?: Normalization | undefined;
  /** What ends a text, and is not part of it. End-of-generation tokens always do. Default: nothing else. */
  stop?: Stop | readonly Stop[] | undefined;
  /** The tokens that a text may have: an expression, or a name in `vocabularies`. Default: any token. */
  vocabulary?: VocabularyExpression | undefined;
  /**
   * Penalty of repetitions, at least 0. Each token that completes three tokens which occurred before
   * in the text multiplies the text's rank value exp(score) by 1 / (1 + repetition). Default 0.
   */
  repetition?: number | undefined;
  /**
   * Bonus of diversity, at least 0. Beams are picked one by one; a candidate's rank value exp(score)
   * is increased by `diversity` times its mean Jaccard distance (of token sets) to those already
   * picked. Default 0.
   */
  diversity?: number | undefined;
}

/** A text; a set of tokens; or the control token of this text, such as `<|eot_id|>`, in models that have it. */
export type Stop = string | { tokens: VocabularyExpression } | { control: string };

/** One step of an automaton. */
export type Action = TextAction | ChooseAction | CompleteAction;

/** How thoughts are compared: by log-probability per scored token, in total, or per byte of scored text. */
export type Metric = 'mean' | 'sum' | 'bytes';

/**
 * How an action's tokens follow those before it. `'separate'`: they are tokenized alone, as a text
 * that continues another. `'healed'`: together with the text of the last token before them, which
 * they replace.
 */
export type AutomatonBoundary = 'separate' | 'healed';

/** An automaton as JSON. */
export interface AutomatonJSON {
  /** The first is the entry. */
  actions: readonly Action[];
  /** Named sets of tokens. */
  vocabularies?: Readonly<Record<string, VocabularyExpression>> | undefined;
  /** Default `'mean'`. */
  metric?: Metric | undefined;
  /** Default `'separate'`. */
  boundary?: AutomatonBoundary | undefined;
}
