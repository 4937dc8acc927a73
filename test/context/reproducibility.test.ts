// Measures what docs/reproducibility.md promises: values that it lists as equal must be
// bit-identical, others within their bounds. The page's table of measurements is checked against
// the same bounds, so that neither can be changed alone.

import { readFileSync } from 'node:fs';
import { LLaMa, type LLaMaOptions, type Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { loadForm, oneThread } from '../support/forms.js';

interface Case {
  kind: string;
  name: string;
}

interface Result extends Case {
  worst: number;
  values: number;
}

interface Cases {
  cases: Case[];
  forms: { label: string; type: string; options: LLaMaOptions }[];
  measure(model: Model, options: LLaMaOptions, problems: number): Promise<Result[]>;
}

const script: string = '../../scripts/reproducibility-cases.mjs';
const { cases, forms, measure } = (await import(script)) as Cases;

/** The rows of the page's tables, by name; the cells of each, by column. */
function readRows(page: string): Map<string, Map<string, string>> {
  const rows = new Map<string, Map<string, string>>();
  let head: string[] = [];
  for (const row of page.split('\n').map((line) => line.split('|').slice(1, -1))) {
    const [name = '', ...cells] = row.map((cell) => cell.trim());
    if (cells.length === 0) head = [];
    else if (head.length === 0) head = cells;
    else rows.set(name, new Map(cells.map((cell, column) => [head[column] ?? '', cell])));
  }
  return rows;
}

const rows = readRows(readFileSync('docs/reproducibility.md', 'utf8'));
const cell = (row: string, column: string): string => rows.get(row)?.get(column) ?? '';
const sizeOf = (text: string): number => (text === 'equal' ? 0 : Number.parseFloat(text));

const kinds: Record<string, string> = {
  same: 'the same cells and kernels',
  cells: 'other cells of the KV buffer',
  kernels: 'other kernels',
};
const boundOf = ({ kind }: Case, column: string): number => sizeOf(cell(kinds[kind] ?? '', column));

t.test('the page has bounds, and its measurements are within them', async (t) => {
  for (const { label } of forms) {
    t.equal(boundOf({ kind: 'same', name: '' }, label), 0);
    for (const each of cases) {
      const reported = cell(each.name, label);
      t.match(
        reported,
        /^(equal|\d\.\de-\d+ \((<1|\d+)%\))$/,
        `${each.name}, ${label}: ${reported}`,
      );
      t.ok(sizeOf(reported) <= boundOf(each, label), `${reported} is within the bound`);
    }
  }
});

for (const { label, type, options } of forms) {
  t.test(`the bounds hold for ${label}`, async (t) => {
    const model = await loadForm(t, type);
    for (const result of await measure(model, { ...oneThread, ...options }, 6)) {
      const { name, worst, values } = result;
      const bound = boundOf(result, label);
      t.ok(values > 0 && worst <= bound, `${name}: ${worst} is within ${bound}`);
    }
  });
}

t.test('choose and chooseMany decode equal branches once', async (t) => {
  const model = await loadForm(t, 'F16');
  await using lm = new LLaMa(model, oneThread);
  const prompt = Int32Array.of(1, 2, 3);
  const path = Int32Array.of(4, 5, 6);
  const many = await lm.choose(prompt, new Array<Int32Array>(96).fill(path));
  t.equal(many.usage.decodedTokens, prompt.length + path.length - 1);
  await lm.clear();
  const tasks = Array.from({ length: 20 }, () => ({ prompt, choices: [path] }));
  t.equal(await decodedBy(lm, tasks), prompt.length + path.length - 1);
});

async function decodedBy(lm: LLaMa, tasks: Parameters<LLaMa['chooseMany']>[0]): Promise<number> {
  let decoded = 0;
  for await (const { usage } of lm.chooseMany(tasks)) decoded += usage.decodedTokens;
  return decoded;
}

t.test('tables and bounds are parsed correctly', async (t: Test) => {
  const page = '| | A | B |\n|---|---|---|\n| other cells | 1e-4 | equal |\n\ntext\n';
  const cells = readRows(page).get('other cells');
  t.equal(sizeOf(cells?.get('A') ?? ''), 1e-4);
  t.equal(sizeOf(cells?.get('B') ?? ''), 0);
  t.notOk(1e-4 <= sizeOf(''), 'a missing row is not a bound');
});
