// The demo and the example, as a reader of the README runs them.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';

/** What a program of the package prints. */
const node = async (path: string, ...args: string[]): Promise<string> => {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  return (await promisify(execFile)(process.execPath, [file, ...args])).stdout;
};

t.test('the demo shows all that it should, and its answers are true', async (t) => {
  const stdout = await node('examples/demo.mjs', '--threads', '1');
  t.match(stdout, /^autocog-lm \S+ \(llama\.cpp .*\)\n.*default\.gguf: [\d,]+ parameters/);
  const winners = [...stdout.matchAll(/^│ +1 │ "(.*?)"/gm)].map((match) => match[1]);
  t.same(winners, [' Paris', ' blue', ' 7', ' negative', ' Brussels', ' Thursday']);
  t.match(stdout, /choice +│ probability │ log-prob │ tokens/, 'a table of choices');
  t.match(stdout, /^[│ ] {3}[├└]── "/m, 'a tree that branches twice');
  t.match(stdout, /token +│ +id │ probability │/, 'the top next tokens');
  t.match(stdout, /prompt │ cached │ decoded │ calls │/, 'what it cost');
});

t.test('the command and the example demo are the same', async (t) => {
  // Times differ, and with them the width of their column.
  const timeless = (text: string): string =>
    text.replace(/\d+\.\d+ m?s/g, '').replace(/[─ ]+/g, ' ');
  t.equal(
    timeless(await node('dist/esm/cli/main.js', 'demo', '--threads', '1')),
    timeless(await node('examples/demo.mjs', '--threads', '1')),
  );
});

t.test('the example chooses Paris', async (t) => {
  t.match(await node('examples/choose.mjs'), /^The capital of France is Paris\n/);
});
