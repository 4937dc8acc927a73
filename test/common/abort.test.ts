// How a signal ends a promise, a wait, a native job.

import { getEventListeners } from 'node:events';
import t from 'tap';
import { raceAbort, sleep } from '../../lib/common/abort.js';
import { onAbort } from '../../lib/common/abort-listeners.js';
import { runJob } from '../../lib/native/job.js';

const never = new Promise<never>(() => {});

t.test('without an abort a promise is what it is, and its signal is left alone', async (t) => {
  const { signal } = new AbortController();
  t.equal(await raceAbort(Promise.resolve(1), signal), 1);
  const error = new Error('its own');
  await t.rejects(raceAbort(Promise.reject(error), signal), error);
  t.equal(getEventListeners(signal, 'abort').length, 0);
  t.equal(await raceAbort(Promise.resolve(2), undefined), 2);
});

t.test('an abort rejects at once with any reason, and stops the work once', async (t) => {
  const controller = new AbortController();
  let stopped = 0;
  const race = raceAbort(never, controller.signal, () => stopped++);
  controller.abort('a reason');
  t.equal(await race.catch((reason: unknown) => reason), 'a reason');
  t.equal(stopped, 1);
  const late = raceAbort(never, controller.signal, () => stopped++);
  t.equal(await late.catch((reason: unknown) => reason), 'a reason');
  t.equal(stopped, 2);
});

t.test("what the work comes to after an abort is nobody's", async (t) => {
  const work = new Promise((_, reject) => setTimeout(reject, 5, new Error('late')));
  await t.rejects(raceAbort(work, AbortSignal.abort(new Error('early'))), { message: 'early' });
  await sleep(10);
});

t.test('sleep takes its time, or ends with its signal', async (t) => {
  const start = performance.now();
  await sleep(20);
  t.ok(performance.now() - start > 15);
  await t.rejects(sleep(1e6, AbortSignal.timeout(5)), { name: 'TimeoutError' });
});

t.test('a job is not started under a signal that is aborted', async (t) => {
  const start = () => t.fail('it was started') as never;
  await t.rejects(runJob(start, AbortSignal.abort(new Error('early'))), { message: 'early' });
});

t.test('an abort cancels the job that runs', async (t) => {
  const controller = new AbortController();
  let cancelled = 0;
  const job = runJob((cancellation) => {
    cancellation.cancel = () => void cancelled++;
    return never;
  }, controller.signal);
  controller.abort(new Error('enough'));
  await t.rejects(job, { message: 'enough' });
  t.equal(cancelled, 1);
  t.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

t.test('what a job throws or rejects with becomes public', async (t) => {
  const error = Object.assign(new Error('gone'), { code: 'CLOSED' });
  const expected = { name: 'ClosedError', message: 'gone', code: 'CLOSED' };
  await t.rejects(
    runJob(() => Promise.reject(error)),
    expected,
  );
  await t.rejects(
    runJob(() => {
      throw error;
    }),
    expected,
  );
});

t.test('any number of listeners are one of the signal, and none when they are gone', async (t) => {
  const controller = new AbortController();
  const { signal } = controller;
  const told: number[] = [];
  const tell = (): void => void told.push(0);
  const ends = [1, 2, 3].map((name) => onAbort(signal, () => told.push(name)));
  const [first, second] = [onAbort(signal, tell), onAbort(signal, tell)];
  t.equal(getEventListeners(signal, 'abort').length, 1);
  first();
  first();
  ends[1]?.();
  controller.abort();
  t.same(told, [1, 3, 0], 'in order, what has ended not, the same function as often as it came');
  t.equal(getEventListeners(signal, 'abort').length, 0);
  onAbort(signal, tell)();
  t.equal(told.length, 4, 'at once where it has aborted');
  second();
  const other = new AbortController();
  for (const end of [onAbort(other.signal, tell), onAbort(other.signal, tell)]) end();
  t.equal(getEventListeners(other.signal, 'abort').length, 0);
  onAbort(undefined, tell)();
  const ending = new AbortController();
  const late = onAbort(ending.signal, () => last());
  const last = onAbort(ending.signal, () => t.fail('it was ended by the one before'));
  ending.abort();
  late();
});
