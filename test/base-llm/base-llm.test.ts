// The smallest subclass of BaseLLM: what works with nothing but `run`, and bad input for every
// method.

import { setTimeout as sleep } from 'node:timers/promises';
import { BaseLLM, type RunOptions } from 'autocog-lm/base-llm';
import t from 'tap';
import { failure } from '../support/failures.js';
import { Shouting } from './llms.js';

t.test('a subclass with run alone generates, also in batches', async (t) => {
  const llm = new Shouting({ maxTokens: 5 });
  t.equal(await llm.run('ä'), 'Ä');
  t.equal(await llm.arun('b'), 'B');
  t.equal(await llm.call('c'), 'C');
  t.same(await llm.batchRun(['d', 'e', '']), ['D', 'E', '']);
  t.same(await llm.abatchRun([]), []);
  t.same(llm.tasks, ['ä', 'b', 'c', 'd', 'e', '']);
});

t.test('run needs no this, so that frameworks may call it on its own', async (t) => {
  const agent = { llm: new Shouting().run, step: (task: string) => agent.llm(task) };
  t.equal(await agent.step('go'), 'GO');
});

t.test('run may be a field, or call that of a superclass', async (t) => {
  class Field extends BaseLLM {
    override run = async (task = '') => `${task}!`;
  }
  const field = new Field();
  t.equal(await field.run('a'), 'a!');
  t.same(await field.batchRun(['b']), ['b!']);
  t.ok((field.getGenerationTime() ?? -1) >= 0);
  class Twice extends Shouting {
    override async run(task?: string, options?: RunOptions): Promise<string> {
      return `${await super.run(task, options)} ${await super.run(task, options)}`;
    }
  }
  t.equal(await new Twice().run('a'), 'A A');
});

t.test('a chat continues its history as a dialog', async (t) => {
  const llm = new Shouting({ systemPrompt: 'Be loud.', role: 'bot' });
  t.match(await llm.chat('one'), /^BE LOUD\./);
  t.equal(llm.tasks[0], 'Be loud.\n\nUser: one\nBot:');
  await llm.chat('two');
  t.equal(llm.tasks[1], `Be loud.\n\nUser: one\nBot: ${llm.history[1]?.content}\nUser: two\nBot:`);
  t.same(
    llm.history.map(({ role }) => role),
    ['user', 'assistant', 'user', 'assistant'],
  );
  llm.clearHistory();
  t.same(llm.history, []);
  await llm.chat('three', [{ role: 'BOT', content: 'x' }]);
  t.match(llm.history, [{ role: 'assistant', content: 'x' }, { content: 'three' }, {}]);
  await llm.chat('four', 'Earlier text');
  t.match(llm.history, [{ role: 'user', content: 'Earlier text\n\nfour' }, {}]);
  t.throws(() => (llm.history as unknown[]).push({}), TypeError, 'the history is not shared');
});

t.test('chats run one at a time, and a failed one adds nothing', async (t) => {
  class Slow extends BaseLLM {
    running = 0;
    async run(task = '') {
      t.equal(++this.running, 1);
      await sleep(5);
      this.running--;
      if (task.includes('fail')) throw new Error('It failed');
      return 'ok';
    }
  }
  const llm = new Slow();
  const controller = new AbortController();
  const calls = ['a', 'fail', 'b', 'c'].map((task, index) =>
    llm.chat(task, '', index === 3 ? { signal: controller.signal } : {}),
  );
  controller.abort(new Error('enough'));
  const results = await Promise.allSettled(calls);
  t.same(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
  );
  t.same(
    llm.history.map(({ content }) => content),
    ['a', 'ok', 'b', 'ok'],
  );
  const running = llm.chat('d');
  await sleep(1);
  llm.clearHistory();
  await running;
  t.same(llm.history, [], 'an answer after clearHistory is not added');
});

t.test('a summary is one prompt', async (t) => {
  const llm = new Shouting();
  const progress: object[] = [];
  await llm.generateSummary('a. '.repeat(1000), { onProgress: (step) => progress.push(step) });
  t.equal(llm.tasks.length, 1);
  t.same(progress, [{ pass: 1, done: 1, total: 1 }]);
});

