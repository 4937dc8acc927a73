// Normalizes all schemas that apply to one value to a disjunction of shapes. `allOf`, references
// and sibling keywords are merged, `anyOf` and `oneOf` multiplied out. The schemas of properties
// and items stay lists of subschemas that all apply.
//
// What a schema expands to is computed once, wherever it is referred to, so that the time does not
// grow with the number of ways that lead to it.

import { NotSupportedError } from '../common/errors.js';
import { areDisjoint } from './disjoint.js';
import { optionalAt, ownShape } from './own-shape.js';
import {
  checkKeywords,
  type JsonObject,
  notSupported,
  type References,
  type Subschema,
  schemasAt,
  wrongSchema,
  wrongSize,
} from './schema.js';
import { anything, isPossible, merge, type Shape } from './shape.js';
import { hasType } from './values.js';

const maxShapes = 1000;
const maxChain = 200;

/** Keywords that combine schemas or annotate them: without others, a schema constrains nothing. */
const combining = new Set([
  ...['$ref', 'allOf', 'anyOf', 'oneOf', 'nullable', 'unevaluatedProperties', 'unevaluatedItems'],
  ...['$schema', '$id', '$comment', '$anchor', '$defs', 'definitions', 'title', 'description'],
]);

/** Computes shapes, each once. */
export class Shapes {
  readonly references: References;
  readonly #expanded = new Map<string, readonly Shape[]>();
  readonly #merged = new Map<string, readonly Shape[]>();

  constructor(references: References) {
    this.references = references;
  }

  /** The shapes of the values that conform to all of these subschemas. */
  of(subschemas: readonly Subschema[]): readonly Shape[] {
    const [first] = subschemas;
    if (first === undefined) return [anything];
    if (subschemas.length === 1) return this.#expand(first, []).filter(isPossible);
    const key = subschemas.map(({ pointer }) => pointer).join(' ');
    const known = this.#merged.get(key);
    if (known !== undefined) return known;
    const all = subschemas.map((subschema) => this.#expand(subschema, []));
    const shapes = this.#multiply(all, first.pointer);
    this.#merged.set(key, shapes);
    return shapes;
  }

  #expand(subschema: Subschema, chain: readonly string[]): readonly Shape[] {
    const { schema, pointer } = subschema;
    if (typeof schema === 'boolean') return schema ? [anything] : [];
    const known = this.#expanded.get(pointer);
    if (known !== undefined) return known;
    if (chain.includes(pointer))
      throw wrongSchema('a reference that is not circular', pointer, chain[0]);
    if (chain.length > maxChain)
      throw wrongSize(`at most ${maxChain} references in a row`, '', chain.length);
    checkKeywords(subschema);
    const shapes = this.#expandNew(schema, pointer, [...chain, pointer]);
    this.#expanded.set(pointer, shapes);
    return shapes;
  }

  #expandNew(schema: JsonObject, pointer: string, chain: readonly string[]): readonly Shape[] {
    const { work } = this.references;
    work.spend(10 + Object.keys(schema.properties ?? {}).length);
    const all = (each: Subschema): readonly Shape[] => this.#expand(each, chain);
    const isOwn = Object.keys(schema).some((key) => !combining.has(key));
    const own = isOwn ? ownShape(schema, pointer) : anything;
    work.spend(own.values?.length ?? 0);
    const isNullable = schema.nullable === true;
    const alternatives: (readonly Shape[])[] = [
      isNullable ? [own, { ...anything, types: new Set(['null'] as const) }] : [own],
    ];
    if (schema.$ref !== undefined) {
      alternatives.push(all(this.references.resolve(schema.$ref, pointer)));
    }
    if (schema.allOf !== undefined) {
      for (const each of schemasAt(schema.allOf, `${pointer}/allOf`)) alternatives.push(all(each));
    }
    if (schema.anyOf !== undefined) {
      alternatives.push(schemasAt(schema.anyOf, `${pointer}/anyOf`).flatMap(all));
    }
    if (schema.oneOf !== undefined) {
      const exclusive = schemasAt(schema.oneOf, `${pointer}/oneOf`).map(all);
      this.#checkDisjoint(exclusive, `${pointer}/oneOf`);
      alternatives.push(exclusive.flat());
    }
    const shapes = this.#multiply(alternatives, pointer);
    return shapes.map((shape) => withUnevaluated(shape, schema, pointer));
  }

  /** The conjunctions of one shape of each list. */
  #multiply(lists: readonly (readonly Shape[])[], pointer: string): readonly Shape[] {
    const distinct = lists.map((list) => [...new Set(list)]);
    const single = distinct.flatMap((list) => (list.length === 1 ? list : []));
    let shapes = [this.#merge(single)].filter(isPossible);
    for (const list of distinct) {
      if (list.length === 1) continue;
      if (shapes.length * list.length > maxShapes) {
        throw new NotSupportedError(
          `Cannot convert more than ${maxShapes} combinations of alternatives to a grammar, at jsonSchema${pointer}`,
        );
      }
      const merged = shapes.flatMap((first) => list.map((second) => this.#merge([first, second])));
      shapes = [...new Set(merged)].filter(isPossible);
    }
    return shapes;
  }

  #merge(shapes: readonly Shape[]): Shape {
    for (const { properties, values, prefix } of shapes) {
      this.references.work.spend(1 + properties.size + prefix.length + (values?.length ?? 0));
    }
    return merge(shapes);
  }

  /** Throws unless the alternatives of a `oneOf` are provably disjoint. */
  #checkDisjoint(alternatives: readonly (readonly Shape[])[], pointer: string): void {
    const shapesAt = (shape: Shape, key: string): readonly Shape[] | undefined => {
      const subschemas = shape.properties.get(key) ?? shape.additional;
      return subschemas && this.of(subschemas);
    };
    const isImpossible = (shape: Shape, key: string): boolean =>
      shapesAt(shape, key)?.every(
        ({ types, values }) => values !== undefined && !values.some((each) => hasType(each, types)),
      ) ?? false;
    const { work } = this.references;
    if (areDisjoint(alternatives, shapesAt, isImpossible, work)) return;
    throw notSupported(
      "a 'oneOf' with schemas that one value may satisfy together ('anyOf' allows that)",
      pointer,
    );
  }
}

/** Applies the `unevaluated…` keywords to what no other keyword covers. */
function withUnevaluated(shape: Shape, schema: JsonObject, pointer: string): Shape {
  const { unevaluatedProperties, unevaluatedItems } = schema;
  const additional = optionalAt(unevaluatedProperties, `${pointer}/unevaluatedProperties`);
  const items = optionalAt(unevaluatedItems, `${pointer}/unevaluatedItems`);
  if (additional === undefined && items === undefined) return shape;
  return { ...shape, additional: shape.additional ?? additional, items: shape.items ?? items };
}
