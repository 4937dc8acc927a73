// How models, contexts and the process end: no crash, no hang, no memory kept.

import t, { type Test } from 'tap';
import { type Ending, runChild } from '../support/child.js';

/** Ends by itself, with this code, not by a signal, and says what it should. */
function checkEnding(t: Test, ending: Ending, code: number, told: unknown[] | undefined): void {
  const { stderr } = ending;
  t.equal(ending.signal, null, 'no signal ended it', { stderr });
  t.equal(ending.code, code, 'the exit code', { stderr });
  if (told !== undefined) t.same(ending.told, told);
  if (code === 0) t.equal(stderr, '', 'and nothing complains');
}

/** Defines a test of one scenario. Some crashes need several runs to show. */
function scenario(
  fixture: string,
  name: string,
  sentence: string,
  code: number,
  told?: unknown[] | ((t: Test, told: unknown[]) => void),
  runs = 1,
): void {
  t.test(sentence, async (t) => {
    for (let left = runs; left > 0; left -= 3) {
      const names = Array<string>(Math.min(left, 3)).fill(name);
      const endings = await Promise.all(names.map((each) => runChild(fixture, each)));
      for (const ending of endings) {
        checkEnding(t, ending, code, Array.isArray(told) ? told : undefined);
        if (typeof told === 'function') told(t, ending.told);
      }
    }
  });
}

/** Milliseconds in which what waits for nothing must have ended, on a busy machine. */
const soon = 10_000;

t.jobs = 1;
scenario('exits', 'exit in choose', 'process.exit ends a process that scores', 7, [], 12);
scenario('exits', 'exit in complete', 'process.exit ends a process that completes', 7, [], 6);
scenario('exits', 'exit in a stream', 'process.exit ends a process that streams', 7, [], 12);
scenario('exits', 'exit in embed', 'process.exit ends a process that embeds', 7, [], 6);
scenario('exits', 'exit in load', 'process.exit ends a process that loads', 7, []);
scenario('exits', 'exit while a context is built', 'process.exit ends one that builds', 7, [], 3);
scenario('exits', 'exit with a queue', 'process.exit ends a process with calls waiting', 7, [], 6);
scenario('exits', 'idle', 'an idle LM that was not closed keeps no process alive', 0, [2]);
scenario('exits', 'idle, never ready', 'nor does one that nobody waits for', 0, []);
scenario('exits', 'pending', 'a call that was not awaited ends before the process does', 0, [300]);
scenario('exits', 'close before ready', 'close ends what is still being built', 0, ['CLOSED']);
scenario('exits', 'model closed before its LM', 'a model is freed after its last LM', 0, [true]);

t.test('an exception ends a process that scores, as an exception does', async (t) => {
  const runs = [...Array(3).fill('uncaught exception'), 'exception in onToken of nobody'];
  for (const ending of await Promise.all(runs.map((run) => runChild('exits', run)))) {
    checkEnding(t, ending, 1, []);
    t.match(ending.stderr, /Error: thrown while busy/);
  }
});

scenario(
  'exits',
  'ready that nobody awaits',
  'a context that cannot be built is no unhandled rejection',
  0,
  ['NOT_SUPPORTED'],
);

scenario('exits', 'load aborted', 'a load that is aborted rejects at once', 0, (t, told) => {
  const [message, elapsed] = told as [string, number];
  t.equal(message, 'no more');
  t.ok(elapsed < 1000, `after ${elapsed} ms`);
});

scenario(
  'exits',
  'progress that throws',
  'what progress throws rejects the load, and it may end the process',
  7,
  ['from progress'],
);

scenario('exits', 'close while busy', 'close ends what runs, and resolves', 0, (t, told) => {
  const [elapsed, ...errors] = told as [number, ...unknown[]];
  t.ok(elapsed < soon, `after ${elapsed} ms`);
  t.same(errors, [
    ['ClosedError', 'CLOSED'],
    ['ClosedError', 'CLOSED'],
  ]);
});

/**
 * MiB that the resident set may grow. Observed: 0.4 at most, over rounds that would keep 260
 * (models) and 400 (contexts) if nothing were freed.
 */
const growth = 20;

for (const [name, sentence] of [
  ['sessions dropped', '200 contexts that were dropped and not closed are collected'],
  ['sessions dropped before they are ready', 'so are 200 that nobody waited for'],
  ['models dropped', 'so are 200 models'],
  ['opened and closed', 'opening and closing 50 times keeps nothing'],
  ['results dropped', 'logits are freed with their arrays'],
  ['generations', '1,000 generations of all kinds keep nothing'],
  ['aborted calls', 'an aborted call keeps nothing'],
] as const) {
  scenario('memory', name, sentence, 0, (t, told) => {
    const [{ grown, after }] = told as [{ grown: number; after: number }];
    t.ok(grown < growth, `the resident set grows by ${grown} MiB to ${after}`);
  });
}

// Observed: 154 MiB; 722 where the collector is not told of the KV caches.
scenario('memory', 'sessions forgotten', 'forgotten LMs are collected unasked', 0, (t, told) => {
  const [{ peak }] = told as [{ peak: number }];
  t.ok(peak < 400, `the resident set peaks at ${peak} MiB`);
});

/** Every list of log-probabilities is the first, to the last digit. */
function allEqual(t: Test, lists: readonly (readonly number[])[]): void {
  t.ok(lists.length > 1);
  for (const list of lists) {
    t.equal(list.length, 2);
    t.same(list, lists[0]);
  }
}

scenario('workers', 'one worker', 'a worker and the main thread use models alike', 0, (t, told) => {
  const [lists, exit] = told as [number[][], number];
  allEqual(t, lists);
  t.equal(exit, 0);
});

scenario('workers', 'four workers', 'four workers at once give the same numbers', 0, (t, told) => {
  const [lists, exits, after] = told as [number[][], number[], number[][]];
  allEqual(t, [...lists, ...after]);
  t.same(exits, [0, 0, 0, 0]);
});

scenario('workers', 'an LM left open', 'a worker ends with its LM open', 0, [0]);

scenario(
  'workers',
  'terminated while it streams',
  'terminate ends workers whose texts are on their way',
  0,
  (t, told) => {
    const [exits, lists] = told as [number[], number[][]];
    t.same(exits, [1, 1, 1]);
    allEqual(t, lists);
  },
  6,
);

scenario(
  'workers',
  'terminated while busy',
  'terminate ends a worker that scores, and nothing else',
  0,
  (t, told) => {
    const [exit, elapsed, lists] = told as [number, number, number[][]];
    t.equal(exit, 1);
    t.ok(elapsed < soon, `after ${elapsed} ms`);
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

scenario('workers', 'two models at once', 'two models at once are as each alone', 0, (t, told) => {
  const [lists, after] = told as [number[][], number[][]];
  t.equal(lists.length, 62);
  allEqual(t, lists);
  allEqual(t, after);
});
