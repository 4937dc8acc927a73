// Chat templates: programs of Jinja's whole language, most of them nonsense, some that loop or grow
// without end, and known templates with parts cut out or repeated. Whatever a template is, it renders or
// fails with an error of the package, within its limits, with pauses and without.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ChatTemplate, renderInSteps } from '../../dist/esm/chat-template/template.js';
import { root } from '../run.mjs';
import { check, expectError, Tally } from './support/property.mjs';

const name = fc.constantFrom('a', 'b', 'ns', 'm', 'message', 'messages', 'loop', 'x', 'caller');
const count = fc.constantFrom(
  '0',
  '1',
  '-1',
  '2',
  '3',
  '100',
  '5000',
  '1000000',
  '99999999999999999999',
);
const leaf = fc.oneof(
  name,
  count,
  fc.constantFrom("'a'", "'äöü '", "'\\n'", "'<|im_end|>'", '1.5', 'none', 'true', '[]', '{}'),
  fc.constantFrom("'a' * 100000", 'range(1000000)', 'messages[0].content', 'loop.index0', 'ns.s'),
);
const filters = [
  ...['upper', 'lower', 'trim', 'length', 'list', 'string', 'tojson', 'first', 'last', 'sort'],
  ...[
    'reverse',
    'join',
    'unique',
    'items',
    'int',
    'float',
    'abs',
    'title',
    'capitalize',
    'wordcount',
  ],
  ...['escape', 'safe', 'sum', 'max', 'min', 'dictsort', 'count', 'e', 'd', 'random', 'indent(3)'],
  ...["join('ab')", "replace('a','bb')", 'center(80)', "default('x')", 'batch(2)', 'slice(3)'],
  ...["map('upper')", "select('odd')", "groupby('a')", "selectattr('role')", 'tojson(indent=4)'],
  ...["format('a', 1)", 'truncate(5)', 'round(2)', "attr('a')", 'indent(100000)', "map('tojson')"],
];
const { expression } = fc.letrec((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'template' },
    leaf,
    fc.tuple(tie('expression'), fc.constantFrom(...filters)).map(([e, f]) => `(${e})|${f}`),
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom(
          '+',
          '-',
          '*',
          '**',
          '/',
          '//',
          '%',
          '~',
          '==',
          '<',
          'in',
          'not in',
          'and',
          'or',
        ),
        tie('expression'),
      )
      .map(([a, o, b]) => `(${a}) ${o} (${b})`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `(${a})[${b}]`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `(${a})[${b}:]`),
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom(
          'strip',
          'split',
          'upper',
          'items',
          'get',
          'keys',
          'format',
          'find',
          'join',
        ),
        tie('expression'),
      )
      .map(([a, m, b]) => `(${a}).${m}(${b})`),
    fc.array(tie('expression'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `{'k': ${a}, 'l': ${b}}`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `(${a} if ${b} else ns)`),
    fc.tuple(tie('expression')).map(([a]) => `range(${a})`),
    fc.tuple(tie('expression')).map(([a]) => `m(${a})`),
    fc.tuple(tie('expression')).map(([a]) => `not ${a}`),
  ),
}));
const { statements } = fc.letrec((tie) => ({
  statements: fc
    .array(tie('statement'), { maxLength: 5, depthIdentifier: 'template' })
    .map((s) => s.join('')),
  statement: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'template' },
    fc.constantFrom(
      'text ',
      '\n',
      '  ',
      '{# comment #}',
      '{% raw %}{{ x }}{% endraw %}',
      '{%',
      '}}',
    ),
    expression.map((e) => `{{ ${e} }}`),
    fc.tuple(name, expression).map(([n, e]) => `{% set ${n} = ${e} %}`),
    fc.tuple(expression).map(([e]) => `{% set ns.s = ${e} %}`),
    fc
      .constantFrom('ns.s ~ ns.s', 'ns.s + ns.s', '[ns.s, ns.s]', "ns.s ~ 'abc'", 'ns.s + [1]')
      .map((e) => `{% for i in range(1000) %}{% set ns.s = ${e} %}{% endfor %}`),
    fc
      .tuple(name, expression, tie('statements'))
      .map(([n, e, s]) => `{% for ${n} in ${e} %}${s}{% endfor %}`),
    fc
      .tuple(name, tie('statements'))
      .map(([n, s]) => `{% for ${n} in messages recursive %}${s}{{ loop(messages) }}{% endfor %}`),
    fc
      .tuple(expression, tie('statements'))
      .map(([e, s]) => `{% if ${e} %}${s}{% else %}-{% endif %}`),
    fc.tuple(tie('statements')).map(([s]) => `{% macro m(x) %}${s}{% endmacro %}`),
    fc.tuple(tie('statements')).map(([s]) => `{% filter upper %}${s}{% endfilter %}`),
    fc.tuple(expression, tie('statements')).map(([e, s]) => `{% call m(${e}) %}${s}{% endcall %}`),
  ),
}));
const generated = statements.map((s) => `{% set ns = namespace(s='a') %}{% set m = none %}${s}`);

