// From a JSON Schema to a grammar of the JSON texts that fit it: a rule for each list of schemas
// that hold together somewhere.

import { invalidArgument } from '../common/errors.js';
import {
  type Expression,
  either,
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
  mostPlaces,
  numbersBetween,
  placesOf,
} from './numbers.js';
import { stringOfPattern } from './pattern.js';
import { Rules } from './rules.js';
import {
  type JsonObject,
  notSupported,
  type Place,
  References,
  wrongSchema,
  wrongSize,
} from './schema.js';
import { type Shape, shapesOf, type TypeName, typeNames } from './shapes.js';
import { anyString, isKnownFormat, stringExcept, stringOfFormat } from './strings.js';
import { oneText } from './texts.js';

/** Longer repetitions make grammars larger than the engine takes. */
const mostCount = 100_000;

export function convert(schema: JsonObject | boolean): string {
  const grammar = new Converter(schema).convert();
  if (grammar !== undefined) return grammar;
  throw invalidArgument(
    'Expected a schema that some value fits for jsonSchema, got one that none does',
  );
}

class Converter {
  readonly #rules = new Rules();
  readonly #root: Place;
  readonly #references: References;
  readonly #known = new Map<string, Expression>();
  readonly #open: (() => void)[] = [];

  constructor(schema: JsonObject | boolean) {
    this.#root = { schema, pointer: '' };
    this.#references = new References(schema);
  }

  convert(): string | undefined {
    const root = this.#rules.reserve('root');
    const body = this.#value([this.#root], 'value');
    this.#rules.define(root, body);
    // One after the other, so that schemas may be as deep as they like.
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) next();
    return this.#rules.write();
  }

  /** The rule for a value that fits all of some schemas. */
  #value(given: readonly Place[], hint: string): Expression {
    if (given.length === 0) return this.#anyValue();
    const places = given.map((place) => this.#references.follow(place));
    const key = places
      .map(({ pointer }) => pointer)
      .sort()
      .join(' ');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = this.#rules.reserve(hint);
    const rule: Expression = { kind: 'rule', name };
    this.#known.set(key, rule);
    this.#open.push(() => {
      const shapes = shapesOf(places, this.#references);
      const pointer = (places[0] as Place).pointer;
      this.#rules.define(name, either(...shapes.map((shape) => this.#shape(shape, pointer, hint))));
    });
    return rule;
  }

  #shape(shape: Shape, pointer: string, hint: string): Expression {
    const { values } = shape;
    if (values !== undefined) {
      const rest = { ...shape, values: undefined };
      const fitting = values.filter((value) => fitsShape(value, rest, this.#references));
      return oneText(
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
      if (bound !== undefined && placesOf(bound.value) > mostPlaces) {
        throw notSupported(`bounds of more than ${mostPlaces} places`, pointer);
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
      throw notSupported("more than one of 'pattern', 'format' and lengths", pointer);
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
    // Behind a prefix, and nothing said of it: no more.
    const isClosed = shape.items === undefined && prefix.length > 0;
    const most = Math.min(maxItems, isClosed ? prefix.length : Infinity);
    if (minItems > most) return never;
    this.#checkCounts(pointer, 'Items', minItems, most);
    const space = this.#space();
    const comma = sequence('","', space);
    const count = Math.min(prefix.length, most);
    const item = (): Expression => this.#value(shape.items ?? [], `${hint}-item`);
    // From the last to the first: what may follow when so many have been written.
    let rest: Expression = nothing;
    if (most > count) {
      const more = sequence(comma, item());
      const [min, max] = [Math.max(minItems - count, 0), most - count];
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
      const value = this.#value(prefix[index] as readonly Place[], `${hint}-${index}`);
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
      throw notSupported("'minProperties' of more than are required", pointer);
    }
    if (maxProperties < keys.length || (maxProperties < Infinity && isFree && keys.length > 0)) {
      throw notSupported("'maxProperties' of less than there are", pointer);
    }
    const comma = sequence('","', space);
    // `rest` follows a property, `start` stands where none has been written yet.
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
      const places = shape.properties.get(key) ?? shape.additional ?? [];
      const value = this.#value(places, key || hint);
      const own = this.#rules.add(`${key}-pair`, pair(literal(JSON.stringify(key)), value));
      const [after, before] = [rest, start];
      const behind = sequence(comma, own);
      const isNeeded = required.has(key);
      rest = this.#rules.add(`${hint}-rest`, sequence(isNeeded ? behind : optional(behind), after));
      const first = sequence(own, after);
      start = this.#rules.add(`${hint}-start`, isNeeded ? first : either(first, before));
    }
    return sequence('"{"', space, start, space, '"}"');
  }

  #moreFree(hint: string, more: Expression, maxProperties: number): Expression {
    this.#checkCounts('', 'Properties', 0, maxProperties);
    return this.#rules.repeat(hint, more, 0, Math.max(maxProperties - 1, 0));
  }

  #checkCounts(pointer: string, what: string, min: number, max: number): void {
    const most = max === Infinity ? min : max;
    if (most > mostCount) throw wrongSize(`at most ${mostCount}`, `${pointer}/max${what}`, most);
  }

  /** A space or a line end with some indentation, or nothing. */
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
