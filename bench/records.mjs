// The grammar of the trial `grammar`, an endless array of JSON records, and a validator for its
// output that does not use the grammar.

export const records = `root   ::= "[" record more
more   ::= ",\\n" record more
record ::= "{" name ", " age ", " tags "}"
name   ::= "\\"name\\": " string
age    ::= "\\"age\\": " number
tags   ::= "\\"tags\\": [" string (", " string)? "]"
string ::= "\\"" [A-Za-z] [a-z ]{0,11} "\\""
number ::= "0" | [1-9] [0-9]{0,2}
`;

/** A complete record, equivalent to the grammar's rule. */
const completeRecord =
  /^\{"name": "[A-Za-z][a-z ]{0,11}", "age": (0|[1-9]\d{0,2}), "tags": \["[A-Za-z][a-z ]{0,11}"(, "[A-Za-z][a-z ]{0,11}")?\]\}$/;
/** A record whose suffixes can complete any truncated record. */
const sample = '{"name": "a", "age": 1, "tags": ["a", "a"]}';

/** Describes why a text is not a prefix of such an array; undefined if it is one. */
export function faultIn(text) {
  if (text === '') return undefined;
  if (text[0] !== '[') return 'not an array';
  const parts = text.slice(1).split(/(?<=\}),\n/);
  const last = parts.pop().replace(/(?<=\}),$/, '');
  const invalid = parts.find((part) => !completeRecord.test(part));
  if (invalid !== undefined) return `not a record: ${invalid}`;
  const endings = Array.from({ length: sample.length + 1 }, (_, at) => sample.slice(at));
  const isPrefix = last === '' || endings.some((ending) => completeRecord.test(last + ending));
  return isPrefix ? undefined : `not a prefix of a record: ${last}`;
}
