// Filters and tests: the expected texts are those of Jinja2.

import { expressions, failures } from './expected.js';

expressions('texts are trimmed, indented and cut', [
  ["'  a ' | trim ~ '|'", 'a|'],
  ["'xxax' | trim('x')", 'a'],
  ['none | trim', 'None'],
  ["'a\\n\\nb\\n' | indent", 'a\n\n    b\n'],
  ["'a\\nb' | indent(2, true)", '  a\n  b'],
  ["'a\\n\\nb' | indent(2, blank=true)", 'a\n  \n  b'],
  ["'a\\nb' | indent('> ')", 'a\n> b'],
  ["'foo bar baz qux' | truncate(9)", 'foo...'],
  ["'foo bar baz qux' | truncate(9, true)", 'foo ba...'],
  ["'foo bar baz' | truncate(9)", 'foo bar baz'],
  ["'aaa' | replace('a', 'b', 2)", 'bba'],
  ['12 | replace(1, 3)', '32'],
  ["'a b-c' | wordcount", '3'],
  ["'ab' | center(6) ~ '|'", '  ab  |'],
  ['\'<a> & "b"\' | e', '&lt;a&gt; &amp; &#34;b&#34;'],
  ["('<b>' | safe) + '<'", '<b>&lt;'],
  ["('a' | safe | trim) ~ '<'", 'a<'],
]);

expressions('a default replaces what is undefined, and with true what is false', [
  ["undefined_name | default('d')", 'd'],
  ["none | default('d')", 'None'],
  ["none | default('d', true)", 'd'],
  ["'' | default('d', boolean=true)", 'd'],
  ['undefined_name | default', ''],
  ["data.zz | d('x')", 'x'],
]);

expressions('lengths are those of sequences', [
  ["'\u00e9\ud83d\ude00' | length", '2'],
  ['[1, [2]] | length', '2'],
  ['data | length', '3'],
  ['undefined_name | length', '0'],
  ['range(5) | length', '5'],
  ['data.items() | count', '3'],
]);

expressions('items are mapped and selected', [
  ["users | map(attribute='name') | join(', ')", 'Zoe, adam, Bo'],
  ["users | map(attribute='role', default='-') | list", "['user', 'Bot', '-']"],
  ["['a', 'b'] | map('upper') | list", "['A', 'B']"],
  ['[1, none, 0] | select | list', '[1]'],
  ["[1, none, 0] | reject('none') | list", '[1, 0]'],
  ["users | selectattr('role') | map(attribute='n') | list", '[2, 1]'],
  ["users | selectattr('role', 'equalto', 'user') | list | length", '1'],
  ["users | rejectattr('n', 'gt', 1) | map(attribute='name') | first", 'adam'],
  ["users | selectattr('role', 'undefined') | list | length", '1'],
  ["none | selectattr('x') | list", '[]'],
  ["undefined_name | selectattr('x') | list", '[]'],
  ["none | map('upper') | list", '[]'],
  ["[[1, 'a'], [2, 'b']] | map(attribute=1) | list", "['a', 'b']"],
  ["[1, 2, 3] | select('in', [1, 3]) | list", '[1, 3]'],
  ["users | map('length') | list", '[3, 3, 2]'],
]);

expressions('the result of map or select is true even if it is empty', [
  ["([] | select) and 'true'", 'true'],
  ["'yes' if [] | map('upper') else 'no'", 'yes'],
  ["([] | select | list) or 'empty'", 'empty'],
]);

