// Parses expressions with the precedence and associativity of Jinja2. `parser.ts` extends it with
// statements.

import { parseInteger } from './meter.js';
import type { BinaryOperator, CallArguments, ComparisonOperator, Expression } from './nodes.js';
import { TokenReader } from './token-reader.js';

const comparisons: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const constants: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);

const noArguments: CallArguments = {
  positional: [],
  keywords: [],
  spread: undefined,
  keywordSpread: undefined,
};

/** A parser of the expressions in a list of tokens. */
export class ExpressionParser extends TokenReader {
  protected expression(withConditional = true): Expression {
    let expression = this.#or();
    while (withConditional && this.skipName('if')) {
      const test = this.#or();
      const otherwise = this.skipName('else') ? this.expression() : undefined;
      expression = { kind: 'conditional', test, value: expression, otherwise };
    }
    return expression;
  }

  /** One expression, or a tuple of several without parentheses. */
  protected expressions(withConditional = true, isEnd = () => false): Expression {
    return this.#tuple(() => this.expression(withConditional), isEnd, false);
  }

  protected filterChain(operand: Expression): Expression {
    let expression = operand;
    do {
      const name = this.#dottedName();
      const args = this.is('(') ? this.callArguments() : noArguments;
      expression = { kind: 'filter', operand: expression, name, args };
    } while (this.skip('|'));
    return expression;
  }

  protected callArguments(): CallArguments {
    this.expect('(');
    const args: CallArguments = { ...noArguments, positional: [], keywords: [] };
    let isFirst = true;
    while (!this.is(')')) {
      if (!isFirst) this.expect(',');
      if (this.is(')')) break;
      isFirst = false;
      this.#callArgument(args);
    }
    this.expect(')');
    return args;
  }

