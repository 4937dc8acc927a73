// Parses a template into statements. `template.ts` does so once for each template.

import { ExpressionParser } from './expression-parser.js';
import { tokenize } from './lexer.js';
import {
  blockText,
  type Expression,
  type Signature,
  type Statement,
  type Target,
} from './nodes.js';

/** Parses a template; throws a TemplateSyntaxError. */
export function parse(template: string): Statement[] {
  return new Parser(tokenize(template)).template();
}

/** What a filter of a block is applied to. */
const block: Expression = { kind: 'name', name: blockText };

class Parser extends ExpressionParser {
  /** The names that the bodies being parsed mention, for {@link Signature.mentions}. */
  readonly #mentions: Set<string>[] = [];

  template(): Statement[] {
    const statements = this.#statements([]);
    if (!this.is('end of template')) this.fail('expected the end of the template');
    return statements;
  }

  protected override primary(): Expression {
    const expression = super.primary();
    if (expression.kind === 'name') {
      for (const mentions of this.#mentions) mentions.add(expression.name);
    }
    return expression;
  }

  /** Statements up to a tag with one of these names, which is left to the caller. */
  #statements(ends: readonly string[]): Statement[] {
    const statements: Statement[] = [];
    while (!this.is('end of template')) {
      if (this.is('data')) {
        statements.push({ kind: 'text', text: this.advance().value });
      } else if (this.skip('variable_begin')) {
        statements.push({ kind: 'print', value: this.expressions() });
        this.expect('variable_end');
      } else {
        this.expect('block_begin');
        if (this.isName(...ends)) return statements;
        statements.push(...this.#statement());
        this.expect('block_end');
      }
    }
    if (ends.length > 0) this.fail(`expected ${ends.join(' or ')}`);
    return statements;
  }

  /** The body of a tag up to its end tag, whose name is skipped. */
  #body(end: string): Statement[] {
    const body = this.#bodyUpTo([end]);
    this.advance();
    return body;
  }

  #bodyUpTo(ends: readonly string[]): Statement[] {
    this.skip(':');
    this.expect('block_end');
    return this.#statements(ends);
  }

  #statement(): Statement[] {
    const name = this.expect('name');
    switch (name) {
      case 'if':
        return [this.#if()];
      case 'for':
        return [this.#for()];
      case 'set':
        return [this.#set()];
      case 'macro':
        return [
          { kind: 'macro', name: this.expect('name'), signature: this.#signature('endmacro') },
        ];
      case 'call':
        return [this.#callBlock()];
      case 'filter':
        return [
          {
            kind: 'filter-block',
            filter: this.filterChain(block),
            body: this.#body('endfilter'),
          },
        ];
      case 'with':
        return [this.#with()];
      case 'generation':
        // Marks the bot's text for training; a scope of its own otherwise.
        return [{ kind: 'with', bindings: [], body: this.#body('endgeneration') }];
      case 'print':
        return this.#print();
      case 'break':
      case 'continue':
        return [{ kind: name }];
      default:
        return this.fail(`the statement ${name} is not supported`);
    }
  }

  #if(): Statement {
    const branches: [Expression, Statement[]][] = [];
    let otherwise: Statement[] = [];
    while (true) {
      const test = this.expressions(false);
      branches.push([test, this.#bodyUpTo(['elif', 'else', 'endif'])]);
      if (this.skipName('elif')) continue;
      if (this.skipName('else')) otherwise = this.#body('endif');
      else this.advance();
      return { kind: 'if', branches, otherwise };
    }
  }

  #for(): Statement {
    const target = this.#target();
    if (!this.skipName('in')) this.fail('expected in');
    const items = this.expressions(false, () => this.isName('recursive'));
    const test = this.skipName('if') ? this.expression() : undefined;
    const isRecursive = this.skipName('recursive');
    const body = this.#bodyUpTo(['endfor', 'else']);
    const otherwise = this.advance().value === 'else' ? this.#body('endfor') : [];
    return { kind: 'for', target, items, test, isRecursive, body, otherwise };
  }

  #set(): Statement {
    const target = this.#target();
    if (this.skip('=')) return { kind: 'set', target, value: this.expressions() };
    const filter = this.skip('|') ? this.filterChain(block) : block;
    return { kind: 'set-block', target, filter, body: this.#body('endset') };
  }

  #with(): Statement {
    const bindings: [Target, Expression][] = [];
    while (!this.is('block_end')) {
      if (bindings.length > 0) this.expect(',');
      const target = this.#target();
      this.expect('=');
      bindings.push([target, this.expression()]);
    }
    return { kind: 'with', bindings, body: this.#body('endwith') };
  }

  #print(): Statement[] {
    const printed: Statement[] = [];
    while (!this.is('block_end')) {
      if (printed.length > 0) this.expect(',');
      printed.push({ kind: 'print', value: this.expression() });
    }
    return printed;
  }

  #callBlock(): Statement {
    const mentions = new Set<string>();
    const parameters = this.is('(') ? this.#parameters() : [];
    const call = this.expression();
    if (call.kind !== 'call') this.fail('expected a call');
    const body = this.#mentioning(mentions, () => this.#body('endcall'));
    return { kind: 'call-block', call, signature: { parameters, body, mentions } };
  }

  #signature(end: string): Signature {
    const mentions = new Set<string>();
    const parameters = this.#parameters();
    const body = this.#mentioning(mentions, () => this.#body(end));
    return { parameters, body, mentions };
  }

  #parameters(): Signature['parameters'] {
    const parameters: Signature['parameters'] = [];
    this.expect('(');
    while (!this.is(')')) {
      if (parameters.length > 0) this.expect(',');
      const name = this.expect('name');
      const standard = this.skip('=') ? this.expression() : undefined;
      if (standard === undefined && parameters.at(-1)?.standard !== undefined) {
        this.fail('expected a default value');
      }
      parameters.push({ name, standard });
    }
    this.expect(')');
    return parameters;
  }

  #mentioning(mentions: Set<string>, parseBody: () => Statement[]): Statement[] {
    this.#mentions.push(mentions);
    const body = parseBody();
    this.#mentions.pop();
    return body;
  }

  /** What is assigned to: a name, an attribute of a namespace, or a tuple of them. */
  #target(): Target {
    const items: Target[] = [];
    let isTuple = false;
    do {
      if (items.length > 0) isTuple = true;
      if (isTuple && !this.is('name') && !this.is('(')) break;
      if (isTuple && this.isName('in')) break;
      items.push(this.#singleTarget());
    } while (this.skip(','));
    const [first] = items;
    return first === undefined || isTuple ? { kind: 'tuple', items } : first;
  }

  #singleTarget(): Target {
    if (this.skip('(')) {
      const target = this.#target();
      this.expect(')');
      return target;
    }
    const name = this.expect('name');
    if (!this.skip('.')) return { kind: 'name', name };
    return { kind: 'namespace', name, attribute: this.expect('name') };
  }
}
