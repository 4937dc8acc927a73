// Invalid input: each mistake is reported with its own error, and the LM stays usable.

import { setTimeout as wait } from 'node:timers/promises';
import { type ContextOptions, LLaMa, Model, type ModelOptions } from 'autocog-lm';
import t, { type Test } from 'tap';
import { at, join, promptOf } from '../suite/oracle.js';
import { near, testWith } from '../suite/with-lm.js';
import { bruteForce } from '../support/brute-force.js';
import { failure, failures, wrongKind, wrongSize } from '../support/failures.js';
import { exact, loadForm } from '../support/forms.js';
import { manyPaths } from '../support/many.js';

const model = await loadForm(t, 'F32');
const make = () => new LLaMa(model, exact);
const prompt = 'The sky is';
const choices = [' blue', ' green'];
const tolerance = 1e-4;

/** The LM's results are the same as without an earlier mistake. */
async function stillWorks(t: Test, lm: LLaMa): Promise<void> {
  const tokens = await promptOf(lm, prompt);
  const { choices: found } = await lm.choose(prompt, choices);
  for (const { tokens: path, logprobs } of found) {
    const truth = await bruteForce(model, exact, tokens, path);
    for (const [index, logprob] of truth.entries()) {
      near(t, at(logprobs, index), logprob, tolerance, 'the LM still works');
    }
  }
}

testWith(t, make, 'a prompt that is too long is rejected before anything runs', async (t, lm) => {
  const long = new Int32Array(lm.contextSize + 1).fill(65);
  const text = ' sky'.repeat(4 * lm.contextSize);
  for (const [given, length] of [
    [long, long.length],
    [text, (await promptOf(lm, text)).length],
  ] as const) {
    const error = { name: 'ContextOverflowError', code: 'CONTEXT_OVERFLOW' };
    const message = `The prompt of ${length} tokens does not fit in the context of 512`;
    const calls = [lm.greedy(given), lm.complete(given), lm.eval(given), lm.ingest(given)];
    for (const found of await failures(calls)) t.match(found, { ...error, message });
    t.match(await failure(lm.choose(given, choices)), {
      ...error,
      message: new RegExp(`prompt of ${length} tokens and the deepest choice of \\d+ .*of 512`),
    });
  }
  await stillWorks(t, lm);
});

testWith(t, make, 'empty input is rejected unless it has a meaning', async (t, lm) => {
  const none = new Int32Array(0);
  const noPrompt = wrongSize('at least one token', 'prompt', 'Int32Array of 0');
  const calls = [lm.greedy(none), lm.complete(none), lm.choose(none, choices)];
  for (const found of await failures(calls)) t.match(found, noPrompt);
  t.equal(model.vocab.addBos, true);
  t.equal(
    (await lm.choose('', choices)).boundary.tokens.length,
    1,
    'an empty prompt is the BOS token alone',
  );
  t.match(await failure(lm.choose(prompt, [])), {
    ...wrongSize('at least one choice', 'choices', 'an array of 0'),
  });
  const empty = 'at least one token, or a terminator,';
  t.match(await failure(lm.choose(prompt, ['a', ''])), wrongSize(empty, 'choices[1]', '""'));
  t.match(
    await failure(lm.choose(prompt, [none])),
    wrongSize(empty, 'choices[0]', 'Int32Array of 0'),
  );
  await stillWorks(t, lm);
});

testWith(t, make, 'duplicates and prefixes are valid choices', async (t, lm) => {
  const paths = [' blue', ' blue sea', ' blue', ' bl', ' blue sea and sky'];
  const { choices: found, mass } = await lm.choose(prompt, paths);
  const tokens = await promptOf(lm, prompt);
  for (const { tokens: path, logprobs, text } of found) {
    const truth = await bruteForce(model, exact, tokens, path);
    truth.forEach((logprob, index) => {
      near(t, at(logprobs, index), logprob, tolerance, text);
    });
  }
  const [first, longer, again] = found;
  t.equal(again?.logprob, first?.logprob);
  t.equal(again?.probability, first?.probability);
  t.ok(at(found, 1).logprob <= at(found, 0).logprob, `${longer?.text} is not more likely`);
  const distinct = found.filter(({ index }) => index !== 2);
  near(
    t,
    mass,
    distinct.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0),
    1e-9,
    'mass',
  );
});

