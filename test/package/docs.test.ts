// Runs every JavaScript example of the README and of docs/, and compares its output with its
// comments: one `// → …` per line. An example continues the previous one unless it starts with an
// import.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';

const root = resolve(import.meta.dirname ?? '.', '..', '..');
const documents = ['README.md', ...readdirSync('docs').map((file) => join('docs', file))];

/** The programs of a document: examples that continue each other are joined. */
function programsOf(text: string): string[] {
  const programs: string[] = [];
  for (const [, code] of text.matchAll(/^```js\n(.*?)^```$/gms)) {
    if (programs.length === 0 || code?.startsWith('import ')) programs.push(code ?? '');
    else programs.push(`${programs.pop()}\n${code}`);
  }
  return programs;
}

const number = /-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/g;
const wordsOf = (line: string): string => line.replace(number, '#').replace(/\s+/g, ' ').trim();

/** Whether a printed line matches a comment; numbers are compared to the comment's precision. */
function matchesComment(printed: string, expected: string): boolean {
  if (wordsOf(printed) !== wordsOf(expected)) return false;
  const actual = printed.match(number) ?? [];
  return (expected.match(number) ?? []).every((digits, index) => {
    const decimals = /\.(\d+)/.exec(digits)?.[1]?.length ?? 0;
    const slack = decimals === 0 ? 1e-6 : 10 ** -decimals / 2;
    return Math.abs(Number(actual[index]) - Number(digits)) <= slack;
  });
}

function checkOutput(t: Test, stdout: string, code: string): void {
  const expected = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line as string);
  if (expected.length === 0) return;
  const printed = stdout.trimEnd().split('\n');
  t.equal(printed.length, expected.length, 'as many lines as comments');
  for (const [index, line] of expected.entries()) {
    const actual = printed[index] ?? '';
    t.ok(matchesComment(actual, line), `${actual} is ${line}`);
  }
}

for (const document of documents.filter((file) => file.endsWith('.md'))) {
  for (const [index, code] of programsOf(readFileSync(document, 'utf8')).entries()) {
    t.test(`program ${index + 1} of ${document} prints what its comments say`, async (t) => {
      // Inside the package, so that it can import the package by its own name.
      const file = join(root, `.example-${process.pid}-${index}.mjs`);
      writeFileSync(file, code);
      t.teardown(() => rmSync(file, { force: true }));
      const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
      t.equal(stderr, '');
      t.equal(status, 0);
      checkOutput(t, stdout, code);
    });
  }
}

t.test('the README and the pages on scoring and models have examples', async (t) => {
  for (const document of ['README.md', 'docs/scoring.md', 'docs/models.md']) {
    t.match(readFileSync(document, 'utf8'), /^```js$/m);
  }
});

t.test('a line that differs from its comment is detected', async (t) => {
  t.ok(matchesComment('b 0.5714285720504994', 'b 0.5714'));
  t.ok(matchesComment('[ -1.0000000001, true ]', '[ -1, true ]'));
  t.notOk(matchesComment('b 0.5714285720504994', 'b 0.5715'));
  t.notOk(matchesComment('b 0.5714285720504994', 'a 0.5714'));
  t.notOk(matchesComment('0.5 0.25', '0.5'));
  t.notOk(matchesComment('NaN', '0.5'));
});
