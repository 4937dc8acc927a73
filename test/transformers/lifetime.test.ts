// TfLM's resources: no memory leaks, no hanging process, no output.

import { join } from 'node:path';
import t from 'tap';
import { writeOnnx } from '../../models/write-onnx.mjs';
import { runChild } from '../support/child.js';

const path = join(t.testdir(), 'model');
writeOnnx(path);
t.jobs = 1;

// Above each bound, in MiB: the largest observed growth; the growth with a deliberate leak.
for (const [scenario, sentence, bound] of [
  // 17; 126 with an unbounded cache
  ['calls', '300 calls of all kinds retain nothing but the cache', 50],
  // 11; 209 without close
  ['models', 'opening and closing 40 times retains nothing', 50],
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

t.test('an idle, unclosed LM does not keep the process alive', async (t) => {
  t.match(await runChild('tflm', 'idle', path), { code: 0, told: [4], stderr: '' });
});

t.test('process.exit works during a call', async (t) => {
  t.match(await runChild('tflm', 'exit in choose', path), { code: 7, signal: null, stderr: '' });
});

t.test('workers and the main thread get the same results', async (t) => {
  const { code, told, stderr } = await runChild('tflm', 'workers', path);
  t.equal(stderr, '');
  t.equal(code, 0);
  const [lists] = told as [number[][]];
  t.equal(lists.length, 3);
  for (const list of lists) t.same(list, lists[0]);
  t.equal(lists[0]?.length, 4);
});
