// What a template may take: far more than any honest one, and an error beyond that, whichever part
// of the language it loops or grows with. No rendering holds up the event loop for long.

import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { defaultModelPath, LLaMa } from 'autocog-lm';
import { ChatTemplate, Thread } from 'autocog-lm/chat';
import t from 'tap';

/** Doubles `ns.s` a hundred times. */
const grow = (start: string, step: string, end: string): string =>
  `{% set ns = namespace(s=${start}) %}{% for i in range(100) %}{% set ns.s = ${step} %}{% endfor %}${end}`;
const steps = 'the limit for a template';

const endless: Record<string, string> = {
  'nested loops':
    '{% for i in range(1000000) %}{% for j in range(1000000) %}{% endfor %}{% endfor %}',
  'loops that print':
    '{% for i in range(1000000) %}{% for j in range(1000000) %}{{ i }}{% endfor %}{% endfor %}',
  'a text that doubles': grow("'a'", 'ns.s ~ ns.s', '{{ ns.s }}'),
  'a list that doubles': grow('[1]', 'ns.s + ns.s', ''),
  'a tuple that doubles': grow('(1,)', 'ns.s + ns.s', ''),
  'a list that contains itself twice': grow('[1]', '[ns.s, ns.s]', '{{ ns.s }}'),
  'its JSON': grow('[1]', '[ns.s, ns.s]', '{{ ns.s | tojson }}'),
  'its equality': grow('[1]', '[ns.s, ns.s]', '{{ ns.s == ns.s + [] }}'),
  'its hash': grow('(1,)', '(ns.s, ns.s)', '{{ {ns.s: 1} }}'),
  'an integer that squares': grow('3', 'ns.s * ns.s', '{{ ns.s }}'),
  'a power': '{{ 9 ** 9 ** 9 ** 9 * (7 ** 30000) }}',
  'a macro that calls itself twice':
    '{% macro m(n) %}{% if n < 40 %}{{ m(n + 1) }}{{ m(n + 1) }}{% endif %}{% endmacro %}{{ m(0) }}',
  'a macro within an expression':
    "{% macro m(n) %}{% if n < 40 %}{{ m(n + 1) ~ m(n + 1) }}{% endif %}{% endmacro %}{{ 'a' ~ m(0) }}",
  'lists of a million': '{% for i in range(1000) %}{% set x = range(1000000) | list %}{% endfor %}',
  'a condition that loops':
    '{% for i in range(1000000) if range(1000000) | list | length > 1 %}{% endfor %}',
  sorting: '{% for i in range(1000) %}{% set x = range(100000) | sort %}{% endfor %}',
  'a text of code points': "{{ ('é' * 9000000) | list | length }}",
  'a text repeated': "{% set s = 'a' * 1000000 %}{{ s.replace('a', s) }}",
  'a search': "{% set s = 'a' * 9000000 %}{{ 'a' * 1000000 ~ 'b' in s }}",
  joins: "{{ range(100000) | join('a' * 100000) }}",
  indentation: "{{ ('a\n' * 100000) | indent(100000) }}",
  'indented JSON': '{{ [[[1]]] | tojson(indent=400000000) }}',
  'a format': "{{ '%400000000d' % 1 }}",
  slices: '{{ [1] | slice(1000000000) | list }}',
  'filled batches': '{{ [1] | batch(1000000000, 0) | list }}',
  digits: "{{ ('9' * 1000000) | int }}",
  dates: "{{ strftime_now('%F' * 4000000) }}",
};

t.test('templates without end fail within the limits', async (t) => {
  for (const [name, source] of Object.entries(endless)) {
    const template = new ChatTemplate(source);
    t.throws(() => template.render([]), { code: 'NOT_SUPPORTED', message: steps }, name);
  }
  const many = "{% set s = 'a' * 9000000 %}{{ s.split('a') | length }}";
  t.throws(() => new ChatTemplate(many).render([]), { message: 'too many parts' });
});

t.test('what recurses too deep is refused', async (t) => {
  const deep = 'nested too deep';
  const failing = [
    '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}',
    '{% for i in [[1]] recursive %}{{ loop([i]) }}{% endfor %}',
    `{{ 1${' + 1'.repeat(100_000)} }}`,
    "{% set ns = namespace(m=[1]) %}{% for i in range(50000) %}{% set ns.m = ns.m | map('upper') %}{% endfor %}{{ ns.m | list }}",
  ];
  for (const source of failing) {
    t.throws(() => new ChatTemplate(source).render([]), { code: 'NOT_SUPPORTED', message: deep });
  }
  for (const source of [
    `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`,
    '{% if 1 %}'.repeat(50_000) + '{% endif %}'.repeat(50_000),
  ]) {
    t.throws(() => new ChatTemplate(source), { code: 'NOT_SUPPORTED', message: deep });
  }
});

t.test('long templates are parsed in linear time', async (t) => {
  const long = 200_000;
  const text = new ChatTemplate(`${' '.repeat(long)}x{%- if 1 %}{% endif %}`).render([]);
  t.equal(text.length, long + 1);
  t.equal(new ChatTemplate(`{{ ('${'9'.repeat(long)}x') | float }}`).render([]), '0.0');
  t.throws(() => new ChatTemplate(`{%${' '.repeat(long)}`), { code: 'NOT_SUPPORTED' });
  t.throws(() => new ChatTemplate(`{{ ${'9'.repeat(long)} }}`), { code: 'NOT_SUPPORTED' });
  const formatted = new ChatTemplate(`{{ '${'%('.repeat(20_000)}' % 1 }}`);
  t.throws(() => formatted.render([]), { code: 'NOT_SUPPORTED' });
});

t.test("an error has no more than the beginning of a template's own text", async (t) => {
  const template = new ChatTemplate("{{ raise_exception('a' * 1000000) }}");
  try {
    template.render([]);
  } catch (error) {
    t.ok((error as Error).message.length < 1000);
  }
});

t.test('known templates render conversations of a thousand messages', async (t) => {
  const folder = 'llama.cpp/models/templates';
  const messages = Array.from({ length: 1001 }, (_, index) => {
    return { role: index % 2 === 0 ? ('user' as const) : ('bot' as const), content: `m${index}` };
  });
  let rendered = 0;
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.jinja'))) {
    const template = new ChatTemplate(readFileSync(`${folder}/${file}`, 'utf8'));
    try {
      t.match(template.render(messages), 'm1000', file);
      rendered++;
    } catch (error) {
      t.notMatch((error as Error).message, steps, file);
    }
  }
  t.ok(rendered > 40, `${rendered} templates`);
});

t.test('a long rendering lets others run, and ends with its signal', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 512 });
  const loop = '{% for i in range(100000) %}{% set x = i + 1 %}{% endfor %}';
  const template = `${loop}{% for m in messages %}{{ m.content }}{% endfor %}`;
  const thread = new Thread(lm, { template, maxTokens: 2 });
  let turns = 0;
  let isDone = false;
  const counting = (async () => {
    while (!isDone) {
      await setImmediate();
      turns++;
    }
  })();
  await thread.send('Hello');
  isDone = true;
  await counting;
  t.ok(turns > 10, `${turns} turns of the event loop`);
  const controller = new AbortController();
  const sending = thread.send('Hello', { signal: controller.signal });
  await setImmediate();
  controller.abort();
  await t.rejects(sending, { name: 'AbortError' });
});
