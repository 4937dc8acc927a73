// The tokens of a template, with Jinja2's rules of whitespace under trim_blocks and lstrip_blocks:
// the options with which chat templates are rendered. `parser.ts` reads them.

import { TemplateSyntaxError } from './errors.js';

/** A token. The type of an operator is its text. */
export interface Token {
  type: string;
  value: string;
}

// The whitespace of Jinja2 has a few characters more than that of JavaScript, and one fewer.
const space =
  '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const pattern = (source: string, flags = ''): RegExp =>
  new RegExp(source.replaceAll('\\s', space), `${flags}suy`);

const rawBegin = '\\{%(?<rawSign>[-+]?)\\s*raw\\s*(?:-%\\}\\s*|%\\})';
const begin = '(?<begin>\\{[%{#])(?<sign>[-+]?)';
const root = pattern(`(?<text>.*?)(?:(?<raw>${rawBegin})|${begin})`);
const rawEnd = pattern(
  '(?<text>.*?)\\{%(?<sign>[-+]?)\\s*endraw\\s*(?:\\+%\\}|-%\\}\\s*|%\\}\\n?)',
);
const commentEnd = pattern('.*?(?:\\+#\\}|-#\\}\\s*|#\\}\\n?)');
const blockEnd = pattern('\\+%\\}|-%\\}\\s*|%\\}\\n?');
const variableEnd = pattern('-\\}\\}\\s*|\\}\\}');

const digits = '(?:\\d+_)*\\d+';
const rules: readonly [string, RegExp][] = [
  ['space', pattern('\\s+')],
  ['float', pattern(`(?<!\\.)${digits}(?:(?:\\.${digits})?e[+-]?${digits}|\\.${digits})`, 'i')],
  [
    'integer',
    pattern('0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\\da-f])+|[1-9](?:_?\\d)*|0(?:_?0)*', 'i'),
  ],
  ['name', pattern('[\\p{ID_Start}_][\\p{ID_Continue}]*')],
  ['string', pattern(`'[^'\\\\]*(?:\\\\.[^'\\\\]*)*'|"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"`)],
  ['operator', pattern('//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}<>=.:|,;]')],
];

const closers: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' };
const oneSpace = new RegExp(space, 'u');
const onlySpace = new RegExp(`^${space}+$`, 'u');

const escapes: Readonly<Record<string, string>> = {
  '\n': '',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The value of a string literal; an unknown escape keeps its backslash. */
function unescaped(literal: string): string {
  const sequence =
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([xuUN])|(.))/gs;
  return literal.replace(sequence, (whole, two, four, eight, octal, broken, letter) => {
    const hex: string | undefined = two ?? four ?? eight;
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    if (broken !== undefined) throw new TemplateSyntaxError(`invalid escape in ${literal}`);
    return escapes[letter] ?? (/['"\\]/.test(letter) ? letter : whole);
  });
}

/** A regular expression would search from every space. */
function withoutTrailingSpace(text: string): string {
  let end = text.length;
  while (end > 0 && oneSpace.test(text[end - 1] as string)) end--;
  return text.slice(0, end);
}

/** Splits a template into tokens. */
export function tokenize(template: string): Token[] {
  // Line breaks are normalized, and the last one is not part of the template.
  const source = template.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  return new Lexer(source).tokens();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #position = 0;
  #isLineStart = true;

  constructor(source: string) {
    this.#source = source;
  }

  tokens(): Token[] {
    while (this.#position < this.#source.length) {
      const match = this.#match(root);
      if (match === undefined) {
        this.#push('data', this.#source.slice(this.#position));
        break;
      }
      const { text = '', raw, rawSign, begin = '', sign } = match.groups ?? {};
      this.#data(text, rawSign ?? sign ?? '', begin === '{{');
      this.#advance(match[0]);
      if (raw !== undefined) this.#raw();
      else if (begin === '{#') this.#advance(this.#expect(commentEnd, 'end of comment')[0]);
      else if (begin === '{%') this.#code('block', blockEnd);
      else this.#code('variable', variableEnd);
    }
    return this.#tokens;
  }

  /** Text in front of a tag, without the whitespace that the tag strips. */
  #data(text: string, sign: string, isVariable: boolean): void {
    let kept = text;
    if (sign === '-') {
      kept = withoutTrailingSpace(text);
    } else if (sign !== '+' && !isVariable) {
      const line = text.lastIndexOf('\n') + 1;
      const isIndent = (line > 0 || this.#isLineStart) && onlySpace.test(text.slice(line));
      if (isIndent) kept = text.slice(0, line);
    }
    this.#push('data', kept);
  }

  #raw(): void {
    const match = this.#expect(rawEnd, 'end of raw directive');
    this.#data(match.groups?.text ?? '', match.groups?.sign ?? '', false);
    this.#advance(match[0]);
  }

  /** The tokens of a tag. Inside of brackets, its end is an ordinary operator. */
  #code(kind: string, end: RegExp): void {
    this.#push(`${kind}_begin`, '');
    const open: string[] = [];
    while (true) {
      const closing = open.length === 0 ? this.#match(end) : undefined;
      if (closing !== undefined) {
        this.#push(`${kind}_end`, '');
        this.#advance(closing[0]);
        return;
      }
      const token = this.#next();
      if (token.type === 'operator') {
        const closer = closers[token.value];
        if (closer !== undefined) open.push(closer);
        if (/[})\]]/.test(token.value) && open.pop() !== token.value) {
          throw new TemplateSyntaxError(`unexpected '${token.value}'`);
        }
        this.#push(token.value, token.value);
      } else if (token.type === 'string') {
        this.#push('string', unescaped(token.value.slice(1, -1)));
      } else if (token.type !== 'space') {
        this.#push(token.type, token.value);
      }
    }
  }

  #next(): Token {
    for (const [type, rule] of rules) {
      const match = this.#match(rule);
      if (match === undefined) continue;
      this.#advance(match[0]);
      return { type, value: match[0] };
    }
    const character = this.#source.slice(this.#position, this.#position + 1);
    throw new TemplateSyntaxError(
      character === '' ? 'unexpected end of template' : `unexpected character '${character}'`,
    );
  }

  #match(rule: RegExp): RegExpExecArray | undefined {
    rule.lastIndex = this.#position;
    return rule.exec(this.#source) ?? undefined;
  }

  #expect(rule: RegExp, what: string): RegExpExecArray {
    const match = this.#match(rule);
    if (match === undefined) throw new TemplateSyntaxError(`missing ${what}`);
    return match;
  }

  #push(type: string, value: string): void {
    if (type !== 'data' || value !== '') this.#tokens.push({ type, value });
  }

  #advance(text: string): void {
    this.#position += text.length;
    this.#isLineStart = text.endsWith('\n');
  }
}
