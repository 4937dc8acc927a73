// The log: JSON lines, one file per LLM, and failures that fail no call.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { france, loadLLM, Shouting } from './llms.js';

type Event = Record<string, unknown>;
const eventsIn = (path: string): Event[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

t.test('it has all events in order, and no text', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'mödel.log');
  const llm = await loadLLM(t, { maxTokens: 20 });
  await llm.run(france);
  await llm.enableLogging(path);
  await llm.run(france);
  llm.setTopK(3);
  llm.setTopK(undefined);
  llm.set({ padTokenId: 3 });
  await t.rejects(llm.run(france));
  llm.set({ padTokenId: undefined });
  await llm.logEvent('one\ntwo 🌍');
  await llm.batchRun([france, france]);
  await llm.chat(france);
  await llm.loadCheckpoint(await llm.saveCheckpoint(folder));
  await llm.disableLogging();
  await llm.run(france);
  const events = eventsIn(path);
  t.same(
    events.map(({ event }) => event),
    [
      'logging',
      'generation',
      ...['options', 'options', 'options', 'failure', 'options'],
      ...['message', 'generation', 'generation'],
      ...['checkpoint saved', 'options', 'checkpoint loaded'],
    ],
  );
  t.match(events[1], { tokens: 2, durationMs: Number, firstTokenMs: Number, promptTokens: Number });
  t.match(events[2], { changed: ['topK'] });
  t.match(events[5], { code: 'NOT_SUPPORTED', name: 'NotSupportedError' });
  t.equal(events[7]?.message, 'one\ntwo 🌍');
  for (const { time } of events) t.equal(new Date(time as string).toISOString(), time);
  t.notMatch(readFileSync(path, 'utf8'), /capital of|Paris/);
  t.throws(() => llm.set({ topK: -1 }), RangeError);
});

t.test('each LLM has its own, and several may share a file', async (t) => {
  const folder = t.testdir();
  const [first, second] = [new Shouting(), new Shouting()];
  await first.enableLogging(join(folder, 'a'));
  await second.enableLogging(join(folder, 'b'));
  await first.run('x');
  await first.enableLogging(join(folder, 'b'));
  const messages = Array.from({ length: 50 }, (_, index) => `${index}`);
  await Promise.all(messages.map((message) => first.logEvent(message)));
  t.equal(eventsIn(join(folder, 'a')).length, 2);
  const shared = eventsIn(join(folder, 'b'));
  t.same(
    shared.slice(2).map(({ message }) => message),
    messages,
  );
});

t.test('a file that cannot be written is reported', async (t) => {
  const folder = t.testdir();
  const llm = new Shouting();
  const unwritten = { name: 'LMError', code: 'LOG_NOT_WRITTEN' };
  await t.rejects(llm.logEvent('x'), { ...unwritten, message: /^Logging is not enabled/ });
  await t.rejects(llm.enableLogging(folder), unwritten);
  await t.rejects(llm.enableLogging(join(folder, 'none', 'x')), unwritten);
  await t.rejects(llm.logEvent('x'), unwritten, 'it is still not enabled');
  await llm.enableLogging(join(folder, 'x'));
  await t.rejects(llm.logEvent(3 as never), { name: 'TypeError' });
  await llm.disableLogging();
  await llm.disableLogging();
});

t.test('a log that fails later is a warning, and fails no call', async (t) => {
  const folder = t.testdir();
  const { rmSync } = await import('node:fs');
  const llm = new Shouting();
  await llm.enableLogging(join(folder, 'sub.log'));
  rmSync(folder, { recursive: true });
  const warned = new Promise<Error & { code?: string }>((resolve) =>
    process.once('warning', resolve),
  );
  t.equal(await llm.run('x'), 'X');
  t.match(await warned, { name: 'AutocogWarning', code: 'AUTOCOG_LOG_FAILED' });
  await t.rejects(llm.logEvent('x'), { code: 'LOG_NOT_WRITTEN', cause: { code: 'ENOENT' } });
});