  #callArgument(args: CallArguments): void {
    if (args.keywordSpread !== undefined) this.fail("expected ')' after the ** argument");
    if (this.is('*')) {
      if (args.spread !== undefined) this.fail('expected at most one * argument');
      this.advance();
      args.spread = this.expression();
    } else if (this.skip('**')) {
      args.keywordSpread = this.expression();
    } else if (this.is('name') && this.following?.type === '=') {
      const name = this.advance().value;
      this.advance();
      args.keywords.push([name, this.expression()]);
    } else {
      if (args.spread !== undefined || args.keywords.length > 0) {
        this.fail('expected no positional argument here');
      }
      args.positional.push(this.expression());
    }
  }

  #or(): Expression {
    let left = this.#and();
    while (this.skipName('or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.skipName('and')) left = { kind: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    return this.skipName('not') ? { kind: 'not', operand: this.#not() } : this.#comparison();
  }

  #comparison(): Expression {
    const first = this.#sum();
    const rest: [ComparisonOperator, Expression][] = [];
    for (let operator = this.#comparator(); operator; operator = this.#comparator()) {
      rest.push([operator, this.#sum()]);
    }
    return rest.length === 0 ? first : { kind: 'compare', first, rest };
  }

  #comparator(): ComparisonOperator | undefined {
    const next = this.following;
    if (comparisons.includes(this.current.type)) return this.advance().type as ComparisonOperator;
    if (this.skipName('in')) return 'in';
    if (this.isName('not') && next?.type === 'name' && next.value === 'in') {
      this.advance();
      this.advance();
      return 'not in';
    }
    return undefined;
  }

  #sum(): Expression {
    return this.#binary(['+', '-'], () => this.#concatenation());
  }

  #concatenation(): Expression {
    const first = this.#product();
    const parts = [first];
    while (this.skip('~')) parts.push(this.#product());
    return parts.length === 1 ? first : { kind: 'concat', parts };
  }

  #product(): Expression {
    return this.#binary(['*', '/', '//', '%'], () => this.#power());
  }

  #power(): Expression {
    return this.#binary(['**'], () => this.#unary(true));
  }

  #binary(operators: readonly BinaryOperator[], operand: () => Expression): Expression {
    let left = operand();
    while ((operators as readonly string[]).includes(this.current.type)) {
      const operator = this.advance().type as BinaryOperator;
      left = { kind: 'binary', operator, left, right: operand() };
    }
    return left;
  }

  #unary(withFilters: boolean): Expression {
    const sign = this.is('-') || this.is('+') ? (this.advance().type as '+' | '-') : undefined;
    const operand: Expression =
      sign === undefined ? this.primary() : { kind: 'sign', sign, operand: this.#unary(false) };
    const expression = this.#postfix(operand);
    return withFilters ? this.#filtersAndTests(expression) : expression;
  }

  #filtersAndTests(operand: Expression): Expression {
    let expression = operand;
    while (true) {
      if (this.skip('|')) expression = this.filterChain(expression);
      else if (this.skipName('is')) expression = this.#test(expression);
      else if (this.is('(')) expression = this.#call(expression);
      else return expression;
    }
  }

  #test(operand: Expression): Expression {
    const isNegated = this.skipName('not');
    const name = this.#dottedName();
    let args = noArguments;
    if (this.is('(')) {
      args = this.callArguments();
    } else if (this.#startsOperand() && !this.isName('else', 'or', 'and')) {
      if (this.isName('is')) this.fail('expected no second test');
      args = { ...noArguments, positional: [this.#postfix(this.primary())] };
    }
    const test: Expression = { kind: 'test', operand, name, args };
    return isNegated ? { kind: 'not', operand: test } : test;
  }

  #startsOperand(): boolean {
    return ['name', 'string', 'integer', 'float', '[', '{'].includes(this.current.type);
  }

  #dottedName(): string {
    let name = this.expect('name');
    while (this.skip('.')) name += `.${this.expect('name')}`;
    return name;
  }

  #postfix(operand: Expression): Expression {
    let expression = operand;
    while (true) {
      if (this.skip('.')) expression = this.#attribute(expression);
      else if (this.is('[')) expression = this.#subscript(expression);
      else if (this.is('(')) expression = this.#call(expression);
      else return expression;
    }
  }

  #call(callee: Expression): Expression {
    return { kind: 'call', callee, args: this.callArguments() };
  }

  #attribute(object: Expression): Expression {
    if (this.is('integer')) {
      return { kind: 'item', object, index: { kind: 'constant', value: this.#integer() } };
    }
    return { kind: 'attribute', object, name: this.expect('name') };
  }

  #subscript(object: Expression): Expression {
    this.expect('[');
    const bounds: (Expression | undefined)[] = [undefined];
    let isSlice = false;
    while (!this.is(']')) {
      if (this.skip(':')) {
        if (bounds.length === 3) this.fail('expected at most two colons in a slice');
        bounds.push(undefined);
        isSlice = true;
      } else if (bounds.at(-1) === undefined) {
        bounds[bounds.length - 1] = isSlice ? this.expression() : this.expressions();
      } else {
        this.fail("expected ']'");
      }
    }
    this.expect(']');
    if (isSlice) return { kind: 'slice', object, bounds };
    const index = bounds[0];
    if (index === undefined) this.fail('expected an index');
    return { kind: 'item', object, index };
  }

  protected primary(): Expression {
    const { type, value } = this.current;
    switch (type) {
      case 'name': {
        this.advance();
        const constant = constants.get(value);
        return constant === undefined
          ? { kind: 'name', name: value }
          : { kind: 'constant', value: constant };
      }
      case 'string': {
        let text = '';
        while (this.is('string')) text += this.advance().value;
        return { kind: 'constant', value: text };
      }
      case 'integer':
        return { kind: 'constant', value: this.#integer() };
      case 'float':
        this.advance();
        return { kind: 'constant', value: Number(value.replaceAll('_', '')) };
      case '(': {
        this.advance();
        const expression = this.#tuple(
          () => this.expression(),
          () => false,
          true,
        );
        this.expect(')');
        return expression;
      }
      case '[':
        return { kind: 'list', items: this.#items('[', ']', () => this.expression()) };
      case '{':
        return { kind: 'dict', pairs: this.#items('{', '}', () => this.#pair()) };
      default:
        return this.fail('expected an expression');
    }
  }

  #integer(): bigint {
    const digits = this.advance().value.replaceAll('_', '');
    return parseInteger(digits);
  }

  #pair(): [Expression, Expression] {
    const key = this.expression();
    this.expect(':');
    return [key, this.expression()];
  }

  #items<Item>(open: string, close: string, item: () => Item): Item[] {
    this.expect(open);
    const items: Item[] = [];
    while (!this.is(close)) {
      if (items.length > 0) this.expect(',');
      if (this.is(close)) break;
      items.push(item());
    }
    this.expect(close);
    return items;
  }

  #tuple(item: () => Expression, isEnd: () => boolean, mayBeEmpty: boolean): Expression {
    const atEnd = (): boolean =>
      isEnd() || [')', 'block_end', 'variable_end'].includes(this.current.type);
    const items: Expression[] = [];
    let isTuple = false;
    while (!atEnd()) {
      items.push(item());
      if (!this.skip(',')) break;
      isTuple = true;
    }
    const [first] = items;
    if (first !== undefined && !isTuple) return first;
    if (first === undefined && !mayBeEmpty) this.fail('expected an expression');
    return { kind: 'tuple', items };
  }
}
