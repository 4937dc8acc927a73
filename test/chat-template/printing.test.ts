// How values are printed, alone, in lists and as JSON: the expected texts are those of Jinja2.

import { expressions, failures } from './expected.js';

expressions('constants are printed with their names in Jinja2', [
  ['true', 'True'],
  ['false', 'False'],
  ['none', 'None'],
  ['[true, none]', '[True, None]'],
  ['true ~ none', 'TrueNone'],
  ['undefined_name', ''],
  ['[undefined_name]', '[Undefined]'],
  ['true | string', 'True'],
  ['true | lower', 'true'],
  ["[true, none] | join(' ')", 'True None'],
]);

expressions('lists, tuples and dictionaries print their items as literals', [
  ['data', "{'b': 1, 'a': [1, 'x', None], 'C': {'k': True}}"],
  [
    'users',
    "[{'role': 'user', 'name': 'Zoe', 'n': 2}, {'role': 'Bot', 'name': 'adam', 'n': 1}, {'name': 'Bo', 'n': 2}]",
  ],
  ['[]', '[]'],
  ['()', '()'],
  ['(1,)', '(1,)'],
  ["(1, 'a')", "(1, 'a')"],
  ['{}', '{}'],
  ["{1: 'a', none: 2, (1, 2): 3.5}", "{1: 'a', None: 2, (1, 2): 3.5}"],
  ['data.keys()', "dict_keys(['b', 'a', 'C'])"],
  ['data.items()', "dict_items([('b', 1), ('a', [1, 'x', None]), ('C', {'k': True})])"],
  ['range(3)', 'range(0, 3)'],
  ['range(4, 0, -2)', 'range(4, 0, -2)'],
  ["'a' ~ ['b']", "a['b']"],
  ['dict(a=1)', "{'a': 1}"],
  ['namespace(a=[1])', "<Namespace {'a': [1]}>"],
]);

expressions('quoted texts escape what cannot be printed', [
  ['["it\'s"]', '["it\'s"]'],
  ["['a\"b']", "['a\"b']"],
  ["['it\\'s \"x\"']", "['it\\'s \"x\"']"],
  [
    "['\\n\\t\\r\\\\ \\x07\\x7f\\xa0\\u200b\\ue000']",
    "['\\n\\t\\r\\\\ \\x07\\x7f\\xa0\\u200b\\ue000']",
  ],
  ["['\u00e9 \u6f22 \\U0001F600']", "['\u00e9 \u6f22 \ud83d\ude00']"],
]);

expressions('floats are the shortest text, and keep their point', [
  ['1.0', '1.0'],
  ['1.5', '1.5'],
  ['-0.0', '-0.0'],
  ['1e15', '1000000000000000.0'],
  ['1e16', '1e+16'],
  ['1e22', '1e+22'],
  ['1e-4', '0.0001'],
  ['1.5e-5', '1.5e-05'],
  ['0.1 + 0.2', '0.30000000000000004'],
  ['10 / 2', '5.0'],
  ['1 / 3', '0.3333333333333333'],
  ['3 | float', '3.0'],
  ['123456.789e3', '123456789.0'],
  ['[1e100, -1.5e-10]', '[1e+100, -1.5e-10]'],
]);

expressions('integers are exact', [
  ['10000000000000000000000', '10000000000000000000000'],
  ['2 ** 100', '1267650600228229401496703205376'],
  ['9007199254740993', '9007199254740993'],
  ['1_000', '1000'],
  ['0x1f + 0b11 + 0o17', '49'],
  ['9007199254740993 * 3', '27021597764222979'],
]);

expressions('JSON has spaces, and the characters themselves', [
  ['data | tojson', '{"b": 1, "a": [1, "x", null], "C": {"k": true}}'],
  [
    "[1.0, true, none, '\u00e9\"\\n\ud83d\ude00'] | tojson",
    '[1.0, true, null, "\u00e9\\"\\n\ud83d\ude00"]',
  ],
  ["'\u00e9\ud83d\ude00\\x7f' | tojson(ensure_ascii=true)", '"\\u00e9\\ud83d\\ude00\\u007f"'],
  ["{1: 'a', true: 2, none: 3} | tojson", '{"1": 2, "null": 3}'],
  [
    'data | tojson(indent=2)',
    '{\n  "b": 1,\n  "a": [\n    1,\n    "x",\n    null\n  ],\n  "C": {\n    "k": true\n  }\n}',
  ],
  ['[[], {}] | tojson(indent=1)', '[\n [],\n {}\n]'],
  ["data | tojson(separators=(',', ':'))", '{"b":1,"a":[1,"x",null],"C":{"k":true}}'],
  ["data.C | tojson(indent='..')", '{\n.."k": true\n}'],
  ["{'b': 1, 'a': 2} | tojson(sort_keys=true)", '{"a": 2, "b": 1}'],
  ["('inf' | float) | tojson", 'Infinity'],
  ['(1, 2) | tojson', '[1, 2]'],
  ["'<a>&' | tojson", '"<a>&"'],
]);

expressions('values are formatted by directives and fields', [
  ["'%s and %r' % ('a', 'b')", "a and 'b'"],
  ["'%5.2f|%-5s|%05d' % (1.005, 'a', -3)", ' 1.00|a    |-0003'],
  ["'%(x)s' % {'x': none}", 'None'],
  ["'%s-%s' | format('a', true)", 'a-True'],
  ["'{} {}'.format('a', 1.0)", 'a 1.0'],
  ["'{1}{0}{n}'.format('a', 'b', n=none)", 'baNone'],
  ["'{{{}}}'.format(1)", '{1}'],
  ["'%d%%' % 7", '7%'],
]);

failures('what has no reproducible text is refused', [
  "[1] | map('string')",
  'range',
  "'a'.upper",
  "'%x' % 255",
  "'{:>5}'.format(1)",
  "cycler('a')",
  'undefined_name | tojson',
  '[undefined_name] | tojson',
  'range(3) | tojson',
]);
