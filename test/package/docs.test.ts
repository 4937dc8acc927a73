// Every JavaScript example of the README and of docs/ runs as it stands there, and prints what
// it says it prints: one `// → …` for each line. An example goes on from the one before it
// unless it begins with an import.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';

const root = resolve(import.meta.dirname ?? '.', '..', '..');
const documents = ['README.md', ...readdirSync('docs').map((file) => join('docs', file))];

/** Examples that belong together, as one program. */
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

/** Whether a printed line is what was written: numbers to the digits that are written. */
function isAsWritten(printed: string, written: string): boolean {
  if (wordsOf(printed) !== wordsOf(written)) return false;
  const found = printed.match(number) ?? [];
  return (written.match(number) ?? []).every((digits, index) => {
    const decimals = /\.(\d+)/.exec(digits)?.[1]?.length ?? 0;
    const slack = decimals === 0 ? 1e-6 : 10 ** -decimals / 2;
    return Math.abs(Number(found[index]) - Number(digits)) <= slack;
  });
}

function checkOutput(t: Test, stdout: string, code: string): void {
  const written = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line as string);
  if (written.length === 0) return;
  const printed = stdout.trimEnd().split('\n');
  t.equal(printed.length, written.length, 'as many lines as are written');
  for (const [index, line] of written.entries()) {
    const found = printed[index] ?? '';
    t.ok(isAsWritten(found, line), `${found} is ${line}`);
  }
}

for (const document of documents.filter((file) => file.endsWith('.md'))) {
  for (const [index, code] of programsOf(readFileSync(document, 'utf8')).entries()) {
    t.test(`program ${index + 1} of ${document} does what it says`, async (t) => {
      // Inside the package, so that it finds itself by its own name.
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

t.test('the README and the pages on scoring and on models have examples to run', async (t) => {
  for (const document of ['README.md', 'docs/scoring.md', 'docs/models.md']) {
    t.match(readFileSync(document, 'utf8'), /^```js$/m);
  }
});

t.test('a line that is not as written is found', async (t) => {
  t.ok(isAsWritten('b 0.5714285720504994', 'b 0.5714'));
  t.ok(isAsWritten('[ -1.0000000001, true ]', '[ -1, true ]'));
  t.notOk(isAsWritten('b 0.5714285720504994', 'b 0.5715'));
  t.notOk(isAsWritten('b 0.5714285720504994', 'a 0.5714'));
  t.notOk(isAsWritten('0.5 0.25', '0.5'));
  t.notOk(isAsWritten('NaN', '0.5'));
});
