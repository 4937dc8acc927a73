// Reads a template's tokens one by one: what both parsers are built on.

import { TemplateSyntaxError } from './errors.js';
import type { Token } from './lexer.js';

const end: Token = { type: 'end of template', value: '' };

/** A position in a list of tokens. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  protected get current(): Token {
    return this.#tokens[this.#position] ?? end;
  }

  protected get following(): Token | undefined {
    return this.#tokens[this.#position + 1];
  }

  protected advance(): Token {
    const token = this.current;
    this.#position++;
    return token;
  }

  protected is(type: string): boolean {
    return this.current.type === type;
  }

  protected isName(...names: string[]): boolean {
    return this.is('name') && names.includes(this.current.value);
  }

  protected skip(type: string): boolean {
    if (!this.is(type)) return false;
    this.#position++;
    return true;
  }

  protected skipName(name: string): boolean {
    if (!this.isName(name)) return false;
    this.#position++;
    return true;
  }

  protected expect(type: string): string {
    if (!this.is(type)) this.fail(`expected ${type}`);
    return this.advance().value;
  }

  protected fail(problem: string): never {
    const { type, value } = this.current;
    throw new TemplateSyntaxError(`${problem}, got ${value === '' ? type : `'${value}'`}`);
  }
}
