// Automaton: a valid Finite Thought Automaton as an immutable value. `read-automaton.ts` validates
// it; `automaton-builder.ts` builds one with typed ids.

import { checkString, wrongRange } from '../common/arguments.js';
import type { Action, AutomatonBoundary, AutomatonJSON, Metric } from './actions.js';
import {
  type AutoCogAutomaton,
  type AutoCogRecord,
  readAutoCog,
  writeAutoCog,
} from './autocog-automata.js';
import { cyclesOf, successorsOf } from './graph.js';
import { toGraphviz } from './graphviz.js';
import { type AutomatonParts, parseAutomaton, readAutomaton } from './read-automaton.js';
import { simplifyActions } from './simplify.js';
import type { VocabularyExpression } from './vocabulary-expression.js';

/**
 * A graph of actions by which a prompt is completed: fixed texts, choices and completions. Immutable;
 * every instance is valid. `AutomatonBuilder` builds one in code.
 *
 * @example
 * const automaton = Automaton.fromJSON({
 *   actions: [
 *     { id: 'question', type: 'text', text: 'The sky is', next: ['colour'] },
 *     { id: 'colour', type: 'choose', choices: [' blue', ' green'] },
 *   ],
 * });
 */
export class Automaton {
  /** The first is the entry. */
  readonly actions: readonly Action[];
  /** Named sets of tokens. Without a prototype, so that any name may be looked up. */
  readonly vocabularies: Readonly<Record<string, VocabularyExpression>>;
  readonly metric: Metric;
  readonly boundary: AutomatonBoundary;
  /**
   * The cycles: sets of actions in which each leads to all of them, by id. A thought may repeat
   * those any number of times, within the limits of `evaluate`.
   */
  readonly cycles: readonly (readonly string[])[];
  readonly #indices: ReadonlyMap<string, number>;
  /** What the file of AutoCog had that it was read from, if it was. */
  readonly #record: AutoCogRecord | undefined;

  private constructor(parts: AutomatonParts, record?: AutoCogRecord) {
    this.#record = record;
    this.actions = parts.actions;
    this.vocabularies = parts.vocabularies;
    this.metric = parts.metric;
    this.boundary = parts.boundary;
    this.#indices = new Map(parts.actions.map(({ id }, index) => [id, index]));
    const cycles = cyclesOf(successorsOf(parts.actions));
    this.cycles = Object.freeze(
      cycles.map((members) => {
        return Object.freeze(members.map((index) => (parts.actions[index] as Action).id));
      }),
    );
    Object.freeze(this);
  }

  /**
   * An automaton from JSON, which is validated and copied.
   *
   * @param json a value as `JSON.parse` returns it, or its text; an Automaton is returned as it is
   * @throws TypeError, RangeError that name the action and the field, such as `Expected an integer
   * of at least 1 for actions[2] 'answer'.width, got 0`, also for unknown fields, actions that cannot
   * be reached, and cycles without a way out; NotSupportedError for a regular expression with
   * look-around or back references
   */
  static fromJSON(json: AutomatonJSON | string): Automaton;
  static fromJSON(json: unknown): Automaton;
  static fromJSON(json: unknown): Automaton {
    if (json instanceof Automaton) return json;
    return new Automaton(readAutomaton(typeof json === 'string' ? parseAutomaton(json) : json));
  }

  /**
   * The automaton of one of AutoCog's files (FTA). `toAutoCog` writes an equal file: what this package
   * does not have, such as provenance, is kept for that. docs/automaton.md lists what differs.
   *
   * @param json a value as `JSON.parse` returns it, or its text
   * @throws as {@link fromJSON} does
   */
  static fromAutoCog(json: AutoCogAutomaton | string): Automaton;
  static fromAutoCog(json: unknown): Automaton;
  static fromAutoCog(json: unknown): Automaton {
    const { parts, record } = readAutoCog(typeof json === 'string' ? parseAutomaton(json) : json);
    return new Automaton(parts, record);
  }

  /** The action at which every thought begins. */
  get entry(): Action {
    return this.actions[0] as Action;
  }

  /** Whether some action may come more than once in a thought. */
  get hasCycle(): boolean {
    return this.cycles.length > 0;
  }

  /** The action with this id. Throws a RangeError if there is none. */
  action(id: string): Action {
    const index = this.#indices.get(checkString(id, 'id'));
    if (index === undefined) throw wrongRange('the id of an action', 'id', id);
    return this.actions[index] as Action;
  }

  /**
   * The same automaton with fewer actions. Chains of unscored texts become one text, which keeps the
   * id of the first; empty texts disappear where the actions before them can lead to those after
   * them. Thoughts have the same texts, in fewer steps. A merged text is also tokenized as one: where
   * its parts would have been tokenized differently, scores after it may change.
   */
  simplify(): Automaton {
    const actions = simplifyActions(this.actions);
    return new Automaton(readAutomaton({ ...this.toJSON(), actions }), this.#record);
  }

  /**
   * The automaton as AutoCog's file (FTA). One that was not read from such a file gets an empty text
   * after each choice and completion that ends, as AutoCog requires.
   *
   * @throws NotSupportedError, RangeError for what AutoCog does not have: terminators, normalizations
   * other than `'tokens'`, the boundary `'healed'`, token ids, several stop texts
   */
  toAutoCog(): AutoCogAutomaton {
    return writeAutoCog(this, this.#record);
  }

  /** The automaton in Graphviz's DOT language. */
  toGraphviz(): string {
    return toGraphviz(this.actions);
  }

  /** As JSON, of which {@link fromJSON} makes an equal automaton. */
  toJSON(): AutomatonJSON {
    const { actions, vocabularies, metric, boundary } = this;
    const isEmpty = Object.keys(vocabularies).length === 0;
    return { actions, ...(isEmpty ? {} : { vocabularies: { ...vocabularies } }), metric, boundary };
  }
}
