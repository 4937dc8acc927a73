// Whether the alternatives of a `oneOf` are provably disjoint, without which a grammar cannot
// enforce that exactly one holds. `shapes.ts` asks.
//
// Most lists of alternatives have a property that tells them apart, or are constants: then one look
// at each alternative is enough. Others are compared pair by pair.

import { isDisjoint, type Shape } from './shape.js';
import { canonical, hasType, type TypeName } from './values.js';
import type { Work } from './work.js';

/** The shapes of the values that a property may have; see `shapesOf`. */
export type PropertyShapes = (shape: Shape, key: string) => readonly Shape[] | undefined;

/** Values that identify a shape: the shape's own, or those of a required property. */
type Tags = ReadonlyMap<string, ReadonlySet<string>>;

/** The tags of the shape's own values, which no property is named. */
const itself = '';

/** Whether no value satisfies two of the alternatives, each of which is a list of shapes. */
export function areDisjoint(
  alternatives: readonly (readonly Shape[])[],
  propertyShapes: PropertyShapes,
  isImpossible: (shape: Shape, key: string) => boolean,
  work: Work,
): boolean {
  const tags = new Map<Shape, Tags>();
  for (const shape of alternatives.flat()) tags.set(shape, tagsOf(shape, propertyShapes, work));
  if (hasDiscriminator(alternatives, tags)) return true;
  const pairIsDisjoint = (a: Shape, b: Shape): boolean => {
    work.spend(1);
    if (haveNoCommonType(a, b)) return true;
    if (haveDisjointTags(tags.get(a) as Tags, tags.get(b) as Tags)) return true;
    work.spend(10 + a.properties.size + b.properties.size);
    return isDisjoint(a, b, isImpossible);
  };
  return alternatives.every((first, index) =>
    alternatives
      .slice(index + 1)
      .every((second) => first.every((a) => second.every((b) => pairIsDisjoint(a, b)))),
  );
}

function tagsOf(shape: Shape, propertyShapes: PropertyShapes, work: Work): Tags {
  const tags = new Map<string, ReadonlySet<string>>();
  const own = valuesOf([shape], work);
  if (own !== undefined) tags.set(itself, own);
  if (shape.types.size !== 1 || !shape.types.has('object')) return tags;
  for (const key of shape.required) {
    work.spend(1);
    const shapes = propertyShapes(shape, key);
    const values = shapes === undefined ? undefined : valuesOf(shapes, work);
    if (values !== undefined) tags.set(`.${key}`, values);
  }
  return tags;
}

/** All values of these shapes, if they list them. */
function valuesOf(shapes: readonly Shape[], work: Work): ReadonlySet<string> | undefined {
  const found = new Set<string>();
  for (const { values, types } of shapes) {
    if (values === undefined) return undefined;
    work.spend(values.length);
    for (const value of values) if (hasType(value, types)) found.add(canonical(value));
  }
  return found;
}

/** Whether all shapes have a tag of the same name, with values that no other alternative has. */
function hasDiscriminator(
  alternatives: readonly (readonly Shape[])[],
  tags: ReadonlyMap<Shape, Tags>,
): boolean {
  const [first] = alternatives.flat();
  if (first === undefined) return true;
  return [...(tags.get(first) as Tags).keys()].some((name) => {
    const owners = new Map<string, number>();
    return alternatives.every((shapes, index) =>
      shapes.every((shape) => {
        const values = tags.get(shape)?.get(name);
        if (values === undefined) return false;
        for (const value of values) {
          if ((owners.get(value) ?? index) !== index) return false;
          owners.set(value, index);
        }
        return true;
      }),
    );
  });
}

function haveDisjointTags(a: Tags, b: Tags): boolean {
  for (const [name, values] of a) {
    const others = b.get(name);
    if (others === undefined) continue;
    const [small, large] = values.size < others.size ? [values, others] : [others, values];
    if (![...small].some((value) => large.has(value))) return true;
  }
  return false;
}

function haveNoCommonType(a: Shape, b: Shape): boolean {
  const isIn = (name: TypeName, { types }: Shape): boolean =>
    types.has(name) ||
    (name === 'integer' && types.has('number')) ||
    (name === 'number' && types.has('integer'));
  return ![...a.types].some((name) => isIn(name, b));
}
