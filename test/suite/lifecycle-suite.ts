// How calls end early, for any ChoiceLM: by abort or by close.

import { getEventListeners } from 'node:events';
import type { CallOptions, ChoiceLM } from 'autocog-lm';
import type { Test } from 'tap';
import { at, promptOf } from './oracle.js';
import { has, type Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

export function lifecycleSuite(t: Test, subject: Subject): void {
  const { make, prompt, choices, tolerance } = subject;
  const greedy = has(subject, 'greedy');
  const calls = (lm: ChoiceLM, options?: CallOptions): Promise<unknown>[] => [
    ...(greedy ? [lm.greedy(prompt, options), lm.candidates(prompt, 3, options)] : []),
    ...(has(subject, 'score') ? [lm.score(prompt, choices[0], options)] : []),
    lm.complete(prompt, { maxTokens: 4, ...options }),
    lm.choose(prompt, choices, options),
  ];
  const rejectedWith = async (t: Test, promises: Promise<unknown>[], reason: unknown) => {
    for (const { status, ...outcome } of await Promise.allSettled(promises)) {
      t.equal(status, 'rejected');
      t.equal((outcome as { reason?: unknown }).reason, reason);
    }
  };

  testWith(t, make, 'an already aborted signal rejects with its reason', async (t, lm) => {
    const reason = new Error('no time');
    await rejectedWith(t, calls(lm, { signal: AbortSignal.abort(reason) }), reason);
  });

  testWith(
    t,
    make,
    'an abort rejects running calls and does not affect later ones',
    async (t, lm) => {
      const before = await lm.choose(prompt, choices);
      const controller = new AbortController();
      const running = calls(lm, { signal: controller.signal });
      const reason = { any: 'value' };
      controller.abort(reason);
      await rejectedWith(t, running, reason);
      const after = await lm.choose(prompt, choices);
      for (const { index, logprob, tokens } of after.choices) {
        const slack = 2 * tolerance * tokens.length;
        near(t, logprob, at(before.choices, index).logprob, slack, `choice ${index}`);
      }
    },
  );

  testWith(t, make, 'a signal can be shared by any number of concurrent calls', async (t, lm) => {
    const { signal } = new AbortController();
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    await Promise.all(Array.from({ length: 6 }, () => calls(lm, { signal })).flat());
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warn);
    t.same(warnings, []);
    t.equal(getEventListeners(signal, 'abort').length, 0, 'no listener is left behind');
  });

  testWith(
    t,
    make,
    'a call with any number of choices does not add a listener for each',
    async (t, lm) => {
      const { signal } = new AbortController();
      const warnings: Error[] = [];
      const warn = (warning: Error): void => void warnings.push(warning);
      process.on('warning', warn);
      const many = Array.from({ length: 100 }, (_, index) => `${choices[0]} ${index}`);
      await lm.choose(prompt, many, { signal });
      await new Promise((resolve) => setImmediate(resolve));
      process.off('warning', warn);
      t.same(warnings, []);
      t.equal(getEventListeners(signal, 'abort').length, 0, 'no listener is left behind');
    },
  );

  testWith(t, make, 'a caller may change its arrays while a call runs', async (t, lm) => {
    const tokens = await promptOf(lm, prompt);
    const paths = await Promise.all(
      choices.map((text) => lm.tokenize(text, { continuation: true })),
    );
    const call = async (prompt: Int32Array, paths: Int32Array[]) => {
      const [first] = paths as [Int32Array];
      const calls = [
        lm.choose(prompt, paths),
        lm.score(prompt, first),
        lm.detokenize(first, { continuation: true }),
      ] as const;
      const [greedy, completion] = [lm.greedy(prompt), lm.complete(prompt, { maxTokens: 3 })];
      prompt.fill(1);
      for (const path of paths.splice(0)) path.fill(1);
      const [choice, score, text] = await Promise.all(calls);
      const logprobs = choice.choices.map(({ logprob }) => logprob);
      const rest = [text, (await greedy).indexOf(0), (await completion).tokens];
      return [logprobs, score.tokens, ...rest] as const;
    };
    const expected = await call(
      tokens.slice(),
      paths.map((path) => path.slice()),
    );
    t.same(expected[1], paths[0]);
    for (const { index, logprob } of (await lm.choose(tokens, paths)).choices) {
      const slack = 2 * tolerance * at(paths, index).length;
      near(t, at(expected[0], index), logprob, slack, `choice ${index}`);
    }
  });

  testWith(t, make, 'an invalid signal is rejected', async (t, lm) => {
    const error = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
    await Promise.all(calls(lm, { signal: {} as never }).map((call) => t.rejects(call, error)));
  });

  testWith(t, make, 'close is idempotent and later calls are rejected', async (t, lm) => {
    t.equal(lm.closed, false);
    await Promise.all([lm.close(), lm.close()]);
    await lm[Symbol.asyncDispose]();
    t.equal(lm.closed, true);
    const error = { name: 'ClosedError', code: 'CLOSED' };
    await Promise.all(calls(lm).map((call) => t.rejects(call, error)));
  });
}