testWith(t, make, 'a token id out of range is rejected', async (t, lm) => {
  const { size } = model.vocab;
  for (const id of [-1, size, 2 ** 31 - 1, -(2 ** 31)]) {
    const bad = Int32Array.of(65, id);
    const expect = (name: string) => wrongSize(`a token id below ${size}`, `${name}[1]`, `${id}`);
    t.match(await failure(lm.greedy(bad)), expect('prompt'));
    t.match(await failure(lm.eval(bad)), expect('prompt'));
    t.match(await failure(lm.choose(prompt, [Int32Array.of(65), bad])), expect('choices[1]'));
    t.match(await failure(lm.score(prompt, bad)), expect('continuation'));
    t.match(await failure(lm.detokenize(bad)), expect('tokens'));
    t.throws(() => model.detokenizeSync(bad), expect('tokens'));
    t.throws(() => model.tokenBytes(id), { name: 'RangeError', code: 'OUT_OF_RANGE' });
  }
  await stillWorks(t, lm);
});

t.test(
  'a context option that is NaN, negative, fractional or of a wrong type is rejected',
  async (t) => {
    const integers = {
      contextSize: 4,
      batchSize: 2,
      microBatchSize: 2,
      maxSequences: 4,
      promptSlots: 1,
      threads: 1,
      threadsBatch: 1,
      logitsBudget: 1,
    } satisfies ContextOptions;
    const build = (options: object) => () => new LLaMa(model, options);
    for (const [name, min] of Object.entries(integers)) {
      for (const value of [Number.NaN, -1, min - 1, 1.5, Infinity, -Infinity, 2 ** 53]) {
        const message = new RegExp(
          `^Expected an integer (of at least ${min}|between ${min} and \\d+) for ${name}, ` +
            `got ${value}$`,
        );
        const error = { name: 'RangeError', code: 'OUT_OF_RANGE', message };
        t.throws(build({ [name]: value }), error, `${name}: ${value}`);
      }
      t.throws(build({ [name]: '8' }), wrongKind('an integer', name, '"8"'));
    }
    for (const name of ['ropeFrequencyBase', 'ropeFrequencyScale']) {
      for (const value of [Number.NaN, -1, Infinity]) {
        t.throws(
          build({ [name]: value }),
          wrongSize('a finite number of at least 0', name, `${value}`),
        );
      }
    }
    t.throws(build({ flashAttention: 1 }), wrongKind('a boolean', 'flashAttention', '1'));
    t.throws(build({ kvCacheTypeK: 'f64' }), { name: 'TypeError', message: /'f32', 'f16'/ });
    t.throws(build({ kvCacheTypeV: 'q8_0' }), { name: 'RangeError', message: /flashAttention/ });
  },
);

t.test('a model option that is NaN, negative or of a wrong type is rejected', async (t) => {
  const cases: [ModelOptions, RegExp][] = [
    [{ gpuLayers: Number.NaN }, /for gpuLayers, got NaN$/],
    [{ gpuLayers: -1 }, /for gpuLayers, got -1$/],
    [{ mainGpu: -1 }, /for mainGpu, got -1$/],
    [{ tensorSplit: [1, Number.NaN] }, /for tensorSplit\[1\], got NaN$/],
    [{ tensorSplit: [-1] }, /for tensorSplit\[0\], got -1$/],
    [{ metadataOverrides: { a: Number.NaN } }, /for metadataOverrides\['a'\], got NaN$/],
    [{ metadataOverrides: { a: 2n ** 64n } }, /for metadataOverrides\['a'\], got \d+n$/],
    [{ mmap: 1 } as never, /for mmap, got 1$/],
    [{ devices: ['none such'] }, /none such/],
  ];
  for (const [options, message] of cases) {
    const error = await failure(Model.load(model.info.path, options));
    t.match(error, { message, code: /OUT_OF_RANGE|INVALID_ARGUMENT/ });
    t.match(error.name, /^(Range|Type)Error$/);
  }
});

testWith(t, make, 'a call option that is NaN or negative is rejected', async (t, lm) => {
  for (const value of [Number.NaN, -1, 0, 1.5, Infinity]) {
    if (value !== Infinity) {
      const error = wrongSize('an integer of at least 1', 'maxTokens', `${value}`);
      t.match(await failure(lm.complete(prompt, { maxTokens: value })), error);
    }
    t.match(await failure(lm.candidates(prompt, value)), {
      name: 'RangeError',
      message: / for k,/,
    });
    if (value !== 0) {
      const position = { name: 'RangeError', message: /for logits\[0\]/ };
      t.match(await failure(lm.eval(prompt, { logits: [value] })), position);
    }
  }
  await stillWorks(t, lm);
});

