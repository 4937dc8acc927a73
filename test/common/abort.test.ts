// AbortSignals: how they end promises, waits and native jobs.

import { getEventListeners } from 'node:events';
import t from 'tap';
import { raceAbort, sleep } from '../../lib/common/abort.js';
import { onAbort } from '../../lib/common/abort-listeners.js';
import { runJob } from '../../lib/native/job.js';

const never = new Promise<never>(() => {});

t.test('without an abort, a promise settles as usual and no listener is left', async (t) => {
  const { signal } = new AbortController();
  t.equal(await raceAbort(Promise.resolve(1), signal), 1);
  const error = new Error('its own');
  await t.rejects(raceAbort(Promise.reject(error), signal), error);
  t.equal(getEventListeners(signal, 'abort').length, 0);
  t.equal(await raceAbort(Promise.resolve(2), undefined), 2);
});

t.test('an abort rejects at once with its reason and stops the work once', async (t) => {
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

t.test('the outcome of the work after an abort is ignored', async (t) => {
  const work = new Promise((_, reject) => setTimeout(reject, 5, new Error('late')));
  await t.rejects(raceAbort(work, AbortSignal.abort(new Error('early'))), { message: 'early' });
  await sleep(10);
});

t.test('sleep waits the given time, or rejects when its signal aborts', async (t) => {
  const start = performance.now();
  await sleep(20);
  t.ok(performance.now() - start > 15);
  await t.rejects(sleep(1e6, AbortSignal.timeout(5)), { name: 'TimeoutError' });
});

t.test('a job is not started if its signal is already aborted', async (t) => {
  const start = () => t.fail('it was started') as never;
  await t.rejects(runJob(start, AbortSignal.abort(new Error('early'))), { message: 'early' });
});

t.test('an abort cancels the running job', async (t) => {
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

t.test('errors of a job are converted to public ones', async (t) => {
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

t.test(
  'all callbacks of a signal share one listener, which is removed with the last',
  async (t) => {
    const controller = new AbortController();
    const { signal } = controller;
    const called: number[] = [];
    const callback = (): void => void called.push(0);
    const unsubscribe = [1, 2, 3].map((name) => onAbort(signal, () => called.push(name)));
    const [first, second] = [onAbort(signal, callback), onAbort(signal, callback)];
    t.equal(getEventListeners(signal, 'abort').length, 1);
    first();
    first();
    unsubscribe[1]?.();
    controller.abort();
    t.same(
      called,
      [1, 3, 0],
      'in order, without removed ones, a repeated function per subscription',
    );
    t.equal(getEventListeners(signal, 'abort').length, 0);
    onAbort(signal, callback)();
    t.equal(called.length, 4, 'at once if the signal is already aborted');
    second();
    const other = new AbortController();
    for (const end of [onAbort(other.signal, callback), onAbort(other.signal, callback)]) end();
    t.equal(getEventListeners(other.signal, 'abort').length, 0);
    onAbort(undefined, callback)();
    const ending = new AbortController();
    const late = onAbort(ending.signal, () => last());
    const last = onAbort(ending.signal, () => t.fail('an earlier callback removed this one'));
    ending.abort();
    late();
  },
);
