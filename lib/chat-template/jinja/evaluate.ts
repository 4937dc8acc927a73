// Evaluates expressions. `execute.ts` calls it for statements.

import { getAttribute, getItem, getSlice } from './attributes.js';
import { TemplateError } from './errors.js';
import { findFilter } from './filters.js';
import { Loop } from './loop.js';
import { checkText, claimItems, claimText, claimValue, isPauseDue, spend } from './meter.js';
import type { CallArguments, Expression } from './nodes.js';
import { binary, compares, signed } from './operators.js';
import { str } from './print.js';
import type { Stepwise } from './rendering.js';
import type { Scope } from './scope.js';
import { findTest } from './tests.js';
import {
  type Args,
  Callable,
  Dict,
  isTrue,
  itemsOf,
  Macro,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.js';

/** The value of an expression. */
export function* evaluate(node: Expression, scope: Scope): Stepwise<Value> {
  spend(1);
  if (isPauseDue()) yield;
  switch (node.kind) {
    case 'constant':
      return node.value;
    case 'name':
      return scope.get(node.name);
    case 'list':
      return yield* evaluateAll(node.items, scope);
    case 'tuple':
      return new Tuple(yield* evaluateAll(node.items, scope));
    case 'dict':
      return yield* dictionary(node, scope);
    case 'attribute':
      return getAttribute(
        at(node.object, scope) ?? (yield* evaluate(node.object, scope)),
        node.name,
      );
    case 'item': {
      const object = at(node.object, scope) ?? (yield* evaluate(node.object, scope));
      return getItem(object, at(node.index, scope) ?? (yield* evaluate(node.index, scope)));
    }
    case 'slice': {
      const object = yield* evaluate(node.object, scope);
      const bounds: (Value | undefined)[] = [];
      for (const bound of node.bounds) bounds.push(bound && (yield* evaluate(bound, scope)));
      return getSlice(object, bounds);
    }
    case 'call':
      return yield* call(
        yield* evaluate(node.callee, scope),
        yield* evaluateArguments(node.args, scope),
      );
    case 'filter':
    case 'test': {
      const operand = at(node.operand, scope) ?? (yield* evaluate(node.operand, scope));
      const args = yield* evaluateArguments(node.args, scope);
      if (typeof operand === 'string') claimText(operand.length);
      if (node.kind === 'test') return findTest(node.name)(operand, args);
      return claimed(findFilter(node.name)(operand, args));
    }
    case 'sign':
      return signed(node.sign, yield* evaluate(node.operand, scope));
    case 'not':
      return !isTrue(at(node.operand, scope) ?? (yield* evaluate(node.operand, scope)));
    case 'and':
    case 'or': {
      const left = at(node.left, scope) ?? (yield* evaluate(node.left, scope));
      return isTrue(left) === (node.kind === 'or') ? left : yield* evaluate(node.right, scope);
    }
    case 'binary': {
      const left = at(node.left, scope) ?? (yield* evaluate(node.left, scope));
      return binary(
        node.operator,
        left,
        at(node.right, scope) ?? (yield* evaluate(node.right, scope)),
      );
    }
    case 'concat': {
      let text = '';
      for (const part of node.parts) {
        text += str(at(part, scope) ?? (yield* evaluate(part, scope)));
        // Not charged by its length: joining two texts takes no copy.
        checkText(text.length);
      }
      return text;
    }
    case 'compare':
      return yield* comparison(node, scope);
    case 'conditional':
      return yield* conditional(node, scope);
  }
}

/**
 * The value of a constant, a variable or a part of one, which need no pause and are most of what
 * templates evaluate; undefined for anything else.
 */
function at(node: Expression, scope: Scope): Value | undefined {
  switch (node.kind) {
    case 'constant':
      return node.value;
    case 'name':
      spend(1);
      return scope.get(node.name);
    case 'attribute': {
      const object = at(node.object, scope);
      return object === undefined || object === null ? undefined : getAttribute(object, node.name);
    }
    case 'item': {
      const object = node.index.kind === 'constant' ? at(node.object, scope) : undefined;
      if (object === undefined || object === null) return undefined;
      return getItem(object, (node.index as Expression & { kind: 'constant' }).value);
    }
    default:
      return undefined;
  }
}

function* evaluateAll(nodes: readonly Expression[], scope: Scope): Stepwise<Value[]> {
  const values: Value[] = [];
  if (nodes.length > 0) claimItems(8 + nodes.length);
  for (const node of nodes) values.push(at(node, scope) ?? (yield* evaluate(node, scope)));
  return values;
}

function* dictionary(node: Expression & { kind: 'dict' }, scope: Scope): Stepwise<Dict> {
  const dict = new Dict();
  claimItems(8 + 8 * node.pairs.length);
  for (const [key, value] of node.pairs) {
    dict.set(yield* evaluate(key, scope), yield* evaluate(value, scope));
  }
  return dict;
}

/** A chain such as `1 < x < 5`, whose operands are evaluated once, up to the first that fails. */
function* comparison(node: Expression & { kind: 'compare' }, scope: Scope): Stepwise<boolean> {
  let left = at(node.first, scope) ?? (yield* evaluate(node.first, scope));
  for (const [operator, operand] of node.rest) {
    const right = at(operand, scope) ?? (yield* evaluate(operand, scope));
    if (!compares(operator, left, right)) return false;
    left = right;
  }
  return true;
}

function* conditional(node: Expression & { kind: 'conditional' }, scope: Scope): Stepwise<Value> {
  if (isTrue(yield* evaluate(node.test, scope))) return yield* evaluate(node.value, scope);
  if (node.otherwise !== undefined) return yield* evaluate(node.otherwise, scope);
  return new Undefined(
    'the inline if-expression evaluated to false and no else section was defined',
  );
}

/** Calls a function. */
export function* call(callee: Value, args: Args): Stepwise<Value> {
  if (callee instanceof Undefined) callee.fail();
  if (callee instanceof Macro) return yield* callee.run(args);
  if (callee instanceof Callable) return claimed(callee.call(args));
  if (callee instanceof Loop) return yield* callee.again(args);
  throw new TemplateError(`'${typeName(callee)}' object is not callable`);
}

/** Charges what a filter, method or function has made. */
function claimed(value: Value): Value {
  if (typeof value === 'string') claimText(value.length);
  else if (typeof value === 'object' && value !== null) claimValue();
  return value;
}

/** Evaluates the arguments of a call. */
export function* evaluateArguments(args: CallArguments, scope: Scope): Stepwise<Args> {
  const positional = yield* evaluateAll(args.positional, scope);
  if (args.spread !== undefined) {
    const items = itemsOf(yield* evaluate(args.spread, scope));
    for (const item of items) positional.push(item);
  }
  const keywords = new Map<string, Value>();
  const set = (name: string, value: Value): void => {
    if (keywords.has(name)) throw new TemplateError(`got multiple values for argument '${name}'`);
    keywords.set(name, value);
  };
  for (const [name, argument] of args.keywords) set(name, yield* evaluate(argument, scope));
  if (args.keywordSpread !== undefined) {
    const spread = yield* evaluate(args.keywordSpread, scope);
    if (!(spread instanceof Dict)) {
      throw new TemplateError(`argument after ** must be a mapping, not ${typeName(spread)}`);
    }
    for (const [name, value] of spread.entries()) set(str(name), value);
  }
  return { positional, keywords };
}