testWith(
  t,
  make,
  'five thousand choices on a default context decode no token twice',
  async (t, lm) => {
    t.equal(lm.contextSize, 512);
    const paths = manyPaths(5000, 3, model.vocab.size).map((path, index) => {
      // Some share two tokens, some are prefixes of others, some are duplicates.
      if (index % 3 === 0) return join([65, 66], path.subarray(0, index % 4));
      return path.subarray(0, 1 + (index % 3));
    });
    const { choices: found, tree, usage } = await lm.choose(prompt, paths);
    t.equal(found.length, 5000);
    t.equal(usage.cachedTokens, 0);
    t.equal(usage.decodedTokens, usage.promptTokens + tree.size - tree.childless);
    const again = await lm.choose(prompt, paths);
    t.equal(again.usage.cachedTokens, usage.promptTokens);
    t.equal(
      again.usage.decodedTokens,
      tree.size - tree.childless,
      'exactly the inner nodes, once cached',
    );
    const tokens = await promptOf(lm, prompt);
    for (let index = 0; index < 5000; index += 123) {
      const truth = await bruteForce(model, exact, tokens, at(paths, index));
      for (const [depth, logprob] of truth.entries()) {
        near(t, at(at(found, index).logprobs, depth), logprob, tolerance, `choice ${index}`);
        near(
          t,
          at(at(again.choices, index).logprobs, depth),
          logprob,
          tolerance,
          'the second time',
        );
      }
    }
  },
);

testWith(t, make, 'a hundred concurrent calls return what each returns alone', async (t, lm) => {
  const words = ['The sky is', 'A lemon is', 'The cow says', 'Two and two make', 'a'];
  const call = async (index: number): Promise<number[]> => {
    const text = at(words, index % words.length);
    switch (index % 4) {
      case 0:
        return (await lm.choose(text, choices)).choices.map(({ logprob }) => logprob);
      case 1:
        return [...(await lm.greedy(text)).subarray(0, 20)];
      case 2:
        return [(await lm.score(text, at(choices, 0))).logprob];
      default:
        return (await lm.candidates(text, 3)).map(({ logprob }) => logprob);
    }
  };
  const alone: number[][] = [];
  for (let index = 0; index < 20; index++) alone.push(await call(index));
  const together = await Promise.all(Array.from({ length: 100 }, (_, index) => call(index)));
  for (const [index, found] of together.entries()) {
    const expected = at(alone, index % 20);
    t.equal(found.length, expected.length);
    found.forEach((value, position) => {
      near(t, value, at(expected, position), tolerance, `call ${index}`);
    });
  }
});

testWith(t, make, 'an abort works before, during and after a call', async (t, lm) => {
  const many = manyPaths(5000, 6, model.vocab.size);
  const reason = new Error('enough');
  await lm.ready;
  t.equal(await failure(lm.choose(prompt, many, { signal: AbortSignal.abort(reason) })), reason);
  const late = new AbortController();
  t.equal((await lm.choose(prompt, choices, { signal: late.signal })).choices.length, 2);
  late.abort(reason);
  for (const delay of [undefined, 0, 30]) {
    const controller = new AbortController();
    const { signal } = controller;
    const running = lm.choose(prompt, many, { signal });
    running.catch(() => {});
    if (delay !== undefined) await wait(delay);
    const waiting = [
      lm.complete(prompt, { maxTokens: 400, signal }),
      lm.greedy(prompt, { signal }),
      lm.eval(prompt, { signal }),
    ];
    controller.abort(reason);
    for (const error of await failures([running, ...waiting])) {
      t.equal(error, reason, `after ${delay ?? 'no'} ms`);
    }
    await stillWorks(t, lm);
  }
});

t.test('every call after close rejects with ClosedError', async (t) => {
  const own = await LLaMa.load(model.info.path, exact);
  await own.close();
  const error = { name: 'ClosedError', code: 'CLOSED', message: 'The LM is closed' };
  const calls: Promise<unknown>[] = [
    own.tokenize('a'),
    own.detokenize(Int32Array.of(65)),
    own.eval(prompt),
    own.greedy(prompt),
    own.candidates(prompt, 1),
    own.score(prompt, ' blue'),
    own.choose(prompt, choices),
    own.complete(prompt),
    own.ingest(prompt),
    own.clear(),
    own.with({ completion: { maxTokens: 1 } }).greedy(prompt),
  ];
  for (const found of await failures(calls)) t.match(found, error);
  const modelClosed = { ...error, message: 'The model is closed' };
  t.throws(() => own.model.tokenizeSync('a'), modelClosed);
  t.throws(() => own.model.detokenizeSync(Int32Array.of(1)), modelClosed);
  t.throws(() => own.model.tokenBytes(1), modelClosed);
  t.match(await failure(own.model.tokenize('a')), modelClosed);
  t.match(await failure(new LLaMa(own.model).ready), modelClosed);
  t.equal(own.closed && own.model.closed, true);
  t.ok(own.model.info.parameters > 0 && own.model.vocab.size > 0, 'info and vocab stay available');
});
