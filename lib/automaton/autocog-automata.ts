// AutoCog's files of automata (FTA): read as this package's automata, and written. Automaton calls it.

import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { describe, wrongRange, wrongType } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import type { Action, Stop } from './actions.js';
import { type ActionRecord, fieldNames, readAutoCogAction } from './autocog-actions.js';
import {
  type AutoCogVocabulary,
  metricOf,
  readAutoCogVocabulary,
  writeAutoCogVocabulary,
} from './autocog-vocabularies.js';
import { readObject } from './json-objects.js';
import { nameOf } from './names.js';
import { type AutomatonParts, readAutomaton } from './read-automaton.js';
import { resolveAction } from './resolve-action.js';
import type { VocabularyExpression } from './vocabulary-expression.js';

/** An action of an AutoCog file; which fields it has depends on its type. */
export interface AutoCogAction {
  uid: string;
  type: 'text' | 'choose' | 'complete';
  successors?: readonly string[];
  [field: string]: unknown;
}

/** An AutoCog file of an automaton (FTA). */
export interface AutoCogAutomaton {
  /** The first is the entry. */
  actions: readonly AutoCogAction[];
  vocabs?: Readonly<Record<string, AutoCogVocabulary>>;
  [field: string]: unknown;
}

/** What of a file has no counterpart in an automaton. */
export interface AutoCogRecord {
  others: Readonly<Record<string, unknown>>;
  /** All fields of the file, in its order. */
  keys: readonly string[];
  hasVocabularies: boolean;
  actions: ReadonlyMap<string, ActionRecord>;
}

/** The automaton of a file, and what is needed to write an equal file. */
export function readAutoCog(value: unknown): { parts: AutomatonParts; record: AutoCogRecord } {
  const file = copyOf(readObject(value, 'the automaton'));
  const { actions, vocabs, ...others } = file;
  if (!Array.isArray(actions)) throw wrongType('an array', 'actions', actions);
  const vocabularies = Object.create(null) as Record<string, VocabularyExpression>;
  if (vocabs !== undefined) {
    for (const [name, expression] of Object.entries(readObject(vocabs, 'vocabs'))) {
      vocabularies[name] = readAutoCogVocabulary(expression, `vocabs.${name}`);
    }
  }
  const read = actions.map((action: unknown, index) => {
    return readAutoCogAction(action, index, vocabularies);
  });
  const queue = typeof others.queue === 'object' && others.queue !== null ? others.queue : {};
  const { metric = others.queue_metric } = queue as { metric?: unknown };
  const parts = readAutomaton({
    actions: read.map(({ action }) => action),
    vocabularies,
    metric: metricOf(metric),
  });
  const records = parts.actions.map(({ id }, index) => {
    return [id, (read[index] as { record: ActionRecord }).record] as const;
  });
  const record = {
    others,
    keys: Object.keys(file),
    hasVocabularies: vocabs !== undefined,
    actions: new Map(records),
  };
  return { parts, record };
}

