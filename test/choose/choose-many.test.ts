// chooseMany on instrumented LMs: which tasks are batched together, how failures are isolated, and
// how stages overlap.

import { setTimeout as wait } from 'node:timers/promises';
import { type ChooseOptions, type ChooseTask, LMError, type TreeTask } from 'autocog-lm';
import t from 'tap';
import { at } from '../suite/oracle.js';
import { ToyLM } from '../suite/toy-lm.js';

const choices = ['the sun', 'the moon', 'a star'];
const task = (prompt: string, options?: ChooseTask['options']): ChooseTask => ({
  prompt,
  choices,
  options,
});

/** Scores up to `size` tasks in one batch, and logs the batch sizes. */
class PackingLM extends ToyLM {
  readonly log: string[] = [];
  /** The error for prompts longer than 20 tokens. */
  failure: unknown = new LMError('too long', { code: 'DECODE_FAILED' });
  readonly #size: number;

  constructor(size: number) {
    super();
    this.#size = size;
  }

  protected override packs(tasks: readonly TreeTask[]): boolean {
    return tasks.length <= this.#size;
  }

  protected override async scoreTrees(tasks: readonly TreeTask[], signal: AbortSignal | undefined) {
    this.log.push(`${tasks.length}`);
    await wait(1);
    if (tasks.some(({ prompt }) => prompt.length > 20)) throw this.failure;
    return super.scoreTrees(tasks, signal);
  }
}

async function settle(
  lm: ToyLM,
  tasks: Iterable<ChooseTask> | AsyncIterable<ChooseTask>,
  options?: ChooseOptions,
) {
  const outcomes = [];
  for await (const outcome of lm.chooseMany(tasks, options).settled()) outcomes.push(outcome);
  return outcomes;
}

t.test('consecutive tasks are scored in one batch, as many as the engine packs', async (t) => {
  const lm = new PackingLM(3);
  const prompts = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const outcomes = await settle(
    lm,
    prompts.map((prompt) => task(prompt)),
  );
  t.same(lm.log, ['3', '3', '1']);
  for (const [index, prompt] of prompts.entries()) {
    const { usage, timings, ...expected } = await new ToyLM().choose(prompt, choices);
    const outcome = at(outcomes, index);
    t.equal(outcome.index, index);
    if (outcome.status === 'rejected') throw outcome.reason;
    t.same(outcome.value.choices, expected.choices);
    t.same(outcome.value.usage, usage, 'each has its own usage');
  }
});

t.test('tasks with a search or sequential batching are scored alone', async (t) => {
  const lm = new PackingLM(9);
  const search = { search: 'bound', top: 1 } as const;
  const kinds = [
    undefined,
    undefined,
    search,
    undefined,
    { batching: 'sequential' as const },
    undefined,
  ];
  await settle(
    lm,
    kinds.map((options) => task('a', options)),
  );
  t.same(lm.log, ['2', '1', '1', '1', '1']);
});