expressions('items are sorted, grouped and made unique', [
  ["['b', 'A', 'c'] | sort", "['A', 'b', 'c']"],
  ["['b', 'A', 'c'] | sort(case_sensitive=true)", "['A', 'b', 'c']"],
  ['[1, 3, 2] | sort(reverse=true)', '[3, 2, 1]'],
  ["users | sort(attribute='n,name') | map(attribute='name') | list", "['adam', 'Bo', 'Zoe']"],
  ["users | sort(attribute='name') | map(attribute='name') | list", "['adam', 'Bo', 'Zoe']"],
  ['data | dictsort', "[('a', [1, 'x', None]), ('b', 1), ('C', {'k': True})]"],
  ['data | dictsort(reverse=true)', "[('C', {'k': True}), ('b', 1), ('a', [1, 'x', None])]"],
  ["['a', 'A', 'b'] | unique | list", "['a', 'b']"],
  ['[1, 1.0, true, 2] | unique | list', '[1, 2]'],
  ["users | groupby('n') | map('first') | list", '[1, 2]'],
  ["users | groupby('n') | map(attribute='list') | map('length') | list", '[1, 2]'],
  ["['\\uffff', '\ud83d\ude00'] | sort", "['\\uffff', '\ud83d\ude00']"],
  ['[3, 1] | min', '1'],
  ["['b', 'A'] | max", 'b'],
  ["users | max(attribute='n')", "{'role': 'user', 'name': 'Zoe', 'n': 2}"],
  ['[1, 2.5] | sum', '3.5'],
  ["users | sum(attribute='n', start=10)", '15'],
]);

expressions('sequences are cut, joined and reversed', [
  ['[1, 2, 3] | batch(2) | list', '[[1, 2], [3]]'],
  ["[1, 2, 3] | batch(2, '-') | list", "[[1, 2], [3, '-']]"],
  ['[1, 2, 3] | slice(2) | list', '[[1, 2], [3]]'],
  ["[1, 2, 3] | slice(2, '-') | list", "[[1, 2], [3, '-']]"],
  ["[1, [2, 'x'], none] | join('-')", "1-[2, 'x']-None"],
  ["'abc' | join('-')", 'a-b-c'],
  ["'abc' | reverse", 'cba'],
  ['[1, 2] | reverse | list', '[2, 1]'],
  ['[] | first', ''],
  ['[1, 2] | last', '2'],
  ["'abc' | last", 'c'],
  ['data | first', 'b'],
  ['data | list', "['b', 'a', 'C']"],
  ['data | items | list', "[('b', 1), ('a', [1, 'x', None]), ('C', {'k': True})]"],
]);

expressions('numbers are converted and rounded', [
  ["'3.9' | int", '3'],
  ["' 12 ' | int", '12'],
  ["'x' | int", '0'],
  ["'x' | int(7)", '7'],
  ['none | int', '0'],
  ['true | int', '1'],
  ['-3.7 | int', '-3'],
  ["'1e3' | float", '1000.0'],
  ["'x' | float", '0.0'],
  ['2.5 | round', '2.0'],
  ['3.5 | round | int', '4'],
  ['2.675 | round(2)', '2.67'],
  ['1.25 | round(1)', '1.2'],
  ['5 | round', '5'],
  ["1.21 | round(1, 'ceil')", '1.3'],
  ["-1.5 | round(0, 'floor')", '-2.0'],
  ['-7 | abs', '7'],
  ["'inf' | float", 'inf'],
]);

expressions('tests compare kinds and values', [
  ['true is number', 'True'],
  ['true is integer', 'False'],
  ['1.0 is float', 'True'],
  ['1.0 is integer', 'False'],
  ["'a' is sequence", 'True'],
  ['data is sequence', 'True'],
  ['data is mapping', 'True'],
  ['none is iterable', 'False'],
  ['undefined_name is iterable', 'True'],
  ['4 is divisibleby(2)', 'True'],
  ['-3 is odd', 'True'],
  ['1 is lt 2', 'True'],
  ["'a' is in ['a']", 'True'],
  ['5 is not in [5]', 'False'],
  ['none is sameas none', 'True'],
  ["'a' is eq('a')", 'True'],
  ['undefined_name is undefined', 'True'],
  ['data.b is defined', 'True'],
  ['data is none', 'False'],
  ["'a' is string", 'True'],
  ['range is callable', 'True'],
  ['true is boolean', 'True'],
]);

failures('filters and tests that Jinja2 refuses, or that are not supported, are refused', [
  '1 | nothing',
  '1 is nothing',
  "[1] | map('nothing') | list",
  'none | length',
  '1 | list',
  "[1, 'a'] | sort",
  '[1, none] | max',
  '{} | items(1)',
  "'a' | trim(1)",
  '[1] | last(2)',
  '[1] | tojson(nothing=1)',
  "'a' | abs",
  '[[1]] | sum',
  '1 | dictsort',
  "['a' | safe]",
  'lipsum()',
  "'a' is odd",
  "'ff' | int(base=16)",
]);