t.test('generations are timed, and counts of tokens need countTokens', async (t) => {
  const llm = new Shouting();
  t.equal(llm.getGenerationTime(), undefined);
  t.equal(await llm.tokensPerSecond(), undefined);
  t.ok((await llm.timeForGeneration('a')) >= (llm.getGenerationTime() ?? Infinity));
  t.equal(llm.timeToFirstToken(), undefined);
  await t.rejects(llm.tokensPerSecond(), { name: 'NotSupportedError', code: 'NOT_SUPPORTED' });
  await t.rejects(llm.countTokens('a'), { code: 'NOT_SUPPORTED' });
  class Counting extends Shouting {
    override async countTokens(text: string): Promise<number> {
      return text.length;
    }
  }
  const counting = new Counting();
  await counting.run('abc');
  const speed = (await counting.tokensPerSecond()) ?? 0;
  t.ok(Math.abs((speed * (counting.getGenerationTime() ?? 0)) / 3000 - 1) < 1e-9);
});

t.test('resources are those of the process', async (t) => {
  const llm = new Shouting();
  const end = performance.now() + 20;
  while (performance.now() < end);
  const report = await llm.trackResourceUtilization();
  t.match(report, { modelBytes: undefined, cacheBytes: undefined, devices: [] });
  t.ok(report.residentBytes > report.heapUsedBytes && report.heapUsedBytes > 0);
  t.ok(report.cpuUserMs > 0 && report.cpuLoad > 0);
});

t.test('an abort rejects at once, though the subclass ignores the signal', async (t) => {
  class Endless extends BaseLLM {
    run(): Promise<string> {
      return new Promise(() => {});
    }
  }
  const llm: BaseLLM = new Endless();
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('enough')), 5);
  const aborted = { signal: controller.signal };
  await t.rejects(llm.run('a', aborted), { message: 'enough' });
  const reason = await llm.run('a', { signal: AbortSignal.abort(null) }).catch((error) => error);
  t.equal(reason, null, 'whatever the reason is');
  await t.rejects(llm.batchRun(['a'], aborted), { message: 'enough' });
  await t.rejects(llm.chat('a', '', aborted), { message: 'enough' });
  await t.rejects(llm.generateSummary('a', aborted), { message: 'enough' });
});

t.test('bad input is rejected by every method, and changes nothing', async (t) => {
  const llm = new Shouting();
  const wrong = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  const calls: [string, () => Promise<unknown>][] = [];
  for (const value of [3, null, {}, ['a']] as never[]) {
    calls.push(
      ['run', () => llm.run(value)],
      ['arun', () => llm.arun(value)],
      ['call', () => llm.call(value)],
      ['chat', () => llm.chat(value)],
      ['countTokens', () => llm.countTokens(value)],
      ['timeForGeneration', () => llm.timeForGeneration(value)],
      ['generateSummary', () => llm.generateSummary(value)],
      ['enableLogging', () => llm.enableLogging(value)],
      ['saveCheckpoint', () => llm.saveCheckpoint(value)],
      ['loadCheckpoint', () => llm.loadCheckpoint(value)],
    );
  }
  for (const value of ['a', null, [3], {}] as never[]) {
    calls.push(['batchRun', () => llm.batchRun(value)]);
  }
  for (const value of [null, 3, 'x', { signal: 3 }, { onToken: 3 }, { x: 1 }] as never[]) {
    calls.push(
      ['run options', () => llm.run('a', value)],
      ['batchRun options', () => llm.batchRun(['a'], value)],
      ['chat options', () => llm.chat('a', '', value)],
      ['summary options', () => llm.generateSummary('a', value)],
    );
  }
  for (const history of [3, null, {}, [3], [{ role: 'x', content: '' }], [{ role: 'user' }]]) {
    calls.push(['history', () => llm.chat('a', history as never)]);
  }
  calls.push(['path', () => llm.enableLogging('')], ['path', () => llm.saveCheckpoint('a\0b')]);
  for (const [name, call] of calls) t.match(await failure(call()), wrong, name);
  await t.rejects(llm.generateSummary(' \n'), { name: 'RangeError', code: 'OUT_OF_RANGE' });
  t.same(llm.tasks, []);
  t.same(llm.history, []);
  t.equal(llm.lastGeneration, undefined);
  t.throws(() => llm.toggleCreativeMode(1 as never), wrong);
});

t.test('a run that returns no text is an error', async (t) => {
  class Broken extends BaseLLM {
    async run(): Promise<string> {
      return 3 as never;
    }
  }
  await t.rejects((new Broken() as BaseLLM).run('a'), {
    message: 'Expected a string for the result of run, got 3',
  });
});
