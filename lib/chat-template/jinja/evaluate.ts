// Evaluates expressions. `execute.ts` calls it for statements.

import { getAttribute, getItem, getSlice } from './attributes.js';
import { TemplateError } from './errors.js';
import { findFilter } from './filters.js';
import type { CallArguments, Expression } from './nodes.js';
import { binary, compares, signed } from './operators.js';
import { str } from './print.js';
import type { Scope } from './scope.js';
import { findTest } from './tests.js';
import {
  type Args,
  Callable,
  Dict,
  isTrue,
  itemsOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.js';

/** The value of an expression. */
export function evaluate(node: Expression, scope: Scope): Value {
  switch (node.kind) {
    case 'constant':
      return node.value;
    case 'name':
      return scope.get(node.name);
    case 'list':
      return node.items.map((item) => evaluate(item, scope));
    case 'tuple':
      return new Tuple(node.items.map((item) => evaluate(item, scope)));
    case 'dict':
      return new Dict(
        node.pairs.map(([key, value]) => [evaluate(key, scope), evaluate(value, scope)]),
      );
    case 'attribute':
      return getAttribute(evaluate(node.object, scope), node.name);
    case 'item':
      return getItem(evaluate(node.object, scope), evaluate(node.index, scope));
    case 'slice':
      return getSlice(
        evaluate(node.object, scope),
        node.bounds.map((bound) => bound && evaluate(bound, scope)),
      );
    case 'call':
      return call(evaluate(node.callee, scope), evaluateArguments(node.args, scope));
    case 'filter':
      return findFilter(node.name)(
        evaluate(node.operand, scope),
        evaluateArguments(node.args, scope),
      );
    case 'test':
      return findTest(node.name)(
        evaluate(node.operand, scope),
        evaluateArguments(node.args, scope),
      );
    case 'sign':
      return signed(node.sign, evaluate(node.operand, scope));
    case 'not':
      return !isTrue(evaluate(node.operand, scope));
    case 'and':
    case 'or': {
      const left = evaluate(node.left, scope);
      return isTrue(left) === (node.kind === 'or') ? left : evaluate(node.right, scope);
    }
    case 'binary':
      return binary(node.operator, evaluate(node.left, scope), evaluate(node.right, scope));
    case 'concat':
      return node.parts.map((part) => str(evaluate(part, scope))).join('');
    case 'compare':
      return comparison(node, scope);
    case 'conditional':
      return conditional(node, scope);
  }
}

/** A chain such as `1 < x < 5`, whose operands are evaluated once, up to the first that fails. */
function comparison(node: Expression & { kind: 'compare' }, scope: Scope): boolean {
  let left = evaluate(node.first, scope);
  for (const [operator, operand] of node.rest) {
    const right = evaluate(operand, scope);
    if (!compares(operator, left, right)) return false;
    left = right;
  }
  return true;
}

function conditional(node: Expression & { kind: 'conditional' }, scope: Scope): Value {
  if (isTrue(evaluate(node.test, scope))) return evaluate(node.value, scope);
  if (node.otherwise !== undefined) return evaluate(node.otherwise, scope);
  return new Undefined(
    'the inline if-expression evaluated to false and no else section was defined',
  );
}

/** Calls a function. */
export function call(callee: Value, args: Args): Value {
  if (callee instanceof Undefined) callee.fail();
  if (callee instanceof Callable) return callee.call(args);
  const own = typeof callee === 'object' && callee !== null && 'call' in callee ? callee.call : 0;
  if (typeof own === 'function') return (own as (args: Args) => Value).call(callee, args);
  throw new TemplateError(`'${typeName(callee)}' object is not callable`);
}

/** Evaluates the arguments of a call. */
export function evaluateArguments(args: CallArguments, scope: Scope): Args {
  const positional = args.positional.map((argument) => evaluate(argument, scope));
  if (args.spread !== undefined) positional.push(...itemsOf(evaluate(args.spread, scope)));
  const keywords = new Map<string, Value>();
  const set = (name: string, value: Value): void => {
    if (keywords.has(name)) throw new TemplateError(`got multiple values for argument '${name}'`);
    keywords.set(name, value);
  };
  for (const [name, argument] of args.keywords) set(name, evaluate(argument, scope));
  if (args.keywordSpread !== undefined) {
    const spread = evaluate(args.keywordSpread, scope);
    if (!(spread instanceof Dict)) {
      throw new TemplateError(`argument after ** must be a mapping, not ${typeName(spread)}`);
    }
    for (const [name, value] of spread.entries()) set(str(name), value);
  }
  return { positional, keywords };
}
