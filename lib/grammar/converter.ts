// Converts a JSON Schema to a grammar of the JSON texts that conform to it. Each set of subschemas
// that apply to the same value becomes a rule.

import { invalidArgument } from '../common/errors.js';
import {
  type Expression,
  either,
  eitherOf,
  literal,
  never,
  nothing,
  optional,
  repeat,
  sequence,
} from './expression.js';
import { fitsShape } from './fits.js';
import {
  anyInteger,
  anyNumber,
  integersBetween,
  maxPlaces,
  numbersBetween,
  placesOf,
} from './json-numbers.js';
import { anyString, isKnownFormat, stringExcept, stringOfFormat } from './json-strings.js';
import { oneOfLiterals } from './literal-trie.js';
import { stringOfPattern } from './pattern.js';
import { Rules } from './rules.js';
import {
  type JsonObject,
  notSupported,
  References,
  type Subschema,
  wrongSchema,
  wrongSize,
} from './schema.js';
import type { Shape } from './shape.js';
import { Shapes } from './shapes.js';
import { type TypeName, typeNames } from './values.js';

/** Longer repetitions make grammars larger than the engine accepts. */
const maxCount = 100_000;

/** Converts a schema; yields wherever the conversion may pause. */
export function* convert(schema: JsonObject | boolean): Generator<void, string> {
  const grammar = yield* new Converter(schema).convert();
  if (grammar !== undefined) return grammar;
  throw invalidArgument(
    'Expected a satisfiable schema for jsonSchema, got one that no value satisfies',
  );
}

class Converter {
  readonly #rules: Rules;
  readonly #root: Subschema;
  readonly #references: References;
  readonly #shapes: Shapes;
  readonly #known = new Map<string, Expression>();
  readonly #pending: (() => void)[] = [];

  constructor(schema: JsonObject | boolean) {
    this.#root = { schema, pointer: '' };
    this.#references = new References(schema);
    this.#shapes = new Shapes(this.#references);
    this.#rules = new Rules(this.#references.work);
  }

