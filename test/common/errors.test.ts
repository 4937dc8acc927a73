// Errors: the class of each code, the documentation of every code, and the retries of `greedy`.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  ClosedError,
  ContextOverflowError,
  errorCodes,
  NotSupportedError,
  warningCodes,
} from 'autocog-lm';
import t from 'tap';
import * as errors from '../../lib/common/errors.js';
import { fromNative } from '../../lib/native/errors.js';
import { ToyLM } from '../suite/toy-lm.js';

/** What a promise rejects with. */
const failureOf = (promise: Promise<unknown>): Promise<errors.LMError> =>
  promise.then(
    () => {
      throw new Error('It resolved');
    },
    (error: errors.LMError) => error,
  );

const codesIn = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, code]) => code ?? '');

/** The text of every source below a folder, except one. */
const sourcesOf = (folder: string, except?: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|cc)$/.test(path) && basename(path) !== except)
    .map((path) => readFileSync(join(folder, path), 'utf8'));

t.test('docs/errors.md has a row for each code, and for no other', async (t) => {
  const rows = codesIn(readFileSync('docs/errors.md', 'utf8'), /^\| `([A-Z_]+)` \|/gm);
  t.same(rows.sort(), [...errorCodes].sort());
});

t.test('docs/errors.md has a line for each warning, and each is emitted somewhere', async (t) => {
  const lines = codesIn(readFileSync('docs/errors.md', 'utf8'), /^- `(AUTOCOG_[A-Z_]+)`: /gm);
  t.same(lines.sort(), [...warningCodes].sort());
  const sources = sourcesOf('lib', 'warnings.ts').join('');
  for (const code of warningCodes) t.ok(sources.includes(`'${code}'`), code);
});

