// Scopes, loops, macros and whitespace: the expected texts are those of Jinja2.

import { failures, templates } from './expected.js';

templates('what a loop sets is gone in its next iteration', [
  ['{% set x = 1 %}{% for y in [1, 2] %}{% set x = x + y %}{{ x }} {% endfor %}{{ x }}', '2 3 1'],
  ['{% for y in [1, 2] %}{{ z is defined }}{% set z = 1 %}{% endfor %}', 'FalseFalse'],
  [
    '{% set ns = namespace(x=1) %}{% for y in [1, 2] %}{% set ns.x = ns.x + y %}{% endfor %}{{ ns.x }}',
    '4',
  ],
  ['{% if true %}{% set x = 2 %}{% endif %}{{ x }}', '2'],
  ['{% with a=1 %}{% set b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}{{ b }}', '12'],
  ['{% generation %}{% set q = 1 %}{{ q }}{% endgeneration %}{{ q }}', '1'],
]);

templates('a loop knows its position and its neighbors', [
  [
    "{% for x in 'abc' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    '103TrueFalse3 212FalseFalse3 321FalseTrue3 ',
  ],
  ['{% for x in [none, 2] %}{{ loop.previtem }},{{ loop.nextitem }};{% endfor %}', ',2;None,;'],
  [
    "{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{{ loop.cycle('a', 'b') }}{% endfor %}",
    'TrueaFalsebTruea',
  ],
  [
    '{% for x in [1] recursive %}{{ x }}{{ loop.depth }}{% if x < 3 %}{{ loop([x + 1]) }}{% endif %}{% endfor %}',
    '112233',
  ],
]);

templates('a loop runs over any sequence, unpacks items and filters them', [
  [
    '{% for k, v in data.items() %}{{ k }}={{ v }};{% endfor %}',
    "b=1;a=[1, 'x', None];C={'k': True};",
  ],
  ['{% for k in data %}{{ k }}{% endfor %}', 'baC'],
  ["{% for c in 'a\ud83d\ude00' %}[{{ c }}]{% endfor %}", '[a][\ud83d\ude00]'],
  ['{% for x in [1, 2, 3] if x != 2 %}{{ x }}{{ loop.length }}{% else %}none{% endfor %}', '1232'],
  ['{% for x in [] %}a{% else %}empty{% endfor %}', 'empty'],
  ['{% for x in undefined_name %}a{% else %}u{% endfor %}', 'u'],
  ['{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}', '123'],
  ['{% for x in 1, 2 %}{{ x }}{% endfor %}', '12'],
  [
    '{% for x in [1, 2, 3] %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% break %}{% endfor %}',
    '2',
  ],
  [
    '{% set ns = namespace(go=true) %}{% for x in [1, 2] if ns.go %}{{ x }}{% set ns.go = false %}{% endfor %}',
    '1',
  ],
]);

templates('an iterator is read once', [
  [
    "{% set g = [1, 2] | map('string') %}{{ g | list }}{{ g | list }}{% if g %}true{% endif %}",
    "['1', '2'][]true",
  ],
  [
    '{% set g = [1, 2] | select %}{% for x in g %}{{ x }}{{ loop.last }}{% endfor %}{% for x in g %}again{% endfor %}',
    '1False2True',
  ],
]);

templates('a macro sees where it is defined, not where it is called', [
  [
    '{% macro f() %}{{ y }}{% endmacro %}{% for y in [1] %}{{ f() }}{% endfor %}|{% set y = 5 %}{{ f() }}',
    '|5',
  ],
  [
    '{% macro f(a, b=2, c=a) %}[{{ a }},{{ b }},{{ c }}]{% endmacro %}{{ f(1) }}{{ f(1, c=3) }}{{ f() }}{{ f(b=1) }}',
    '[1,2,1][1,2,3][,2,][,1,]',
  ],
  ['{% macro f(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, z=3) }}', "(2,){'z': 3}"],
  ['{% macro f(x) %}<{{ caller(x) }}>{% endmacro %}{% call(z) f(3) %}{{ z }}{% endcall %}', '<3>'],
  ['{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(2) }}', '210'],
  ["{% macro f(a) %}{{ a }}{% endmacro %}{{ f(*[1]) }}{{ f(**{'a': 2}) }}", '12'],
]);

templates('blocks are set and filtered', [
  ['{% set x %}a {{ 1.0 }} b{% endset %}{{ x | length }}', '7'],
  ['{% set x | upper | trim %} a {% endset %}[{{ x }}]', '[A]'],
  ["{% filter replace('a', 'b') | upper %}aa{% endfilter %}", 'BB'],
  ['{% set a, b = 1, 2 %}{% set a, b = b, a %}{{ a }}{{ b }}', '21'],
  ['{% print 1, none %}', '1None'],
]);

templates('tags strip whitespace as Jinja2 does with trim_blocks and lstrip_blocks', [
  [
    'a\n  {% if true %}\n    b\n  {% endif %}\nc   {% if true %}  d  {% endif %}   \n   {{ 1 }}   \n   {# c #}   \n e\n',
    'a\n    b\nc     d     \n   1   \n   \n e',
  ],
  ['a {%- if true -%}  b  {%- endif %} c {{- 1 -}} d {#- c -#} e', 'ab c1de'],
  ['  {%+ if true %}x{% endif +%}\ny', '  x\ny'],
  ['a\r\n{% if true %}\r\nb\r\n{% endif %}\r\n', 'a\nb\n'],
  ['a\n\n', 'a\n'],
  ['{{ 1 }}\n', '1'],
  ['{% raw %}{{ x }} {% if %}{% endraw %}\nb', '{{ x }} {% if %}b'],
  ['a\u001c{%- if true %}b{% endif %}', 'ab'],
  ['\ufeff{%- if true %}b{% endif %}', '\ufeffb'],
  ['text %}\n b #}\n  {- c -}\n d', 'text %}\n b #}\n  {- c -}\n d'],
  ["{{ '{% if %}\n  {% x' }}", '{% if %}\n  {% x'],
  ["{{ {'a': {'b': 1}} }}{{ {'a': {'b': 1}}}}", "{'a': {'b': 1}}{'a': {'b': 1}}"],
]);

templates('literals have the escapes of Jinja2', [
  ["{{ '\\x41\\u00e9\\U0001F600\\101\\d\\'' }}", "A\u00e9\ud83d\ude00A\\d'"],
  ["{{ 'a' 'b' }}", 'ab'],
  ['{{ "a\\\nb" }}', 'ab'],
]);

failures('statements that Jinja2 refuses, or that are not supported, are refused', [
  '{% for x in none %}{% endfor %}',
  '{% for x in 1 %}{% endfor %}',
  '{% for a, b in [[1]] %}{% endfor %}',
  '{% set a, b = [1] %}',
  '{% set data.b = 1 %}',
  '{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}',
  '{% macro f(a) %}{% endmacro %}{{ f(z=1) }}',
  '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
  '{% do [].append(1) %}',
  "{% include 'x' %}",
  "{% extends 'x' %}",
  '{% block x %}{% endblock %}',
  '{% autoescape true %}{% endautoescape %}',
  '{% if true %}',
  '{% endif %}',
  '{{ 1 2 }}',
  '{{ [1 2] }}',
  "{{ 'a }}",
  '{{ }}',
  '{{ ( }}',
  '{% break %}',
  '{{ loop.index }}',
  "{{ '\\N{DASH}' }}",
  "{{ '\\xZZ' }}",
  '{% raw %}',
  '{# x',
  '{{ range(1, 2, 0) }}',
]);
