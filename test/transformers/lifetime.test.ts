// How TfLMs and their process end: no memory kept, no hang, nothing printed.

import { join } from 'node:path';
import t from 'tap';
import { writeOnnx } from '../../models/write-onnx.mjs';
import { runChild } from '../support/child.js';

const path = join(t.testdir(), 'model');
writeOnnx(path);
t.jobs = 1;

// Above each bound, in MiB, the most that was observed, and what it was when nothing was freed.
for (const [scenario, sentence, bound] of [
  // 17; 126 with a cache without end
  ['calls', '300 calls of all kinds keep nothing but the cache', 50],
  // 11; 209 without close
  ['models', 'opening and closing 40 times keeps nothing', 50],
] as const) {
  t.test(sentence, async (t) => {
    const { code, told, stderr } = await runChild('tflm', scenario, path);
    t.equal(stderr, '');
    t.equal(code, 0);
    const [{ grown }] = told as [{ grown: number }];
    t.comment(`${grown} MiB`);
    t.ok(grown < bound, `the resident set grows by ${grown} MiB`);
  });
}

t.test('an idle LM that was not closed keeps no process alive', async (t) => {
  t.match(await runChild('tflm', 'idle', path), { code: 0, told: [4], stderr: '' });
});

t.test('process.exit ends a process that scores', async (t) => {
  t.match(await runChild('tflm', 'exit in choose', path), { code: 7, signal: null, stderr: '' });
});

t.test('workers and the main thread use models alike', async (t) => {
  const { code, told, stderr } = await runChild('tflm', 'workers', path);
  t.equal(stderr, '');
  t.equal(code, 0);
  const [lists] = told as [number[][]];
  t.equal(lists.length, 3);
  for (const list of lists) t.same(list, lists[0]);
  t.equal(lists[0]?.length, 4);
});
