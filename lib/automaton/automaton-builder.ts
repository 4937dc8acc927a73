// AutomatonBuilder: builds an Automaton in code, action by action, with ids that the compiler checks.

import { checkOptions, checkString, wrongType } from '../common/arguments.js';
import type {
  Action,
  AutomatonBoundary,
  ChooseAction,
  CompleteAction,
  Metric,
  TextAction,
} from './actions.js';
import { Automaton } from './automaton.js';
import { readObject } from './json-objects.js';
import type { VocabularyExpression } from './vocabulary-expression.js';

/** Fields of an action that its builder method does not take as arguments. */
type Rest<A extends Action, Given extends keyof A, Next extends string> = Omit<
  A,
  'id' | 'type' | 'next' | Given
> & {
  /**
   * The ids of the actions that follow, which may be defined later; `[]` ends the thought. Default:
   * the action that is defined next, if there is one.
   */
  next?: Next | readonly Next[] | undefined;
};

/** Options of a text. */
export type TextOptions<Next extends string = string> = Rest<TextAction, 'text', Next>;
/** Options of a choice. */
export type ChooseActionOptions<Next extends string = string> = Rest<ChooseAction, 'choices', Next>;
/** Options of a completion; `maxTokens` is required. */
export type CompleteActionOptions<Next extends string = string> = Rest<CompleteAction, never, Next>;

/** An id that is not taken; not checked where the compiler only knows that ids are strings. */
type NewId<Id extends string, Defined extends string> = string extends Defined
  ? Id
  : Id extends Defined
    ? never
    : Id;

/** The builder itself if every successor is defined, otherwise a type that names those missing. */
type Complete<Builder, Defined extends string, Used extends string> = string extends Used
  ? Builder
  : [Exclude<Used, Defined>] extends [never]
    ? Builder
    : { undefinedSuccessors: Exclude<Used, Defined> };

/**
 * Builds an {@link Automaton}. The first action is the entry, and each leads to the one defined after
 * it unless it has `next`. Methods return the same builder, with the new id in its type, so that the
 * compiler refuses ids that are defined twice and successors that are not defined. `build` checks
 * both at run time, too.
 *
 * @example
 * const automaton = new AutomatonBuilder()
 *   .text('review', 'Review: Great phone!\nThe sentiment is')
 *   .choose('sentiment', [' positive', ' negative'])
 *   .text('because', ', because')
 *   .complete('reason', { maxTokens: 20, stop: ['.', '\n'] })
 *   .build();
 */
export class AutomatonBuilder<Defined extends string = never, Used extends string = never> {
  readonly #actions: { action: object; id: string; next: unknown }[] = [];
  readonly #vocabularies = new Map<string, VocabularyExpression>();
  readonly #options: { metric?: Metric | undefined; boundary?: AutomatonBoundary | undefined };

  /** @throws TypeError for unknown options */
  constructor(options?: {
    /** How thoughts are compared. Default `'mean'`. */
    metric?: Metric | undefined;
    /** How an action's tokens follow those before it. Default `'separate'`. */
    boundary?: AutomatonBoundary | undefined;
  }) {
    this.#options = { ...checkOptions(options, 'options', ['metric', 'boundary']) };
  }

  /** A fixed text. */
  text<Id extends string, Next extends string = never>(
    id: NewId<Id, Defined> & Id,
    text: string,
    options?: TextOptions<Next>,
  ): AutomatonBuilder<Defined | Id, Used | Next> {
    return this.#add(id, { type: 'text', text }, options);
  }

  /** A choice among texts. */
  choose<Id extends string, Next extends string = never>(
    id: NewId<Id, Defined> & Id,
    choices: readonly string[],
    options?: ChooseActionOptions<Next>,
  ): AutomatonBuilder<Defined | Id, Used | Next> {
    return this.#add(id, { type: 'choose', choices }, options);
  }

  /** A generated text. */
  complete<Id extends string, Next extends string = never>(
    id: NewId<Id, Defined> & Id,
    options: CompleteActionOptions<Next>,
  ): AutomatonBuilder<Defined | Id, Used | Next> {
    return this.#add(id, { type: 'complete' }, options);
  }

  /** A named set of tokens, which replaces an earlier one of the same name. */
  vocabulary(name: string, expression: VocabularyExpression): this {
    this.#vocabularies.set(checkString(name, 'name'), expression);
    return this;
  }

  /**
   * The automaton. The builder may be continued and built again.
   *
   * @throws TypeError, RangeError as {@link Automaton.fromJSON} does
   */
  build(this: Complete<AutomatonBuilder<Defined, Used>, Defined, Used>): Automaton {
    return (this as AutomatonBuilder<Defined, Used>).#build();
  }

  #build(): Automaton {
    const actions = this.#actions.map(({ action, id, next }, index) => {
      const following = this.#actions[index + 1];
      const ids = typeof next === 'string' ? [next] : next;
      return { ...action, id, next: ids === undefined ? following && [following.id] : ids };
    });
    const vocabularies = Object.fromEntries(this.#vocabularies);
    return Automaton.fromJSON({ ...this.#options, actions, vocabularies });
  }

  #add<Result>(id: string, fixed: object, options: object | undefined): Result {
    const { next, ...rest } = options === undefined ? {} : readObject(options, 'options');
    const given = Object.keys(rest).find((key) => key === 'id' || key in fixed);
    if (given !== undefined) {
      throw wrongType(`no ${given}, which is an argument,`, 'the keys of options', given);
    }
    this.#actions.push({ action: { ...rest, ...fixed }, id, next });
    return this as unknown as Result;
  }
}
