// The end of models, contexts and the process: no crash, no hang, no memory leak.

import t, { type Test } from 'tap';
import { type Ending, runChild } from '../support/child.js';

/** Checks that a child exited by itself with this code and reported the expected values. */
function checkEnding(t: Test, ending: Ending, code: number, reported: unknown[] | undefined): void {
  const { stderr } = ending;
  t.equal(ending.signal, null, 'not killed by a signal', { stderr });
  t.equal(ending.code, code, 'the exit code', { stderr });
  if (reported !== undefined) t.same(ending.told, reported);
  if (code === 0) t.equal(stderr, '', 'nothing on stderr');
}

/** Defines a test of one scenario. Some crashes only occur once in several runs. */
function scenario(
  fixture: string,
  name: string,
  sentence: string,
  code: number,
  reported?: unknown[] | ((t: Test, reported: unknown[]) => void),
  runs = 1,
): void {
  t.test(sentence, async (t) => {
    for (let left = runs; left > 0; left -= 3) {
      const names = Array<string>(Math.min(left, 3)).fill(name);
      const endings = await Promise.all(names.map((each) => runChild(fixture, each)));
      for (const ending of endings) {
        checkEnding(t, ending, code, Array.isArray(reported) ? reported : undefined);
        if (typeof reported === 'function') reported(t, ending.told);
      }
    }
  });
}

/** The time limit in milliseconds for operations that need not wait, on a busy machine. */
const timeLimit = 10_000;

t.jobs = 1;
scenario('exits', 'exit in choose', 'process.exit ends a process that scores', 7, [], 12);
scenario('exits', 'exit in complete', 'process.exit ends a process that completes', 7, [], 6);
scenario('exits', 'exit in a stream', 'process.exit ends a process that streams', 7, [], 12);
scenario('exits', 'exit in embed', 'process.exit ends a process that embeds', 7, [], 6);
scenario('exits', 'exit in load', 'process.exit ends a process that loads', 7, []);
scenario('exits', 'exit while a context is built', 'process.exit ends it, too', 7, [], 3);
scenario('exits', 'exit with a queue', 'process.exit ends a process with calls waiting', 7, [], 6);
scenario('exits', 'idle', 'an idle LM that was not closed keeps no process alive', 0, [2]);
scenario('exits', 'idle, never ready', 'nor does one that is never awaited', 0, []);
scenario('exits', 'pending', 'a call that was not awaited ends before the process does', 0, [300]);
scenario('exits', 'close before ready', 'close cancels a context being built', 0, ['CLOSED']);
scenario('exits', 'model closed before its LM', 'a model is freed after its last LM', 0, [true]);

t.test('an uncaught exception ends a process that scores', async (t) => {
  const runs = [...Array(3).fill('uncaught exception'), 'exception in onToken, not awaited'];
  for (const ending of await Promise.all(runs.map((run) => runChild('exits', run)))) {
    checkEnding(t, ending, 1, []);
    t.match(ending.stderr, /Error: thrown while busy/);
  }
});

scenario(
  'exits',
  'ready never awaited',
  'a context that cannot be built is no unhandled rejection',
  0,
  ['NOT_SUPPORTED'],
);

scenario('exits', 'load aborted', 'a load that is aborted rejects at once', 0, (t, reported) => {
  const [message, elapsed] = reported as [string, number];
  t.equal(message, 'no more');
  t.ok(elapsed < 1000, `after ${elapsed} ms`);
});

scenario(
  'exits',
  'progress that throws',
  'an exception in onProgress rejects the load, and process.exit works there',
  7,
  ['from progress'],
);

scenario(
  'exits',
  'close while busy',
  'close cancels running calls and resolves',
  0,
  (t, reported) => {
    const [elapsed, ...errors] = reported as [number, ...unknown[]];
    t.ok(elapsed < timeLimit, `after ${elapsed} ms`);
    t.same(errors, [
      ['ClosedError', 'CLOSED'],
      ['ClosedError', 'CLOSED'],
    ]);
  },
);

