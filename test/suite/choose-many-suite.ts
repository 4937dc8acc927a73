// What chooseMany gives, for any ChoiceLM: what choose gives, one after the other; and how it
// takes tasks, fails and ends.

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
    { prompt, choices: texts, options: { prior: 'A ', boundary: 'joint' } },
    { prompt, choices: texts, options: { search: 'bound', top: 1 } },
    { prompt, choices: texts, options: { batching: 'sequential' } },
    { prompt: Int32Array.of(1, 2, 3), choices: [Int32Array.of(4), Int32Array.of(5, 6)] },
    { prompt, choices: texts, options: { details, boundary: 'healed' } },
  ];
  /** More than any look-ahead takes, or any engine packs. */
  const endless = function* (taken: { count: number }): Generator<ChooseTask> {
    for (;;) {
      taken.count++;
      yield { prompt: `${prompt} ${taken.count}`, choices: texts };
    }
  };
  const same = (t: Test, found: Choice, wanted: Choice, what: string): void => {
    t.same(found.boundary, wanted.boundary, `the boundary of ${what}`);
    t.same(found.tree.tokens, wanted.tree.tokens, `the tree of ${what}`);
    t.equal(found.usage.promptTokens, wanted.usage.promptTokens, `the prompt of ${what}`);
    t.equal(found.search, wanted.search, `the search of ${what}`);
    for (const { index, tokens, logprob, score, text, exact } of wanted.choices) {
      const own = at(found.choices, index);
      const slack = 4 * tolerance * (tokens.length + 2);
      if (exact && own.exact) near(t, own.logprob, logprob, slack, `choice ${index} of ${what}`);
      if (exact && own.exact) near(t, own.score, score, slack, `score ${index} of ${what}`);
      t.same([own.text, own.tokens], [text, tokens]);
    }
  };

  testWith(t, make, 'chooseMany gives what choose gives, in order', async (t, lm) => {
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

  testWith(t, make, "a task's own options are before those of the call", async (t, lm) => {
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
    const wanted = await lm.choose(prompt, texts, options);
    same(t, first as Choice, wanted, 'the first');
    same(t, second as Choice, await lm.choose(prompt, texts, { terminator: 'eog' }), 'the second');
  });

  testWith(t, make, 'a task that is wrong fails alone', async (t, lm) => {
    const long = lm.contextSize === undefined ? [] : [new Int32Array(lm.contextSize + 1)];
    const wrong: [unknown, object][] = [
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
    const good = { prompt, choices: texts };
    const mixed = [good, ...wrong.flatMap(([task]) => [task, good])] as ChooseTask[];
    const wanted = await lm.choose(prompt, texts);

    const stream = lm.chooseMany(mixed)[Symbol.asyncIterator]();
    const settled = await all(lm.chooseMany(mixed).settled());
    t.equal(settled.length, mixed.length);
    for (const [index] of mixed.entries()) {
      const outcome = at(settled, index);
      t.equal(outcome.index, index);
      if (index % 2 === 0) {
        same(t, (await stream.next()).value, wanted, `task ${index}`);
        t.equal(outcome.status, 'fulfilled');
      } else {
        const [, error] = at(wrong, (index - 1) / 2);
        await t.rejects(stream.next(), error as { name: string });
        t.match(outcome, { status: 'rejected', reason: error });
      }
    }
    t.same(await stream.next(), { done: true, value: undefined });
    t.same(await stream.next(), { done: true, value: undefined }, 'and stays so');
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

  testWith(t, make, 'no more is taken than a few groups ahead of the reader', async (t, lm) => {
    const taken = { count: 0 };
    const source = endless(taken);
    const stream = lm.chooseMany(source)[Symbol.asyncIterator]();
    await setImmediate();
    t.equal(taken.count, 0, 'and nothing before there is one');
    await stream.next();
    // Until nothing more is taken.
    for (let before = -1; before !== taken.count; await wait(200)) before = taken.count;
    const after = taken.count;
    await wait(100);
    t.equal(taken.count, after, 'it waits for the reader');
    t.ok(after < 2000, `${after} were taken`);
    await stream.next();
    await stream.return?.();
    t.same(source.next(), { done: true, value: undefined }, 'leaving closes the source');
    t.same(await stream.next(), { done: true, value: undefined });
  });

  testWith(t, make, 'leaving the loop ends what runs', async (t, lm) => {
    const controller = new AbortController();
    const { signal } = controller;
    let count = 0;
    for await (const choice of lm.chooseMany(endless({ count: 0 }), { signal })) {
      t.equal(choice.choices.length, texts.length);
      if (++count === 3) break;
    }
    t.equal(getEventListeners(signal, 'abort').length, 0, 'and listens no more');
    for await (const _ of lm.chooseMany([], { signal }));
    t.equal(getEventListeners(signal, 'abort').length, 0);
    t.equal((await lm.choose(prompt, texts)).choices.length, texts.length, 'and the LM goes on');
  });

  testWith(t, make, 'an abort ends the stream with its reason', async (t, lm) => {
    const reason = { any: 'value' };
    const taken = { count: 0 };
    const early = lm.chooseMany(endless(taken), { signal: AbortSignal.abort(reason) });
    t.equal(await all(early).catch((error: unknown) => error), reason);
    t.equal(taken.count, 0, 'before anything is taken');

    const controller = new AbortController();
    const { signal } = controller;
    const source = endless(taken);
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
    // The source is closed once what ran has ended.
    for (let tries = 0; tries < 100 && !source.next().done; tries++) await wait(10);
    t.equal(source.next().done, true);

    const never = async function* (): AsyncGenerator<ChooseTask> {
      yield { prompt, choices: texts };
      await new Promise(() => {});
    };
    const again = new AbortController();
    const stream = lm.chooseMany(never(), { signal: again.signal })[Symbol.asyncIterator]();
    t.equal((await stream.next()).done, false, 'a slow source holds up no result');
    const waiting = stream.next();
    again.abort(reason);
    t.equal(await waiting.catch((error: unknown) => error), reason);
    t.same(await stream.next(), { done: true, value: undefined });
    t.equal((await lm.choose(prompt, texts)).choices.length, texts.length, 'and the LM goes on');
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

  testWith(t, make, 'what is no call of chooseMany is refused at once', async (t, lm) => {
    const refused = (tasks: unknown, options: unknown, name: string) =>
      t.throws(() => lm.chooseMany(tasks as ChooseTask[], options as object), { name });
    refused(undefined, {}, 'TypeError');
    refused({ prompt, choices: texts }, {}, 'TypeError');
    refused('tasks', {}, 'TypeError');
    refused([], { top: 0 }, 'RangeError');
    refused([], { best: 1 }, 'TypeError');
    refused([], { signal: {} }, 'TypeError');
    refused([], null, 'TypeError');
    const stream = lm.chooseMany([]);
    stream.settled();
    t.throws(() => stream[Symbol.asyncIterator](), { name: 'TypeError', message: /one reader/ });
    t.throws(() => stream.settled(), { name: 'TypeError' });
  });

  testWith(t, make, 'a closed LM ends every task', async (t, lm: ChoiceLM) => {
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
