// Executes the statements of a template, with pauses. `template.ts` renders with it.

import { TemplateError } from './errors.js';
import { call, evaluate, evaluateArguments } from './evaluate.js';
import { globals } from './globals.js';
import { Loop } from './loop.js';
import { isPauseDue, printText, spend } from './meter.js';
import {
  blockText,
  type Expression,
  type Signature,
  type Statement,
  type Target,
} from './nodes.js';
import { str } from './print.js';
import { finish, type Stepwise } from './rendering.js';
import { Scope } from './scope.js';
import {
  type Args,
  Dict,
  isTrue,
  itemsOf,
  iterate,
  Macro,
  Namespace,
  Tuple,
  Undefined,
  type Value,
} from './values.js';

/** Renders a template. Throws a TemplateError or TemplateRejection. */
export function render(
  template: readonly Statement[],
  variables: Iterable<readonly [string, Value]>,
): Stepwise<string> {
  return text(template, new Scope(new Scope(new Scope(undefined, globals), variables)));
}

/** The text that statements print. */
function* text(statements: readonly Statement[], scope: Scope): Stepwise<string> {
  const output: string[] = [];
  const end = yield* execute(statements, scope, output);
  if (end !== undefined) throw new TemplateError(`'${end}' outside of a loop`);
  return output.join('');
}

/** Executes statements; returns why they ended early, if they did. */
function* execute(
  statements: readonly Statement[],
  scope: Scope,
  output: string[],
): Stepwise<'break' | 'continue' | undefined> {
  const print = (text: string): void => {
    printText(text);
    output.push(text);
  };
  for (const node of statements) {
    spend(1);
    if (isPauseDue()) yield;
    switch (node.kind) {
      case 'text':
        print(node.text);
        break;
      case 'print':
        print(str(yield* evaluate(node.value, scope)));
        break;
      case 'if': {
        const end = yield* execute(yield* branchOf(node, scope), scope, output);
        if (end !== undefined) return end;
        break;
      }
      case 'for':
        print(yield* runLoop(node, yield* evaluate(node.items, scope), scope, 0));
        break;
      case 'set':
        assign(node.target, yield* evaluate(node.value, scope), scope);
        break;
      case 'set-block':
        assign(node.target, yield* filtered(node.filter, node.body, scope), scope);
        break;
      case 'filter-block':
        print(str(yield* filtered(node.filter, node.body, scope)));
        break;
      case 'with': {
        const inner = new Scope(scope);
        const values: Value[] = [];
        for (const [, value] of node.bindings) values.push(yield* evaluate(value, scope));
        for (const [index, [target]] of node.bindings.entries()) {
          assign(target, values[index] as Value, inner);
        }
        const end = yield* execute(node.body, inner, output);
        if (end !== undefined) return end;
        break;
      }
      case 'macro':
        scope.set(node.name, macro(node.name, node.signature, scope));
        break;
      case 'call-block': {
        const args = yield* evaluateArguments(node.call.args, scope);
        const caller = macro('caller', node.signature, scope);
        const keywords = new Map([...args.keywords, ['caller', caller] as const]);
        const callee = yield* evaluate(node.call.callee, scope);
        print(str(yield* call(callee, { ...args, keywords })));
        break;
      }
      case 'break':
      case 'continue':
        return node.kind;
    }
  }
  return undefined;
}

/** The statements of the first branch whose condition holds. */
function* branchOf(node: Statement & { kind: 'if' }, scope: Scope): Stepwise<readonly Statement[]> {
  for (const [test, body] of node.branches) if (isTrue(yield* evaluate(test, scope))) return body;
  return node.otherwise;
}

function* filtered(filter: Expression, body: readonly Statement[], scope: Scope): Stepwise<Value> {
  const inner = new Scope(scope);
  const rendered = yield* text(body, inner);
  return yield* evaluate(filter, new Scope(scope, [[blockText, rendered]]));
}

function* runLoop(
  node: Statement & { kind: 'for' },
  items: Value,
  scope: Scope,
  depth: number,
): Stepwise<string> {
  const { target, test, body } = node;
  const all = iterate(items);
  const recurse = (inner: Value, level: number): Stepwise<string> =>
    runLoop(node, inner, scope, level);
  const iterator = test === undefined ? all : passing(all, target, test, scope);
  const loop = new Loop(iterator, depth, node.isRecursive ? recurse : undefined);
  const output: string[] = [];
  let isEmpty = true;
  for (let item = loop.next(); item !== undefined; item = loop.next()) {
    isEmpty = false;
    spend(1);
    if (isPauseDue()) yield;
    // Each iteration has a scope of its own: what it sets is gone in the next one.
    const iteration = new Scope(scope, [['loop', loop]]);
    assign(target, item, iteration);
    if ((yield* execute(body, iteration, output)) === 'break') break;
  }
  if (isEmpty) output.push(yield* text(node.otherwise, new Scope(scope)));
  return output.join('');
}

/** The items for which the condition of a loop holds; evaluated without pauses, as items are read. */
function* passing(
  items: Iterator<Value>,
  target: Target,
  test: Expression,
  scope: Scope,
): Generator<Value> {
  for (let next = items.next(); !next.done; next = items.next()) {
    const inner = new Scope(scope);
    assign(target, next.value, inner);
    if (isTrue(finish(evaluate(test, inner)))) yield next.value;
  }
}

function assign(target: Target, value: Value, scope: Scope): void {
  switch (target.kind) {
    case 'name':
      scope.set(target.name, value);
      return;
    case 'namespace': {
      const object = scope.get(target.name);
      if (!(object instanceof Namespace)) {
        throw new TemplateError('cannot assign attribute on non-namespace object');
      }
      object.attributes.set(target.attribute, value);
      return;
    }
    case 'tuple': {
      if (value instanceof Undefined) value.fail();
      const items = itemsOf(value);
      if (items.length !== target.items.length) {
        throw new TemplateError(
          `expected ${target.items.length} values to unpack, got ${items.length}`,
        );
      }
      for (const [index, part] of target.items.entries()) {
        assign(part, items[index] as Value, scope);
      }
    }
  }
}

/** A macro, whose body sees the variables around its definition. */
function macro(name: string, { parameters, body, mentions }: Signature, scope: Scope): Value {
  const names = parameters.map((parameter) => parameter.name);
  const unused = (what: string): never => {
    throw new TemplateError(`macro '${name}' takes ${what}`);
  };
  return new Macro(name, function* ({ positional, keywords }: Args) {
    const inner = new Scope(scope);
    const rest = new Map(keywords);
    const given = names.map((parameter, index) => {
      if (index < positional.length) return positional[index];
      const value = rest.get(parameter);
      rest.delete(parameter);
      return value;
    });
    if (mentions.has('caller') && !names.includes('caller')) {
      inner.set('caller', rest.get('caller') ?? new Undefined('No caller defined'));
      rest.delete('caller');
    }
    const [extra] = rest.keys();
    if (mentions.has('kwargs')) inner.set('kwargs', new Dict(rest));
    else if (extra !== undefined) unused(`no keyword argument '${extra}'`);
    if (mentions.has('varargs')) inner.set('varargs', new Tuple(positional.slice(names.length)));
    else if (positional.length > names.length) unused(`at most ${names.length} argument(s)`);
    for (const [index, { name: parameter, standard }] of parameters.entries()) {
      const value = given[index];
      if (value !== undefined) inner.set(parameter, value);
      else if (standard !== undefined) inner.set(parameter, yield* evaluate(standard, inner));
      else inner.set(parameter, new Undefined(`parameter '${parameter}' was not provided`));
    }
    return yield* text(body, inner);
  });
}