/**
 * How many MiB the resident set may grow. Observed: at most 0.4, over rounds that would leak 260
 * (models) and 400 (contexts) if nothing were freed.
 */
const growth = 20;

for (const [name, sentence] of [
  ['sessions dropped', '200 contexts that were dropped without close are collected'],
  ['sessions dropped before they are ready', 'so are 200 that were never awaited'],
  ['models dropped', 'so are 200 models'],
  ['opened and closed', 'opening and closing 50 times leaks nothing'],
  ['results dropped', 'logits are freed with their arrays'],
  ['generations', '1,000 generations of all kinds leak nothing'],
  ['aborted calls', 'an aborted call leaks nothing'],
] as const) {
  scenario('memory', name, sentence, 0, (t, reported) => {
    const [{ grown, after }] = reported as [{ grown: number; after: number }];
    t.ok(grown < growth, `the resident set grows by ${grown} MiB to ${after}`);
  });
}

// Observed: 154 MiB; 722 if the garbage collector does not know the size of the KV caches.
scenario(
  'memory',
  'sessions forgotten',
  'dropped LMs are collected without gc()',
  0,
  (t, reported) => {
    const [{ peak }] = reported as [{ peak: number }];
    t.ok(peak < 400, `the resident set peaks at ${peak} MiB`);
  },
);

/** Checks that all lists of log-probabilities are identical. */
function allEqual(t: Test, lists: readonly (readonly number[])[]): void {
  t.ok(lists.length > 1);
  for (const list of lists) {
    t.equal(list.length, 2);
    t.same(list, lists[0]);
  }
}

scenario(
  'workers',
  'one worker',
  'a worker and the main thread give the same numbers',
  0,
  (t, reported) => {
    const [lists, exit] = reported as [number[][], number];
    allEqual(t, lists);
    t.equal(exit, 0);
  },
);

scenario(
  'workers',
  'four workers',
  'four workers at once give the same numbers',
  0,
  (t, reported) => {
    const [lists, exits, after] = reported as [number[][], number[], number[][]];
    allEqual(t, [...lists, ...after]);
    t.same(exits, [0, 0, 0, 0]);
  },
);

scenario('workers', 'an LM left open', 'a worker ends with its LM open', 0, [0]);

scenario(
  'workers',
  'terminated while it streams',
  'terminate ends workers with running streams',
  0,
  (t, reported) => {
    const [exits, lists] = reported as [number[], number[][]];
    t.same(exits, [1, 1, 1]);
    allEqual(t, lists);
  },
  6,
);

scenario(
  'workers',
  'terminated while busy',
  'terminate ends a worker that scores and affects nothing else',
  0,
  (t, reported) => {
    const [exit, elapsed, lists] = reported as [number, number, number[][]];
    t.equal(exit, 1);
    t.ok(elapsed < timeLimit, `after ${elapsed} ms`);
    allEqual(t, lists);
  },
);

scenario(
  'workers',
  'terminated while it loads the addon',
  'a worker can be terminated while it loads the addon',
  0,
  (t, reported) => {
    const [codes, lists] = reported as [number[], number[][]];
    t.same(codes, []);
    allEqual(t, lists);
  },
);
scenario('workers', 'exit in a worker', 'process.exit ends a worker that scores', 0, [3], 3);
scenario('workers', 'exception in a worker', 'an exception ends a worker that scores', 0, [
  'thrown in a worker',
  1,
]);
scenario(
  'workers',
  'exit of the process with busy workers',
  'process.exit ends a process with workers that score',
  7,
  [],
  3,
);

scenario(
  'workers',
  'two models at once',
  'two models at once give the numbers of each alone',
  0,
  (t, reported) => {
    const [lists, after] = reported as [number[][], number[][]];
    t.equal(lists.length, 62);
    allEqual(t, lists);
    allEqual(t, after);
  },
);