  *convert(): Generator<void, string | undefined> {
    const root = this.#rules.reserve('root');
    const body = this.#value([this.#root], 'value');
    this.#rules.define(root, body);
    // A work list instead of recursion, so that schemas may be nested to any depth.
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      next();
      yield;
    }
    return yield* this.#rules.serialize();
  }

  /** The rule for a value that conforms to all of these subschemas. */
  #value(given: readonly Subschema[], hint: string): Expression {
    if (given.length === 0) return this.#anyValue();
    const subschemas = given.map((subschema) => this.#references.follow(subschema));
    const key = subschemas
      .map(({ pointer }) => pointer)
      .sort()
      .join(' ');
    this.#references.work.spend(1 + key.length / 16);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    // A grammar may need a rule for any combination of subschemas, of which there are many.
    this.#references.work.spend(50);
    const name = this.#rules.reserve(hint);
    const rule: Expression = { kind: 'rule', name };
    this.#known.set(key, rule);
    this.#pending.push(() => {
      const shapes = this.#shapes.of(subschemas);
      const pointer = (subschemas[0] as Subschema).pointer;
      this.#rules.define(name, eitherOf(shapes.map((shape) => this.#shape(shape, pointer, hint))));
    });
    return rule;
  }

  #shape(shape: Shape, pointer: string, hint: string): Expression {
    const { values } = shape;
    if (values !== undefined) {
      const rest = { ...shape, values: undefined };
      const fitting = values.filter((value) => fitsShape(value, rest, this.#shapes));
      return oneOfLiterals(
        this.#rules,
        `${hint}-of`,
        fitting.map((value) => JSON.stringify(value)),
      );
    }
    const names = typeNames.filter((name) => shape.types.has(name));
    return either(...names.map((name) => this.#type(name, shape, pointer, hint)));
  }

  #type(name: TypeName, shape: Shape, pointer: string, hint: string): Expression {
    switch (name) {
      case 'null':
        return '"null"';
      case 'boolean':
        return '("true" | "false")';
      case 'string':
        return this.#string(shape, pointer);
      case 'integer':
      case 'number':
        return this.#number(shape, name === 'integer' || shape.isIntegral, pointer);
      case 'array':
        return this.#array(shape, pointer, hint);
      case 'object':
        return this.#object(shape, pointer, hint);
    }
  }

  #number({ range }: Shape, isIntegral: boolean, pointer: string): Expression {
    const { min, max } = range;
    for (const bound of [min, max]) {
      if (bound !== undefined && placesOf(bound.value) > maxPlaces) {
        throw notSupported(`bounds with more than ${maxPlaces} decimal places`, pointer);
      }
    }
    if (min === undefined && max === undefined) {
      const name = isIntegral ? 'integer' : 'number';
      return this.#rules.shared(name, () => (isIntegral ? anyInteger : anyNumber));
    }
    return isIntegral ? integersBetween(range) : numbersBetween(range);
  }

  #string({ minLength, maxLength, patterns, formats }: Shape, pointer: string): Expression {
    const known = formats.filter(isKnownFormat);
    const hasLength = minLength > 0 || maxLength < Infinity;
    if (patterns.length + known.length > 1 || (hasLength && patterns.length + known.length > 0)) {
      throw notSupported("a combination of 'pattern', 'format' and lengths", pointer);
    }
    const [pattern] = patterns;
    if (pattern !== undefined) {
      try {
        return stringOfPattern(this.#rules, pattern);
      } catch (cause) {
        if (!(cause instanceof SyntaxError)) throw cause;
        throw wrongSchema(`a regular expression (${cause.message})`, `${pointer}/pattern`, pattern);
      }
    }
    const [format] = known;
    if (format !== undefined) return stringOfFormat(this.#rules, format);
    if (minLength > maxLength) return never;
    this.#checkCounts(pointer, 'Length', minLength, maxLength);
    return anyString(this.#rules, minLength, maxLength);
  }

  #array(shape: Shape, pointer: string, hint: string): Expression {
    const { prefix, minItems, maxItems } = shape;
    // No items after a prefix unless the schema specifies them.
    const isClosed = shape.items === undefined && prefix.length > 0;
    const maxLength = Math.min(maxItems, isClosed ? prefix.length : Infinity);
    if (minItems > maxLength) return never;
    this.#checkCounts(pointer, 'Items', minItems, maxLength);
    const space = this.#space();
    const comma = sequence('","', space);
    const count = Math.min(prefix.length, maxLength);
    const item = (): Expression => this.#value(shape.items ?? [], `${hint}-item`);
    // Built back to front: `rest` is what may follow the item at hand.
    let rest: Expression = nothing;
    if (maxLength > count) {
      const more = sequence(comma, item());
      const [min, max] = [Math.max(minItems - count, 0), maxLength - count];
      rest =
        count > 0
          ? this.#rules.repeat(`${hint}-more`, more, min, max)
          : sequence(
              item(),
              this.#rules.repeat(`${hint}-more`, more, Math.max(min - 1, 0), max - 1),
            );
      if (count === 0 && min === 0) rest = optional(rest);
    }
    for (let index = count - 1; index >= 0; index--) {
      const value = this.#value(prefix[index] as readonly Subschema[], `${hint}-${index}`);
      const item = sequence(...(index > 0 ? [comma] : []), value, rest);
      const rule = this.#rules.add(`${hint}-${index}`, item);
      rest = index >= minItems ? optional(rule) : rule;
    }
    return sequence('"["', space, rest, space, '"]"');
  }

  #object(shape: Shape, pointer: string, hint: string): Expression {
    const { required, minProperties, maxProperties } = shape;
    const space = this.#space();
    const pair = (key: Expression, value: Expression): Expression =>
      sequence(key, '":"', space, value);
    const keys = [...new Set([...shape.properties.keys(), ...required])];
    const isClosed = shape.additional === undefined && keys.length > 0;
    const isFree = !isClosed && maxProperties > 0;
    if (minProperties > required.size && minProperties > 0) {
      throw notSupported("a 'minProperties' above the number of required properties", pointer);
    }
    if (maxProperties < keys.length || (maxProperties < Infinity && isFree && keys.length > 0)) {
      throw notSupported("a 'maxProperties' below the number of properties", pointer);
    }
    const comma = sequence('","', space);
    // `rest` follows a property; `start` is used as long as there is none.
    let rest: Expression = nothing;
    let start: Expression = nothing;
    if (isFree) {
      const key = stringExcept(this.#rules, keys);
      const value = this.#value(shape.additional ?? [], `${hint}-value`);
      const free = this.#rules.add(`${hint}-pair`, pair(key, value));
      const more = sequence(comma, free);
      rest =
        keys.length > 0 ? repeat(more, 0) : this.#moreFree(`${hint}-more`, more, maxProperties);
      start = optional(sequence(free, rest));
    }
    for (const key of keys.reverse()) {
      const subschemas = shape.properties.get(key) ?? shape.additional ?? [];
      const value = this.#value(subschemas, key || hint);
      const own = this.#rules.add(`${key}-pair`, pair(literal(JSON.stringify(key)), value));
      const [after, before] = [rest, start];
      const next = sequence(comma, own);
      const isRequired = required.has(key);
      rest = this.#rules.add(`${hint}-rest`, sequence(isRequired ? next : optional(next), after));
      const first = sequence(own, after);
      start = this.#rules.add(`${hint}-start`, isRequired ? first : either(first, before));
    }
    return sequence('"{"', space, start, space, '"}"');
  }

  #moreFree(hint: string, more: Expression, maxProperties: number): Expression {
    this.#checkCounts('', 'Properties', 0, maxProperties);
    return this.#rules.repeat(hint, more, 0, Math.max(maxProperties - 1, 0));
  }

  #checkCounts(pointer: string, what: string, min: number, max: number): void {
    const count = max === Infinity ? min : max;
    if (count > maxCount) throw wrongSize(`at most ${maxCount}`, `${pointer}/max${what}`, count);
  }

  /** Optional whitespace: a space, or a newline with indentation. */
  #space(): Expression {
    return this.#rules.shared('space', () => '| " " | "\\n"{1,2} [ \\t]{0,20}');
  }

  #anyValue(): Expression {
    return this.#rules.shared('any', (any) => {
      const space = this.#space();
      const comma = sequence('","', space);
      const text = this.#rules.shared('string', () => anyString(this.#rules, 0, Infinity));
      const pair = sequence(stringExcept(this.#rules, []), '":"', space, any);
      const list = (item: Expression): Expression =>
        optional(sequence(item, repeat(sequence(comma, item), 0)));
      return either(
        sequence('"{"', space, list(this.#rules.shared('any-pair', () => pair)), space, '"}"'),
        sequence('"["', space, list(any), space, '"]"'),
        text,
        this.#rules.shared('number', () => anyNumber),
        '"true"',
        '"false"',
        '"null"',
      );
    });
  }
}
