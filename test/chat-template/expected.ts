// Tests of templates in tables: each with the text that Jinja2 renders, or without one if the
// template must be refused.

import { ChatTemplate } from 'autocog-lm/chat';
import t from 'tap';

/** Variables of every template. */
const prelude =
  "{% set data = {'b': 1, 'a': [1, 'x', none], 'C': {'k': true}} %}" +
  "{% set users = [{'role': 'user', 'name': 'Zoe', 'n': 2}, {'role': 'Bot', 'name': 'adam', 'n': 1}, {'name': 'Bo', 'n': 2}] %}";

const render = (template: string): string => new ChatTemplate(prelude + template).render([]);

/** Renders templates and compares their texts. */
export function templates(name: string, cases: readonly (readonly [string, string])[]): void {
  t.test(name, async (t) => {
    for (const [template, text] of cases) t.equal(render(template), text, template);
  });
}

/** Prints expressions and compares their texts. */
export function expressions(name: string, cases: readonly (readonly [string, string])[]): void {
  templates(
    name,
    cases.map(([expression, text]) => [`{{ ${expression} }}`, text]),
  );
}

/** Checks that templates or expressions are refused. */
export function failures(name: string, cases: readonly string[]): void {
  t.test(name, async (t) => {
    for (const source of cases) {
      const template = /^\{[{%#]/.test(source) ? source : `{{ ${source} }}`;
      t.throws(() => render(template), { code: 'NOT_SUPPORTED' }, source);
    }
  });
}
