// chooseMany, for any ChoiceLM: its results equal those of successive choose calls; and how it
// pulls tasks, fails and ends.

import { getEventListeners } from 'node:events';
import { setImmediate, setTimeout as wait } from 'node:timers/promises';
import type { Choice, ChoiceLM, ChooseTask, SettledChoice } from 'autocog-lm';
import type { Test } from 'tap';
import { at } from './oracle.js';
import { has, type Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

export function chooseManySuite(t: Test, subject: Subject): void {
  const { make, prompt, choices, tolerance } = subject;
  const details = has(subject, 'details');
  const others = has(subject, 'boundaries');
  const texts = [...choices];
  const prompts = [
    prompt,
    `${prompt} a`,
    prompt,
    `${choices[0]} and`,
    `${prompt} the`,
    'A ',
    prompt,
  ];
  const tasks: ChooseTask[] = [
    ...prompts.map((prompt, index) => ({ prompt, choices: texts.slice(index % 3).concat('x') })),
    { prompt, choices: texts, options: { terminator: 'eog', normalize: 'tokens' } },
    { prompt, choices: texts, options: { prior: 'A ', boundary: others ? 'joint' : 'separate' } },
    { prompt, choices: texts, options: { search: 'bound', top: 1 } },
    { prompt, choices: texts, options: { batching: 'sequential' } },
    { prompt: Int32Array.of(1, 2, 3), choices: [Int32Array.of(4), Int32Array.of(5, 6)] },
    { prompt, choices: texts, options: { details, boundary: others ? 'healed' : 'separate' } },
  ];
  /** More tasks than any prefetch pulls, or any engine packs. */
  const endless = function* (pulled: { count: number }): Generator<ChooseTask> {
    for (;;) {
      pulled.count++;
      yield { prompt: `${prompt} ${pulled.count}`, choices: texts };
    }
  };
  const same = (t: Test, found: Choice, expected: Choice, what: string): void => {
    t.same(found.boundary, expected.boundary, `the boundary of ${what}`);
    t.same(found.tree.tokens, expected.tree.tokens, `the tree of ${what}`);
    t.equal(found.usage.promptTokens, expected.usage.promptTokens, `the prompt of ${what}`);
    t.equal(found.search, expected.search, `the search of ${what}`);
    for (const { index, tokens, logprob, score, text, exact } of expected.choices) {
      const own = at(found.choices, index);
      const slack = 4 * tolerance * (tokens.length + 2);
      if (exact && own.exact) near(t, own.logprob, logprob, slack, `choice ${index} of ${what}`);
      if (exact && own.exact) near(t, own.score, score, slack, `score ${index} of ${what}`);
      t.same([own.text, own.tokens], [text, tokens]);
    }
  };

  testWith(t, make, 'chooseMany returns what choose returns, in order', async (t, lm) => {
    const alone: Choice[] = [];
    for (const { prompt, choices, options } of tasks) {
      alone.push(await lm.choose(prompt, choices, options));
    }
    async function* slowly() {
      for (const task of tasks) {
        await wait(1);
        yield task;
      }
    }
    for (const source of [tasks, new Set(tasks).values(), slowly()]) {
      const found = await all(lm.chooseMany(source));
      t.equal(found.length, tasks.length);
      for (const [index, choice] of found.entries()) {
        same(t, choice, at(alone, index), `task ${index}`);
        t.ok(choice.timings.totalMs >= choice.timings.tokenizeMs);
      }
    }
    t.same(await all(lm.chooseMany([])), []);
  });

  testWith(t, make, "a task's own options override those of the call", async (t, lm) => {
    const options = { normalize: 'bytes', terminator: 'eog' } as const;
    const own = { normalize: 'none', terminator: undefined } as const;
    const [first, second] = await all(
      lm.chooseMany(
        [
          { prompt, choices: texts },
          { prompt, choices: texts, options: own },
        ],
        options,
      ),
    );
    const expected = await lm.choose(prompt, texts, options);
    same(t, first as Choice, expected, 'the first');
    same(t, second as Choice, await lm.choose(prompt, texts, { terminator: 'eog' }), 'the second');
  });

  testWith(t, make, 'an invalid task fails alone', async (t, lm) => {
    const long = lm.contextSize === undefined ? [] : [new Int32Array(lm.contextSize + 1)];
    const invalid: [unknown, object][] = [
      [undefined, { name: 'TypeError', message: /tasks\[\d+\]/ }],
      [
        { prompt, choices: texts, choice: 1 },
        { name: 'TypeError', message: /tasks\[\d+\]/ },
      ],
      [
        { prompt: 3, choices: texts },
        { name: 'TypeError', message: /for prompt/ },
      ],
      [
        { prompt, choices: [] },
        { name: 'RangeError', message: /for choices/ },
      ],
      [
        { prompt, choices: ['a', ''] },
        { name: 'RangeError', message: /choices\[1\]/ },
      ],
      [
        { prompt, choices: texts, options: { top: 0 } },
        { name: 'RangeError', message: /top/ },
      ],
      [
        { prompt, choices: texts, options: { signal: 1 } },
        { name: 'TypeError', message: /options/ },
      ],
      ...long.map((prompt): [unknown, object] => [
        { prompt, choices: texts },
        { code: 'CONTEXT_OVERFLOW' },
      ]),
    ];
    const valid = { prompt, choices: texts };
    const mixed = [valid, ...invalid.flatMap(([task]) => [task, valid])] as ChooseTask[];
    const expected = await lm.choose(prompt, texts);

    const stream = lm.chooseMany(mixed)[Symbol.asyncIterator]();
    const settled = await all(lm.chooseMany(mixed).settled());
    t.equal(settled.length, mixed.length);
    for (const [index] of mixed.entries()) {
      const outcome = at(settled, index);
      t.equal(outcome.index, index);
      if (index % 2 === 0) {
        same(t, (await stream.next()).value, expected, `task ${index}`);
        t.equal(outcome.status, 'fulfilled');
      } else {
        const [, error] = at(invalid, (index - 1) / 2);
        await t.rejects(stream.next(), error as { name: string });
        t.match(outcome, { status: 'rejected', reason: error });
      }
    }
    t.same(await stream.next(), { done: true, value: undefined });
    t.same(await stream.next(), { done: true, value: undefined }, 'and stays done');
  });

  testWith(t, make, 'calls of next may overlap', async (t, lm) => {
    const stream = lm.chooseMany(tasks.slice(0, 3))[Symbol.asyncIterator]();
    const items = await Promise.all(Array.from({ length: 5 }, () => stream.next()));
    t.same(
      items.map(({ done }) => done),
      [false, false, false, true, true],
    );
    for (const [index, { value }] of items.slice(0, 3).entries()) {
      t.equal(value.choices.length, tasks[index]?.choices.length);
    }
  });

  testWith(t, make, 'at most a few groups are pulled ahead of the reader', async (t, lm) => {
    const pulled = { count: 0 };
    const source = endless(pulled);
    const stream = lm.chooseMany(source)[Symbol.asyncIterator]();
    await setImmediate();
    t.equal(pulled.count, 0, 'nothing is pulled before there is a reader');
    await stream.next();
    // Wait until nothing more is pulled.
    for (let before = -1; before !== pulled.count; await wait(200)) before = pulled.count;
    const after = pulled.count;
    await wait(100);
    t.equal(pulled.count, after, 'it waits for the reader');
    t.ok(after < 2000, `${after} were pulled`);
    await stream.next();
    await stream.return?.();
    t.same(source.next(), { done: true, value: undefined }, 'leaving closes the source');
    t.same(await stream.next(), { done: true, value: undefined });
  });

  testWith(t, make, 'leaving the loop stops the work', async (t, lm) => {
    const controller = new AbortController();
    const { signal } = controller;
    let count = 0;
    for await (const choice of lm.chooseMany(endless({ count: 0 }), { signal })) {
      t.equal(choice.choices.length, texts.length);
      if (++count === 3) break;
    }
    t.equal(getEventListeners(signal, 'abort').length, 0, 'and removes the listener');
    for await (const _ of lm.chooseMany([], { signal }));
    t.equal(getEventListeners(signal, 'abort').length, 0);
    t.equal(
      (await lm.choose(prompt, texts)).choices.length,
      texts.length,
      'and the LM still works',
    );
  });

  testWith(t, make, 'an abort ends the stream with its reason', async (t, lm) => {
    const reason = { any: 'value' };
    const pulled = { count: 0 };
    const early = lm.chooseMany(endless(pulled), { signal: AbortSignal.abort(reason) });
    t.equal(await all(early).catch((error: unknown) => error), reason);
    t.equal(pulled.count, 0, 'before anything is pulled');

    const controller = new AbortController();
    const { signal } = controller;
    const source = endless(pulled);
    const outcomes: SettledChoice[] = [];
    const ended = (async () => {
      for await (const outcome of lm.chooseMany(source, { signal }).settled()) {
        outcomes.push(outcome);
        if (outcome.index === 2) controller.abort(reason);
      }
    })();
    t.equal(await ended.catch((error: unknown) => error), reason);
    t.ok(outcomes.every(({ status }) => status === 'fulfilled'));
    t.ok(outcomes.length === 3);
    t.equal(getEventListeners(signal, 'abort').length, 0);
    // The source is closed once running work has stopped.
    for (let tries = 0; tries < 100 && !source.next().done; tries++) await wait(10);
    t.equal(source.next().done, true);

    const never = async function* (): AsyncGenerator<ChooseTask> {
      yield { prompt, choices: texts };
      await new Promise(() => {});
    };
    const again = new AbortController();
    const stream = lm.chooseMany(never(), { signal: again.signal })[Symbol.asyncIterator]();
    t.equal((await stream.next()).done, false, 'a slow source delays no result');
    const waiting = stream.next();
    again.abort(reason);
    t.equal(await waiting.catch((error: unknown) => error), reason);
    t.same(await stream.next(), { done: true, value: undefined });
    t.equal(
      (await lm.choose(prompt, texts)).choices.length,
      texts.length,
      'and the LM still works',
    );
  });

  testWith(t, make, 'an error of the source comes after the results before it', async (t, lm) => {
    const error = new Error('no more');
    const sources = [
      function* () {
        yield* tasks.slice(0, 3);
        throw error;
      },
      async function* () {
        yield* tasks.slice(0, 3);
        throw error;
      },
    ];
    for (const source of sources) {
      for (const read of ['settled', Symbol.asyncIterator] as const) {
        const stream = lm.chooseMany(source())[read]();
        for (let index = 0; index < 3; index++) t.equal((await stream.next()).done, false);
        t.equal(await stream.next().catch((error: unknown) => error), error);
        t.same(await stream.next(), { done: true, value: undefined });
      }
    }
  });

  testWith(t, make, 'invalid arguments of chooseMany are rejected at once', async (t, lm) => {
    const rejected = (tasks: unknown, options: unknown, name: string) =>
      t.throws(() => lm.chooseMany(tasks as ChooseTask[], options as object), { name });
    rejected(undefined, {}, 'TypeError');
    rejected({ prompt, choices: texts }, {}, 'TypeError');
    rejected('tasks', {}, 'TypeError');
    rejected([], { top: 0 }, 'RangeError');
    rejected([], { best: 1 }, 'TypeError');
    rejected([], { signal: {} }, 'TypeError');
    rejected([], null, 'TypeError');
    const stream = lm.chooseMany([]);
    stream.settled();
    t.throws(() => stream[Symbol.asyncIterator](), { name: 'TypeError', message: /one reader/ });
    t.throws(() => stream.settled(), { name: 'TypeError' });
  });

  testWith(t, make, 'a closed LM rejects every task', async (t, lm: ChoiceLM) => {
    const stream = lm.chooseMany(endless({ count: 0 })).settled();
    t.match((await stream.next()).value, { index: 0, status: 'fulfilled' });
    await lm.close();
    let last: SettledChoice | undefined;
    for (let index = 0; index < 1000 && last?.status !== 'rejected'; index++) {
      last = (await stream.next()).value;
    }
    t.match(last, { status: 'rejected', reason: { name: 'ClosedError', code: 'CLOSED' } });
    await stream.return?.();
  });
}
