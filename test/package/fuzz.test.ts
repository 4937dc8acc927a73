// A short and deterministic part of each fuzzer; `npm run fuzz` runs them for as long as asked for.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';

async function fuzz(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, ['scripts/fuzz.mjs', ...args]);
  const closed = once(child, 'close');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await closed;
  return { code, out, err };
}

for (const [kind, runs] of Object.entries({
  templates: 150,
  grammars: 80,
  schemas: 150,
  http: 40,
  calls: 40,
  models: 100,
  adapters: 80,
  states: 80,
})) {
  t.test(`${kind} of a fixed seed`, async (t) => {
    const { code, out, err } = await fuzz(
      kind,
      '--seed',
      '15',
      '--runs',
      String(runs),
      '--models',
      'models',
    );
    t.match({ code, err }, { code: 0, err: '' });
    t.match(out, new RegExp(`^${kind}: seed 15\n${kind}: ${runs} `));
  });
}

t.test('a case is determined by its seed and number', async (t) => {
  const args = ['models', '--seed', '15', '--path', '7', '--models', 'models'];
  const [first, second] = [await fuzz(...args), await fuzz(...args)];
  const withoutTime = ({ out }: { out: string }) => out.replace(/[\d.]+ s,/, '');
  t.match(first.out, /seed 15, --path 7: default: /);
  t.equal(withoutTime(first), withoutTime(second));
  t.match((await fuzz('models', '--path', 'x')).err, /Expected the number of a case for --path/);
});

t.test('the script lists its kinds', async (t) => {
  const { code, err } = await fuzz('nothing');
  t.equal(code, 1);
  t.match(err, /adapters\|calls\|grammars\|http\|models\|schemas\|states\|templates/);
  t.match((await fuzz('http', '--runs', 'many')).err, /Expected a number for --runs, got many/);
});
