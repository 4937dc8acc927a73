// Checks README's table of what each class can do against the classes.

import { readFileSync } from 'node:fs';
import { LLaMa } from 'autocog-lm';
import { OpenAI } from 'autocog-lm/openai';
import { TfLM } from 'autocog-lm/transformers';
import t from 'tap';

const classes = { LLaMa, TfLM, OpenAI };
const cellsOf = (line: string): string[] => line.split('|').slice(1, -1);
const lines = readFileSync('README.md', 'utf8').split('\n');
const head = lines.findIndex((line) => line.startsWith('| | `LLaMa` |'));
const rows = lines.slice(head + 2, lines.indexOf('', head)).map(cellsOf);
const names = cellsOf(lines[head] ?? '').map((cell) => cell.replaceAll('`', '').trim());

t.test('a class has the methods of a row, unless its cell is "no"', async (t) => {
  t.same(names.slice(1), Object.keys(classes));
  let count = 0;
  for (const [feature = '', ...cells] of rows) {
    const methods = [...feature.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '');
    for (const method of methods.filter((name) => name in LLaMa.prototype)) {
      count++;
      for (const [index, cell] of cells.entries()) {
        const [name, { prototype }] = Object.entries(classes)[index] ?? ['', LLaMa];
        t.equal(method in prototype, !/^ no\b/.test(cell), `${method} of ${name}`);
      }
    }
  }
  t.ok(count > 10, `${count} methods`);
});
