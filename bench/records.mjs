// The grammar of the trial `grammar`: an array of JSON records that never ends, and what reads
// such a text without a grammar.

export const records = `root   ::= "[" record more
more   ::= ",\\n" record more
record ::= "{" name ", " age ", " tags "}"
name   ::= "\\"name\\": " string
age    ::= "\\"age\\": " number
tags   ::= "\\"tags\\": [" string (", " string)? "]"
string ::= "\\"" [A-Za-z] [a-z ]{0,11} "\\""
number ::= "0" | [1-9] [0-9]{0,2}
`;

/** A record as the grammar has it, and what one may be cut off to. */
const whole =
  /^\{"name": "[A-Za-z][a-z ]{0,11}", "age": (0|[1-9]\d{0,2}), "tags": \["[A-Za-z][a-z ]{0,11}"(, "[A-Za-z][a-z ]{0,11}")?\]\}$/;
/** With this a record that is cut off somewhere can be gone on with, from that place of it. */
const sample = '{"name": "a", "age": 1, "tags": ["a", "a"]}';

/** What is wrong with a text that is to be the beginning of such an array, if anything is. */
export function faultIn(text) {
  if (text === '') return undefined;
  if (text[0] !== '[') return 'no array';
  const parts = text.slice(1).split(/(?<=\}),\n/);
  const last = parts.pop().replace(/(?<=\}),$/, '');
  const wrong = parts.find((part) => !whole.test(part));
  if (wrong !== undefined) return `no record: ${wrong}`;
  const endings = Array.from({ length: sample.length + 1 }, (_, at) => sample.slice(at));
  const canGoOn = last === '' || endings.some((ending) => whole.test(last + ending));
  return canGoOn ? undefined : `no beginning of a record: ${last}`;
}
