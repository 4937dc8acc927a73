// Expressions for JSON strings: escaped characters, formats, and all strings except some. The
// converter uses them.

import { complement, intersect, type Range } from '../common/code-points.js';
import {
  type Expression,
  either,
  eitherOf,
  literal,
  nothing,
  oneOf,
  optional,
  repeat,
  sequence,
} from './expression.js';
import type { Rules } from './rules.js';

export const quote = literal('"');

/** Unescaped characters of a JSON string: all but quotes, backslashes and control characters. */
const plain = complement([
  [0x00, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
]);

const shortEscapes: Record<number, string> = {
  8: 'b',
  9: 't',
  10: 'n',
  12: 'f',
  13: 'r',
  34: '"',
  92: '\\',
};

/** Any character, escaped or not, except escaped lone surrogates. */
export function anyCharacter(rules: Rules): Expression {
  return rules.shared('char', () => {
    const unicode = '"u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2})';
    return either(oneOf(plain), sequence(literal('\\'), `(["\\\\/bfnrt] | ${unicode})`));
  });
}

/** One of these code points, escaped where JSON requires it. */
export function characterOf(ranges: readonly Range[]): Expression {
  const parts: Expression[] = [];
  const unescaped = intersect(ranges, plain);
  if (unescaped.length > 0) parts.push(oneOf(unescaped));
  const escaped = intersect(ranges, [
    [0x00, 0x1f],
    [0x22, 0x22],
    [0x5c, 0x5c],
  ]);
  for (const [low, high] of escaped) {
    for (let codePoint = low; codePoint <= high; codePoint++) {
      const short = shortEscapes[codePoint];
      const long = `u${codePoint.toString(16).padStart(4, '0')}`;
      parts.push(literal(`\\${short ?? long}`));
    }
  }
  return either(...parts);
}

/** Any JSON string of `min` to `max` characters. */
export function anyString(rules: Rules, min: number, max: number): Expression {
  const character = anyCharacter(rules);
  return sequence(quote, rules.repeat('char', character, min, max), quote);
}

interface Trie {
  isEnd: boolean;
  next: Map<number, Trie>;
}

/**
 * A JSON string without escapes that is none of `texts`: the additional keys of an object, which
 * must not repeat a declared key, not even in an escaped spelling.
 */
export function stringExcept(rules: Rules, texts: Iterable<string>): Expression {
  const root: Trie = { isEnd: false, next: new Map() };
  for (const text of texts) {
    let node = root;
    for (const character of text) {
      const codePoint = character.codePointAt(0) as number;
      const child = node.next.get(codePoint) ?? { isEnd: false, next: new Map() };
      node.next.set(codePoint, child);
      node = child;
    }
    node.isEnd = true;
  }
  const character = rules.shared('plain-char', () => oneOf(plain));
  // Each node is a named rule, since texts may be longer than the limit for nested groups. Children
  // come before their parents, without recursion, as a key may have any length.
  const nodes = [root];
  for (const node of nodes) for (const child of node.next.values()) nodes.push(child);
  const after = new Map<Trie, Expression>();
  for (const node of nodes.reverse()) {
    rules.work.spend(30);
    const known = [...node.next.keys()].map((codePoint): Range => [codePoint, codePoint]);
    const other = intersect(complement(known), plain);
    const parts: Expression[] = node.isEnd ? [] : [nothing];
    parts.push(sequence(oneOf(other), repeat(character, 0)));
    for (const [codePoint, child] of node.next) {
      const isPlain = intersect([[codePoint, codePoint]], plain).length > 0;
      if (isPlain)
        parts.push(sequence(oneOf([[codePoint, codePoint]]), after.get(child) as Expression));
    }
    after.set(node, rules.add('key', eitherOf(parts)));
  }
  return sequence(quote, after.get(root) as Expression, quote);
}

const digits = (count: number): Expression => repeat('[0-9]', count, count);
const hexDigits = (count: number): Expression => repeat('[0-9a-fA-F]', count, count);

function date(): Expression {
  const days = (last: string): Expression => either(sequence('"0"', '[1-9]'), last);
  // February 29 is excluded, since it is not valid in every year.
  const month = either(
    sequence('("0" [13578] | "1" [02]) "-"', days('[12] [0-9] | "3" [01]')),
    sequence('("0" [469] | "11") "-"', days('[12] [0-9] | "30"')),
    sequence('"02-"', days('"1" [0-9] | "2" [0-8]')),
  );
  return sequence(digits(4), '"-"', month);
}

function time(): Expression {
  const hourAndMinute = '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]';
  return sequence(
    `${hourAndMinute} ":" [0-5] [0-9]`,
    optional(sequence('"."', repeat('[0-9]', 1, 9))),
    either('"Z"', sequence('[-+]', hourAndMinute)),
  );
}

function ipv4(): Expression {
  const byte = either('[0-9]', '[1-9] [0-9]', '"1" [0-9]{2}', '"2" [0-4] [0-9]', '"25" [0-5]');
  return sequence(byte, repeat(sequence('"."', byte), 3, 3));
}

function hostname(): Expression {
  const label = sequence(
    '[0-9a-zA-Z]',
    optional(sequence(repeat('[-0-9a-zA-Z]', 0, 30), '[0-9a-zA-Z]')),
  );
  return sequence(label, repeat(sequence('"."', label), 0, 6));
}

function email(): Expression {
  const word = repeat('[-_+0-9a-zA-Z]', 1, 20);
  return sequence(word, repeat(sequence('"."', word), 0, 2), '"@"', hostname());
}

/** The supported formats; any other is an annotation, as JSON Schema specifies. */
const formats: Record<string, () => Expression> = {
  date,
  time,
  'date-time': () => sequence(date(), '"T"', time()),
  uuid: () =>
    sequence(hexDigits(8), repeat(sequence('"-"', hexDigits(4)), 3, 3), '"-"', hexDigits(12)),
  ipv4,
  // All eight groups; abbreviated forms are excluded.
  ipv6: () =>
    sequence(
      repeat('[0-9a-fA-F]', 1, 4),
      repeat(sequence('":"', repeat('[0-9a-fA-F]', 1, 4)), 7, 7),
    ),
  hostname,
  email,
  // HTTP URLs only, a subset of the format.
  uri: () =>
    sequence(
      '"http" "s"? "://"',
      hostname(),
      repeat(sequence('"/"', repeat('[-._~0-9a-zA-Z]', 0)), 0),
    ),
};

export const isKnownFormat = (format: string): boolean => Object.hasOwn(formats, format);

/** A JSON string of a known format. */
export function stringOfFormat(rules: Rules, format: string): Expression {
  const make = formats[format] as () => Expression;
  return sequence(quote, rules.shared(`format-${format}`, make), quote);
}
