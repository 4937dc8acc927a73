// Arithmetic, comparison, membership, items and slices: the expected texts are those of Jinja2.

import { expressions, failures } from './expected.js';

expressions('division rounds down, and a remainder has the sign of its divisor', [
  ['-7 % 3', '2'],
  ['7 % -3', '-2'],
  ['-7 // 2', '-4'],
  ['7 // -2', '-4'],
  ['-7.5 % 2', '0.5'],
  ['7.5 // -2', '-4.0'],
  ['-6 % 3', '0'],
  ['7 % 2.5', '2.0'],
  ['true % 2', '1'],
]);

expressions('operators bind as in Jinja2', [
  ['2 + 3 * 4 - 1', '13'],
  ['-2 ** 2', '4'],
  ['2 ** 3 ** 2', '64'],
  ['1 ~ 2 ~ none', '12None'],
  ["'a' ~ 1 * 2", 'a2'],
  ['not 1 == 2', 'True'],
  ['1 < 2 < 3', 'True'],
  ['3 > 2 > 2', 'False'],
  ['1 == 1 == 1', 'True'],
  ['(1 == 2) != true', 'True'],
  ['1 if false else 2 if false else 3', '3'],
  ['-1 | abs', '1'],
  ['- -1', '1'],
  ['2 is divisibleby 2 and 3 is odd', 'True'],
  ["'x' if false", ''],
]);

expressions('numbers are equal by value, and nothing else is equal to a number', [
  ['1 == 1.0', 'True'],
  ['1 == true', 'True'],
  ["'1' == 1", 'False'],
  ['none == false', 'False'],
  ['[] == []', 'True'],
  ['[1, [2]] == [1.0, [2]]', 'True'],
  ['[1] == (1,)', 'False'],
  ["{'a': 1} == {'a': 1.0}", 'True'],
  ['undefined_name == none', 'False'],
  ['undefined_name == undefined_name', 'True'],
  ['9007199254740993 == 9007199254740992.0', 'False'],
]);

expressions('values are ordered by kind', [
  ["'\u00e9' < 'z'", 'False'],
  ["'\\uffff' < '\ud83d\ude00'", 'True'],
  ["'a' < 'B'", 'False'],
  ['[1, 2] < [1, 3]', 'True'],
  ['(1,) < (1, 0)', 'True'],
  ['true < 2', 'True'],
  ['1 < 1.5', 'True'],
]);

expressions('membership compares by value', [
  ['1.0 in [1]', 'True'],
  ['[1] in [[1]]', 'True'],
  ["'a' in 'abc'", 'True'],
  ["'b' in data", 'True'],
  ["'k' not in data", 'True'],
  ['2 in range(3)', 'True'],
  ["'a' in undefined_name", 'False'],
  ['1 in (2, true)', 'True'],
]);

expressions('texts and lists are added and multiplied', [
  ["'a' + 'b'", 'ab'],
  ['[1] + [none]', '[1, None]'],
  ['(1,) + (2,)', '(1, 2)'],
  ["'ab' * 2", 'abab'],
  ["2 * 'ab'", 'abab'],
  ['[0] * 2', '[0, 0]'],
  ["'a' * -1", ''],
  ['true + true', '2'],
]);

expressions('texts are counted and cut by their characters', [
  ["'a\ud83d\ude00\u00e9' | length", '3'],
  ["'a\ud83d\ude00\u00e9'[1]", '\ud83d\ude00'],
  ["'a\ud83d\ude00\u00e9'[-1]", '\u00e9'],
  ["'a\ud83d\ude00\u00e9'[1:]", '\ud83d\ude00\u00e9'],
  ["'a\ud83d\ude00\u00e9'[::-1]", '\u00e9\ud83d\ude00a'],
  ["'a\ud83d\ude00b'.find('b')", '2'],
  ["'a\ud83d\ude00' | list", "['a', '\ud83d\ude00']"],
  [
    "'a\ud83d\ude00b'.center(7, '\ud83d\ude00')",
    '\ud83d\ude00\ud83d\ude00a\ud83d\ude00b\ud83d\ude00\ud83d\ude00',
  ],
  ["'\ud83d\ude00'.zfill(3)", '00\ud83d\ude00'],
]);

expressions('slices have starts, ends and steps of any sign', [
  ['[0, 1, 2, 3, 4][1:3]', '[1, 2]'],
  ['[0, 1, 2, 3, 4][-2:]', '[3, 4]'],
  ['[0, 1, 2, 3, 4][::-1]', '[4, 3, 2, 1, 0]'],
  ['[0, 1, 2, 3, 4][3:0:-2]', '[3, 1]'],
  ['[0, 1, 2, 3, 4][:99]', '[0, 1, 2, 3, 4]'],
  ['[0, 1, 2, 3, 4][-99:2]', '[0, 1]'],
  ["'abc'[:-1]", 'ab'],
  ['(1, 2, 3)[1:]', '(2, 3)'],
  ['range(9)[2:8:3]', 'range(2, 8, 3)'],
  ['[1, 2][none:1]', '[1]'],
]);

expressions('a method hides an item of its name, and brackets show the item', [
  ["{'get': 1}['get']", '1'],
  ["{'a': {'keys': 5}}.a['keys']", '5'],
  ["{'x': 1}.x", '1'],
  ["data.get('zz')", 'None'],
  ["data.get('zz', 'y')", 'y'],
  ['data.get(none)', 'None'],
  ["data['a'].1", 'x'],
  ['data.a[0]', '1'],
  ['users[-1].n', '2'],
  ["{1: 'a'}[1]", 'a'],
  ["{1: 'a'}[1.0]", 'a'],
  ['[1, 2][true]', '2'],
]);

expressions('what is missing is empty', [
  ['data.zz', ''],
  ["data['zz']", ''],
  ["'a'.foo", ''],
  ['[1][9]', ''],
  ['none.foo', ''],
  ["[1]['x']", ''],
  ['data[[1]]', ''],
  ['data.zz is defined', 'False'],
  ["undefined_name ~ 'x'", 'x'],
  ["undefined_name or 'x'", 'x'],
  ["'a'.length", ''],
]);

failures('operands that Jinja2 does not combine are refused', [
  "'a' + 1",
  "'a' + none",
  '[1] + (2,)',
  "'a' * 2.0",
  "1 in 'abc'",
  "'a' in none",
  'none < 1',
  "'a' < 1",
  '1 // 0',
  '1 % 0',
  "-'a'",
  "undefined_name + 'a'",
  "'a' + undefined_name",
  'undefined_name.x',
  'undefined_name[0]',
  'data.zz.yy',
  'undefined_name()',
  'none()',
  'none[:1]',
  "'abc'[::0]",
  '2 ** 0.5',
  '2 ** -1',
  "'a' * 99999999",
  '[1].append(2)',
  'data.update({})',
  "'a'.__class__",
  "data.pop('b')",
  '{[1]: 2}',
  "'a'.casefold()",
  '10 ** 30 / 7',
]);
