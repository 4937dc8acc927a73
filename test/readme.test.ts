// Every JavaScript example of the README and of docs/ runs, as it stands there.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname ?? '.', '..');
const documents = ['README.md', ...readdirSync('docs').map((file) => join('docs', file))];

for (const document of documents.filter((file) => file.endsWith('.md'))) {
  const text = readFileSync(document, 'utf8');
  const examples = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code as string);
  for (const [index, code] of examples.entries()) {
    t.test(`example ${index + 1} of ${document} runs`, async (t) => {
      // Inside the package, so that it finds itself by its own name.
      const file = join(root, `.example-${process.pid}-${index}.mjs`);
      writeFileSync(file, code);
      t.teardown(() => rmSync(file, { force: true }));
      const { status, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
      t.equal(stderr, '');
      t.equal(status, 0);
    });
  }
}

t.test('the README has examples to run', async (t) => {
  t.match(readFileSync('README.md', 'utf8'), /^```js$/m);
});