t.test('a failing task does not fail the other tasks of its batch', async (t) => {
  const lm = new PackingLM(4);
  const long = 'a prompt of more than twenty bytes';
  const outcomes = await settle(
    lm,
    ['a', long, 'b', long, 'c'].map((prompt) => task(prompt)),
  );
  t.same(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
  t.match(outcomes[1], { reason: lm.failure });
  t.same(lm.log, ['4', '1', '1', '1', '1', '1']);
  const final = new PackingLM(4);
  final.failure = new LMError('aborted', { code: 'ABORTED' });
  const all = await settle(
    final,
    ['a', long, 'b'].map((prompt) => task(prompt)),
  );
  t.ok(all.every(({ status }) => status === 'rejected'));
  t.same(final.log, ['3'], 'nothing is retried after an abort');
});

t.test('a task whose prior fails does not fail the others', async (t) => {
  class PriorLM extends PackingLM {
    protected override async greedyImpl(tokens: Int32Array) {
      if (tokens[1] === 0x21) throw new RangeError('no such prior');
      return super.greedyImpl(tokens);
    }
  }
  const options = [{ prior: 'b' }, { prior: '!' }, {}, { prior: '!' }, { prior: 'b' }];
  const outcomes = await settle(
    new PriorLM(5),
    options.map((each) => task('a', each)),
  );
  t.same(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
  t.match(outcomes[1], { reason: { message: 'no such prior' } });
});

t.test('a slow source does not delay tasks that are ready', async (t) => {
  const lm = new PackingLM(9);
  let report: (() => void) | undefined;
  const firstResult = new Promise<void>((resolve) => {
    report = resolve;
  });
  // The second task comes only after the first result.
  const source = async function* () {
    yield task('a');
    await firstResult;
    yield task('b');
    yield task('c');
  };
  const prompts: number[] = [];
  for await (const { boundary } of lm.chooseMany(source())) {
    prompts.push(at(boundary.tokens, 1));
    report?.();
  }
  t.same(
    prompts,
    [...'abc'].map((letter) => letter.charCodeAt(0)),
  );
  t.same(lm.log, ['1', '2']);
});

t.test('tasks are tokenized while earlier ones are scored', async (t) => {
  const events: string[] = [];
  class LoggingLM extends PackingLM {
    override async tokenize(...args: Parameters<ToyLM['tokenize']>) {
      if (args[1]?.addSpecial) events.push(args[0]);
      return super.tokenize(...args);
    }
    protected override async scoreTrees(...args: Parameters<PackingLM['scoreTrees']>) {
      events.push(`score ${args[0].length}`);
      await wait(20);
      const scores = await super.scoreTrees(...args);
      events.push('scored');
      return scores;
    }
  }
  const source = [...'abcdefgh'].map((prompt) => task(prompt));
  const stream = new LoggingLM(2).chooseMany(source)[Symbol.asyncIterator]();
  await stream.next();
  const before = events.slice(0, events.indexOf('scored'));
  t.ok(before.includes('score 2'));
  t.same(
    before.filter((event) => event.length === 1),
    [...'abcde'],
    'one group ahead, and one task to detect its end',
  );
  await wait(100);
  const last = events.filter((event) => event.length === 1).at(-1);
  t.equal(last, 'g', 'then one more group is scored, and one more prefetched');
  t.equal(events.filter((event) => event === 'scored').length, 2);
  await stream.return?.();
});

t.test('an LM that packs nothing scores tasks one by one', async (t) => {
  const lm = new PackingLM(1);
  await settle(
    lm,
    ['a', 'b', 'c'].map((prompt) => task(prompt)),
  );
  t.same(lm.log, ['1', '1', '1']);
  class CountingLM extends ToyLM {
    calls = 0;
    protected override async greedyImpl(tokens: Int32Array) {
      this.calls++;
      return super.greedyImpl(tokens);
    }
  }
  const counting = new CountingLM();
  const source = function* () {
    for (let index = 0; ; index++) yield task(`${index}`);
  };
  const stream = counting.chooseMany(source())[Symbol.asyncIterator]();
  await stream.next();
  await stream.return?.();
  const stopped = counting.calls;
  await wait(20);
  t.equal(counting.calls, stopped, 'nothing runs after the reader has left');
});

t.test('an abort stops scoring', async (t) => {
  const lm = new PackingLM(2);
  const controller = new AbortController();
  const never = new Promise(() => {});
  class StuckLM extends ToyLM {
    protected override async greedyImpl(): Promise<Float32Array<ArrayBuffer>> {
      await never;
      throw new Error('never');
    }
  }
  const reason = new Error('enough');
  const outcome = settle(new StuckLM(), [task('a'), task('b')], { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 5);
  t.equal(await outcome.catch((error: unknown) => error), reason);
  t.same(await settle(lm, []), []);
});