t.test('every listed code is used somewhere, and no other', async (t) => {
  const used = /(?:code: |coded\(|code: ')'?([A-Z_]{4,})'/g;
  const inLib = sourcesOf('lib', 'binding.ts').flatMap((text) => codesIn(text, used));
  const inLoader = codesIn(readFileSync('native/load.cjs', 'utf8'), used);
  const inEngine = sourcesOf('native/engine').flatMap((text) =>
    codesIn(text, /return "([A-Z_]{4,})";/g),
  );
  const all = new Set([...inLib, ...inLoader, ...inEngine]);
  t.same([...all].sort(), [...errorCodes].sort());
});

t.test('a native error becomes its public class, with its message, code and cause', async (t) => {
  const classes = {
    ABORTED: errors.LMError,
    CLOSED: errors.ClosedError,
    CONTEXT_OVERFLOW: errors.ContextOverflowError,
    DECODE_FAILED: errors.LMError,
    INTERNAL: errors.LMError,
    INVALID_ARGUMENT: TypeError,
    MODEL_LOAD: errors.ModelLoadError,
    NOT_SUPPORTED: errors.NotSupportedError,
    OUT_OF_MEMORY: errors.LMError,
    OUT_OF_RANGE: RangeError,
    STATE_MISMATCH: errors.LMError,
  };
  for (const [code, type] of Object.entries(classes)) {
    const cause = new Error('what the engine logged');
    const error = fromNative(
      Object.assign(new Error('why', { cause }), { code }),
    ) as errors.LMError;
    t.ok(error instanceof type, `${code} is a ${type.name}`);
    t.match(error, { message: 'why', code, cause });
    t.match(error.stack, /errors\.test/, "its stack is the caller's");
    t.notOk('cause' in (fromNative(Object.assign(new Error('why'), { code })) as errors.LMError));
  }
});

t.test('any other value is returned unchanged', async (t) => {
  for (const other of [
    new Error('plain'),
    Object.assign(new Error(), { code: 'ENOENT' }),
    'text',
    null,
  ]) {
    t.equal(fromNative(other), other);
  }
});

/** A toy LM whose first attempts fail with the given errors. */
class FailingLM extends ToyLM {
  attempts = 0;
  readonly #failures: unknown[];

  constructor(failures: unknown[], options = {}) {
    super({ delta: 1, growth: 2, ...options });
    this.#failures = failures;
  }

  protected override async greedyImpl(tokens: Int32Array): Promise<Float32Array> {
    const failure = this.#failures[this.attempts++];
    if (failure !== undefined) throw failure;
    return super.greedyImpl(tokens);
  }
}

t.test('greedy retries after a failure', async (t) => {
  const lm = new FailingLM([new Error('one'), 'two']);
  t.equal((await lm.greedy('a')).length, 258);
  t.equal(lm.attempts, 3);
});

t.test('greedy fails after the given number of attempts, with all their errors', async (t) => {
  const failures = [1, 2, 3, 4].map((n) => new Error(`failure ${n}`));
  const lm = new FailingLM(failures);
  const error = await failureOf(lm.greedy('a'));
  t.match(error, {
    name: 'LMError',
    code: 'RETRIES_EXHAUSTED',
    message: /3 attempts.*failure 3/,
  });
  t.same((error.cause as AggregateError).errors, failures.slice(0, 3));
  const once = new FailingLM(failures, { retries: 1, delta: 1e6 });
  await t.rejects(
    once.greedy('a'),
    { code: 'RETRIES_EXHAUSTED' },
    'and does not wait after the last',
  );
});

t.test('greedy waits longer each time', async (t) => {
  const lm = new FailingLM([new Error(), new Error()], { delta: 20, growth: 3 });
  const start = performance.now();
  await lm.greedy('a');
  t.ok(performance.now() - start >= 78, '20 and 60 milliseconds');
});

t.test('greedy does not retry permanent failures', async (t) => {
  const finals = [
    new TypeError('kind'),
    new RangeError('size'),
    errors.invalidArgument('kind'),
    new ClosedError('closed'),
    new ContextOverflowError('long'),
    new NotSupportedError('never'),
  ];
  for (const final of finals) {
    const lm = new FailingLM([final]);
    t.equal(await failureOf(lm.greedy('a')), final);
    t.equal(lm.attempts, 1);
  }
});

t.test('an abort ends the wait between attempts, and an attempt that hangs', async (t) => {
  const lm = new FailingLM([new Error('one')], { delta: 1e6 });
  const reason = new Error('enough');
  const waiting = lm.greedy('a', { signal: AbortSignal.timeout(20) });
  await t.rejects(waiting, { name: 'TimeoutError' });
  t.equal(lm.attempts, 1);

  class HangingLM extends ToyLM {
    protected override greedyImpl(): Promise<Float32Array> {
      return new Promise(() => {});
    }
  }
  const controller = new AbortController();
  const hanging = new HangingLM().greedy('a', { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 10);
  t.equal(await failureOf(hanging), reason);
});

t.test('an invalid distribution is rejected', async (t) => {
  class WrongLM extends ToyLM {
    readonly #wrong: (right: Float32Array) => unknown;

    constructor(wrong: (right: Float32Array) => unknown) {
      super({ retries: 1 });
      this.#wrong = wrong;
    }

    override get vocabularySize(): number {
      return 258;
    }

    protected override async greedyImpl(tokens: Int32Array): Promise<Float32Array> {
      return this.#wrong(await super.greedyImpl(tokens)) as Float32Array;
    }
  }
  const expectRejected = async (wrong: (right: Float32Array) => unknown) => {
    const error = await failureOf(new WrongLM(wrong).greedy('a'));
    t.match((error.cause as AggregateError).errors, [{ code: 'INVALID_LOGPROBS' }]);
  };
  await new WrongLM((right) => right).greedy('a');
  await expectRejected((right) => [...right]);
  await expectRejected((right) => right.subarray(1));
  await expectRejected((right) => right.map((value) => value + 1));
  await expectRejected((right) => right.map(() => Number.NaN));
  await expectRejected((right) => right.map(() => -Infinity));
  await expectRejected(() => undefined);
});
