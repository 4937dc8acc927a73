// The methods of strings: the expected texts are those of Jinja2.

import { expressions, failures } from './expected.js';

expressions('strip removes the characters that it is given', [
  ["'  x '.strip() ~ '|'", 'x|'],
  ["'    code\\n\\n'.strip('\\n') ~ '|'", '    code|'],
  ["'  x '.lstrip() ~ '|'", 'x |'],
  ["'  x '.rstrip() ~ '|'", '  x|'],
  ["'xxaxx'.lstrip('x')", 'axx'],
  ["'xxaxx'.rstrip('x')", 'xxa'],
  ["'<s>a</s>'.strip('</s>')", 'a'],
  ["'\\n    a'.lstrip('\\n')", '    a'],
  ["'a '.strip(none) ~ '|'", 'a|'],
  ["'a'.strip('')", 'a'],
  ["['\\x1c\\x85\\ufeff a\\u3000'.strip()]", "['\\ufeff a']"],
]);

expressions('split has a separator and a limit', [
  ["' a  b c '.split()", "['a', 'b', 'c']"],
  ["' a  b c '.split(none, 1)", "['a', 'b c ']"],
  ["' a  b c '.split(' ')", "['', 'a', '', 'b', 'c', '']"],
  ["'a,b,c'.split(',', 1)", "['a', 'b,c']"],
  ["'a,b,c'.split(',', maxsplit=0)", "['a,b,c']"],
  ["'a,b,c'.rsplit(',', 1)", "['a,b', 'c']"],
  ["' a  b c '.rsplit(none, 1)", "[' a  b', 'c']"],
  ["''.split()", '[]'],
  ["''.split(',')", "['']"],
  ["'aaa'.rsplit('aa', 1)", "['a', '']"],
  ["'</think>x'.split('</think>')[-1]", 'x'],
  ["'a\\n\\nb\\r\\nc'.splitlines()", "['a', '', 'b', 'c']"],
  ["'a\\nb\\n'.splitlines(true)", "['a\\n', 'b\\n']"],
]);

expressions('parts are found, counted and cut off', [
  ["'a-b-c'.partition('-')", "('a', '-', 'b-c')"],
  ["'a-b-c'.rpartition('-')", "('a-b', '-', 'c')"],
  ["'abc'.partition('-')", "('abc', '', '')"],
  ["'abc'.rpartition('-')", "('', '', 'abc')"],
  ["'abcabc'.find('c')", '2'],
  ["'abcabc'.find('c', 3)", '5'],
  ["'abcabc'.rfind('b')", '4'],
  ["'abc'.find('z')", '-1'],
  ["'abc'.index('b')", '1'],
  ["'banana'.count('an')", '2'],
  ["'abc'.count('')", '4'],
  ["'abcabc'.count('a', 1)", '1'],
  ["'unhappy'.removeprefix('un')", 'happy'],
  ["'a.txt'.removesuffix('.txt')", 'a'],
]);

expressions('beginnings and ends are compared with one text or several', [
  ["'abc'.startswith('ab')", 'True'],
  ["'abc'.startswith(('x', 'a'))", 'True'],
  ["'abc'.endswith(('c', 'x'))", 'True'],
  ["'abc'.startswith('b', 1)", 'True'],
  ["'abc'.endswith('b', 0, 2)", 'True'],
  ["'abc'.startswith(())", 'False'],
]);

expressions('replace has a limit', [
  ["'aaa'.replace('a', 'b')", 'bbb'],
  ["'aaa'.replace('a', 'b', 2)", 'bba'],
  ["'aaa'.replace('a', 'b', -1)", 'bbb'],
  ["'a\ud83d\ude00'.replace('', '-')", '-a-\ud83d\ude00-'],
  ["'abc'.replace('', '-', 2)", '-a-bc'],
]);

expressions('letters change their case', [
  ['"they\'re here".title()', "They'Re Here"],
  ['"they\'re here" | title', "They're Here"],
  ["'foo-bar (baz)' | title", 'Foo-Bar (Baz)'],
  ["'hELLO wORLD'.capitalize()", 'Hello world'],
  ["'\u00dfa'.capitalize()", 'Ssa'],
  ["'\u01c6'.title()", '\u01c5'],
  ["'\u0391\u03a3 \u03a3'.title()", '\u0391\u03c2 \u03a3'],
  ["'stra\u00dfe'.upper()", 'STRASSE'],
  ["'\u0391\u03a3'.lower()", '\u03b1\u03c2'],
  ["''.capitalize()", ''],
]);

expressions('texts are padded', [
  ["'7'.zfill(3)", '007'],
  ["'-7'.zfill(4)", '-007'],
  ["'ab'.center(5) ~ '|'", '  ab |'],
  ["'ab'.center(7, '*')", '***ab**'],
  ["'a'.ljust(3, '.')", 'a..'],
  ["'a'.rjust(3)", '  a'],
]);

expressions('characters are classified', [
  ["'abc1'.isalnum()", 'True'],
  ["'a b'.isalpha()", 'False'],
  ["'12'.isdigit()", 'True'],
  ["'\u00b2'.isdigit()", 'True'],
  ["'\u00b2'.isdecimal()", 'False'],
  ["' \\n'.isspace()", 'True'],
  ["'aB'.islower()", 'False'],
  ["'AB1'.isupper()", 'True'],
  ["''.isdigit()", 'False'],
  ["'\u00e9'.isascii()", 'False'],
  ["'1' is lower", 'False'],
]);

expressions('join takes texts only', [
  ["', '.join(['a', 'b'])", 'a, b'],
  ["''.join('abc')", 'abc'],
  ["'-'.join(data)", 'b-a-C'],
]);

failures('arguments that Jinja2 does not take are refused', [
  "'a'.strip(1)",
  "'a'.split('')",
  "'a'.split('b', 1, 2)",
  "'a'.startswith(['a'])",
  "'abc'.index('z')",
  "','.join([1])",
  "'a'.upper(1)",
  "'a'.nothing()",
  "'a'.replace('a')",
  "'a'.swapcase()",
]);