/** A deep copy; throws a TypeError for what is not data, such as a function. */
function copyOf<T extends object>(value: T): T {
  try {
    return structuredClone(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : describe(error);
    throw wrongType(`data (${reason})`, 'the automaton', value);
  }
}

/** Writes a file. Throws NotSupportedError, RangeError for what AutoCog does not have. */
export function writeAutoCog(
  parts: AutomatonParts,
  record: AutoCogRecord | undefined,
): AutoCogAutomaton {
  if (parts.boundary !== 'separate') throw unsupported(`boundary '${parts.boundary}'`);
  return new Writer(parts, record).write();
}

const unsupported = (what: string): NotSupportedError =>
  new NotSupportedError(`AutoCog's automata have no ${what}`);

/** The same fields, those of a file in its order. */
function inOrder<T extends object>(fields: T, keys: readonly string[] = []): T {
  const known = keys.filter((key) => Object.hasOwn(fields, key));
  const order = [...new Set([...known, ...Object.keys(fields)])];
  return Object.fromEntries(order.map((key) => [key, fields[key as keyof T]])) as T;
}

class Writer {
  readonly #parts: AutomatonParts;
  readonly #record: AutoCogRecord | undefined;
  readonly #vocabs = new Map<string, AutoCogVocabulary>();

  constructor(parts: AutomatonParts, record: AutoCogRecord | undefined) {
    this.#parts = parts;
    this.#record = record;
  }

  write(): AutoCogAutomaton {
    const { actions, vocabularies, metric } = this.#parts;
    for (const [name, expression] of Object.entries(vocabularies)) {
      const field = `vocabularies.${name}`;
      this.#vocabs.set(name, writeAutoCogVocabulary(expression, vocabularies, field));
    }
    const written = actions.flatMap((action, index) => {
      return this.#action(action, nameOf(index, action.id));
    });
    const others = structuredClone(this.#record?.others);
    const hasVocabs = this.#record?.hasVocabularies || this.#vocabs.size > 0;
    const file = {
      ...(others ?? (metric === 'mean' ? {} : { queue: { metric: [metric] } })),
      actions: written,
      ...(hasVocabs ? { vocabs: Object.fromEntries(this.#vocabs) } : {}),
    };
    return inOrder<AutoCogAutomaton>(file, this.#record?.keys);
  }

  /** The action, followed by an end where AutoCog needs one. */
  #action(action: Action, name: string): AutoCogAction[] {
    const { id: uid, type, next = [] } = action;
    const record = this.#record?.actions.get(uid);
    const isAbsent = (field: string): boolean => record?.absent.includes(field) ?? false;
    const resolved = resolveAction(action, this.#parts.metric);
    this.#check(resolved, name);
    const written: Record<string, unknown> = {};
    for (const [theirs, ours] of Object.entries(fieldNames[type])) {
      const own = (action as unknown as Record<string, unknown>)[ours];
      const value = own ?? (resolved as unknown as Record<string, unknown>)[ours];
      const isOptional = /^(vocab|repetition|diversity)$/.test(theirs);
      if (own === undefined && (record === undefined ? isOptional : isAbsent(theirs))) continue;
      written[theirs] =
        theirs === 'vocab'
          ? this.#nameOf(value as VocabularyExpression, `${name}.vocabulary`)
          : structuredClone(value);
    }
    if (resolved.type === 'complete') {
      const isUnchanged = isDeepStrictEqual(record?.stops, resolved.stop);
      Object.assign(
        written,
        isUnchanged ? record?.stopFields : this.#stop(resolved.stop, `${name}.stop`),
      );
    }
    let successors = [...next];
    const ends: AutoCogAction[] = [];
    if (record === undefined && type !== 'text' && successors.length === 0) {
      successors = [`${uid}.end`];
      const end = { uid: `${uid}.end`, type: 'text', text: '', evaluate: false } as const;
      ends.push({ ...end, successors: [] });
    }
    if (action.type === 'choose' && record === undefined && successors.length === 1) {
      successors = action.choices.map(() => successors[0] as string);
    }
    const isNamed = successors.length > 0 || !isAbsent('successors');
    const fields = { ...structuredClone(record?.others), ...written };
    const file = { uid, type, ...fields, ...(isNamed ? { successors } : {}) };
    return [inOrder<AutoCogAction>(file, record?.keys), ...ends];
  }

  #check(action: ReturnType<typeof resolveAction>, name: string): void {
    if (action.type === 'text') return;
    if (action.normalize !== 'tokens') {
      throw unsupported(`normalization '${action.normalize}', of ${name}`);
    }
    if (action.type === 'choose' && action.terminator.kind !== 'none') {
      throw unsupported(`terminator, of ${name}`);
    }
  }

  /** The name of an expression, which is added if it has none. */
  #nameOf(expression: VocabularyExpression, field: string): string {
    if (typeof expression === 'string') return expression;
    const written = writeAutoCogVocabulary(expression, this.#parts.vocabularies, field);
    return this.#add(written);
  }

  #add(vocabulary: AutoCogVocabulary): string {
    const hash = createHash('sha256').update(JSON.stringify(vocabulary)).digest('hex');
    const name = `vocab_${hash.slice(0, 16)}`;
    this.#vocabs.set(name, vocabulary);
    return name;
  }

  /** AutoCog has one text, in which it parses control tokens, and one set of tokens. */
  #stop(stops: readonly Stop[], field: string): { stop_text?: string; stop?: string } {
    const texts = stops.filter((stop) => typeof stop === 'string');
    const controls = stops.flatMap((stop) =>
      typeof stop === 'object' && 'control' in stop ? [stop.control] : [],
    );
    const sets = stops.flatMap((stop) =>
      typeof stop === 'object' && 'tokens' in stop ? [stop.tokens] : [],
    );
    if (texts.length > 1) {
      throw wrongRange('at most one text, which is all that AutoCog has,', field, stops);
    }
    if (sets.length === 0 && texts.length + controls.length <= 1) {
      return { stop_text: texts[0] ?? controls[0] ?? '' };
    }
    const operands = sets.map((set) => {
      return writeAutoCogVocabulary(set, this.#parts.vocabularies, field);
    });
    if (controls.length > 0) operands.push({ kind: 'tokenize', strings: controls });
    const [only] = sets;
    const stop =
      typeof only === 'string' && operands.length === 1
        ? only
        : this.#add(
            operands.reduce((a, b): AutoCogVocabulary => ({ kind: 'union', operands: [a, b] })),
          );
    return { stop_text: texts[0] ?? '', stop };
  }
}
