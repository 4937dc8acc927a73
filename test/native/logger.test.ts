// llama.cpp's log: silent by default, complete lines in order, robust whatever the logger does.

import { defaultModelPath, LLaMa, type LogLine, Model, setLogger } from 'autocog-lm';
import t, { type Test } from 'tap';
import { runChild } from '../support/child.js';

const levels = ['debug', 'info', 'warn', 'error'] as const;

/** The lines that are logged during some work. */
async function linesOf(
  t: Test,
  work: () => Promise<unknown>,
  options?: Parameters<typeof setLogger>[1],
): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  setLogger((line) => void lines.push(line), options);
  t.teardown(() => setLogger(undefined));
  await work();
  setLogger(undefined);
  return lines;
}

async function load(): Promise<void> {
  const lm = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 64 });
  await lm.close();
}

t.test('a load is logged line by line, before it resolves', async (t) => {
  let done = false;
  const lines = await linesOf(t, async () => {
    await load();
    done = true;
  });
  t.ok(done);
  t.ok(lines.length > 50, `${lines.length} lines`);
  for (const { level, text } of lines) {
    t.ok(['info', 'warn', 'error'].includes(level), level);
    t.ok(text.length > 0 && !text.includes('\n'), text);
  }
  const at = (pattern: RegExp): number => lines.findIndex(({ text }) => pattern.test(text));
  const order = [
    /loaded meta data with \d+ key-value pairs and \d+ tensors/,
    /print_info: arch += llama/,
    /n_ctx_train += 512/,
    /constructing llama_context/,
    /n_ctx += 256/,
  ].map(at);
  t.notOk(order.includes(-1), 'all expected lines are present');
  t.strictSame(
    order,
    [...order].sort((a, b) => a - b),
    'in order',
  );
});

t.test('a level filters out less severe lines', async (t) => {
  const counts = [];
  for (const level of levels) {
    const lines = await linesOf(t, load, { level });
    const rank = levels.indexOf(level);
    t.ok(
      lines.every((line) => levels.indexOf(line.level) >= rank),
      level,
    );
    counts.push(lines.length);
  }
  const [debug, info, warn, error] = counts as [number, number, number, number];
  t.ok(debug > info && info > warn && warn > 0 && error === 0, counts.join());
  const failed = await linesOf(t, () => Model.load('test/fixtures/logger.mjs').catch(() => {}));
  t.strictSame(failed, [], 'a file that this package rejects never reaches llama.cpp');
});

t.test('lines that are logged in pieces are delivered whole', async (t) => {
  const lm = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 64 });
  t.teardown(() => lm.close());
  const { quantize } = await import('autocog-lm');
  const target = `${t.testdir()}/target.gguf`;
  const lines = await linesOf(t, () => quantize(defaultModelPath, target, 'Q8_0'));
  const tensors = lines.filter(({ text }) => /^\[ *\d+\/ *\d+\]/.test(text));
  t.equal(tensors.length, 38, 'one for each tensor');
  for (const { text } of tensors) t.match(text, /type = .*size = .* MiB|converting to .* MiB/);
});

t.test('a new logger replaces the previous one, undefined removes it', async (t) => {
  const first: LogLine[] = [];
  const second: LogLine[] = [];
  setLogger((line) => void first.push(line));
  setLogger((line) => void second.push(line));
  t.teardown(() => setLogger(undefined));
  await load();
  t.equal(first.length, 0);
  const count = second.length;
  t.ok(count > 0);
  setLogger(undefined);
  await load();
  t.equal(second.length, count);
  let lines = 0;
  setLogger(() => {
    lines++;
    setLogger(undefined);
  });
  await load();
  t.equal(lines, 1, 'a logger may remove itself');
});

t.test('an invalid logger is rejected', async (t) => {
  const wrong = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  const call = (...args: unknown[]): void => Reflect.apply(setLogger, undefined, args);
  t.throws(() => call('console'), wrong);
  t.throws(() => call(null), wrong);
  t.throws(() => call(() => {}, { level: 'trace' }), wrong);
  t.throws(() => call(() => {}, { verbose: true }), wrong);
  t.throws(() => call(() => {}, 'debug'), wrong);
});

t.test('in child processes', async (t) => {
  const run = (scenario: string) => runChild('logger', scenario);
  t.match(await run('silent'), { code: 0, told: ['done'], stderr: '' }, 'silent by default');
  t.match(
    await run('idle'),
    { code: 0, told: ['done'], stderr: '' },
    'a logger does not keep the process alive',
  );
  t.strictSame(
    (await run('throwing')).told,
    [
      ['AUTOCOG_CALLBACK_FAILED', 'Error: line 1'],
      ['AUTOCOG_CALLBACK_FAILED', 'Error: the logger is broken'],
      true,
    ],
    'its first failure is a warning, and further lines are delivered',
  );
  t.match(await run('exiting'), { code: 7, told: [] });
  const workers = await run('workers');
  t.match(workers, { code: 0, stderr: '' });
  const [{ own, received } = { own: 0, received: 0 }, more, done] = workers.told as [
    { own: number; received: number },
    boolean,
    string,
  ];
  t.ok(own > 50 && received === own, `the worker received ${received} of ${own} lines`);
  t.strictSame([more, done], [true, 'done']);
  const flood = await run('flood');
  t.match(flood, { code: 0, stderr: '' });
  const [{ lines, last }] = flood.told as [{ lines: number; last: string[] }];
  // Including those of the earlier load.
  t.ok(lines > 20_000 && lines < 20_500, `${lines} lines: as many as may be queued`);
  t.match(last, [/^autocog-lm: \d+ lines dropped/], 'and one that reports how many were dropped');
  t.equal(last.length, 1);
});