/** Known templates with cuts, and parts of one in another. */
function mutated() {
  const folder = join(root, 'llama.cpp', 'models', 'templates');
  const known = readdirSync(folder)
    .filter((file) => file.endsWith('.jinja'))
    .map((file) => readFileSync(join(folder, file), 'utf8'));
  const position = fc.double({ min: 0, max: 1, noNaN: true });
  const part = fc.tuple(fc.constantFrom(...known), position, position).map(([text, a, b]) => {
    const [from, to] = [a, b].map((at) => Math.floor(at * text.length)).sort((x, y) => x - y);
    return text.slice(from, to);
  });
  return fc
    .tuple(fc.constantFrom(...known), position, part, fc.nat(3))
    .map(([text, at, piece, times]) => {
      const cut = Math.floor(at * text.length);
      return text.slice(0, cut) + piece.repeat(times) + text.slice(cut);
    });
}

const message = fc.record({
  role: fc.constantFrom('system', 'user', 'bot'),
  content: fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constant('a '.repeat(5000))),
});

const codes = ['NOT_SUPPORTED'];

/** @returns {Promise<string>} what was found */
export async function fuzz(options) {
  const tally = new Tally();
  const source = fc.oneof({ weight: 3, arbitrary: generated }, { weight: 1, arbitrary: mutated() });
  const input = fc.tuple(source, fc.array(message, { maxLength: 6 }));
  const test = async ([text, messages]) => {
    const now = new Date(0);
    let template;
    try {
      template = new ChatTemplate(text);
    } catch (error) {
      tally.add(`${expectError(error, codes)} at parsing`);
      return;
    }
    const render = { now };
    const outcome = async (work) => {
      try {
        return await work();
      } catch (error) {
        return { error: `${expectError(error, codes)} ${error.message.slice(0, 200)}` };
      }
    };
    const atOnce = await outcome(() => template.render(messages, render));
    const inSteps = await outcome(() => renderInSteps(template, messages, render, undefined));
    const [a, b] = [atOnce, inSteps].map((each) => JSON.stringify(each));
    // How deep the stack is depends on the caller, and which limit comes first on the pauses.
    const isEither = [a, b].every((each) => /nested too deep|the limit for a template/.test(each));
    if (a !== b && !isEither) {
      throw new Error(`with pauses: ${b.slice(0, 500)}, at once: ${a.slice(0, 500)}`);
    }
    const isLimited = /"error":.*the limit for a template/.test(a);
    tally.add(typeof atOnce === 'string' ? 'rendered' : isLimited ? 'beyond a limit' : 'failed');
  };
  const runs = await check('templates', input, test, options);
  return `${runs} templates: ${tally}`;
}
