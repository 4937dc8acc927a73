// Values that look right and are not: each is rejected with a code, and the LM goes on.

import { defaultModelPath, LLaMa, logSoftmax, logSumExp, TokenChoiceTree } from 'autocog-lm';
import t from 'tap';
import { failure } from '../support/failures.js';
import { oneThread } from '../support/forms.js';

class Odd extends Int32Array {
  static get [Symbol.species](): Int32ArrayConstructor {
    return Float64Array as unknown as Int32ArrayConstructor;
  }
  override slice(): never {
    throw new Error('thrown by slice');
  }
}

const typeError = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
const rangeError = { name: 'RangeError', code: 'OUT_OF_RANGE' };

t.test('token arrays', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, { ...oneThread, contextSize: 64 });
  const detached = Int32Array.of(1, 2);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const calls: ((tokens: Int32Array) => Promise<unknown>)[] = [
    (tokens) => lm.greedy(tokens),
    (tokens) => lm.ingest(tokens),
    (tokens) => lm.detokenize(tokens),
    (tokens) => lm.model.detokenize(tokens),
    (tokens) => lm.choose('a', [tokens]),
    (tokens) => lm.complete(tokens, { maxTokens: 1 }),
    (tokens) => lm.embed(tokens),
    async (tokens) => new TokenChoiceTree([tokens]),
    async (tokens) => lm.model.detokenizeSync(tokens),
  ];
  for (const call of calls) {
    t.match(await failure(call(detached)), typeError, 'detached');
    await call(new Odd([1, 2]));
  }
  await lm.eval('a', { into: new (class extends Float32Array {})(lm.model.vocab.size) });
});

t.test('a buffer that is transferred while a call runs', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, { ...oneThread, contextSize: 64 });
  const into = new Float32Array(lm.model.vocab.size);
  const evaluating = lm.eval('The sky', { into });
  structuredClone(into.buffer, { transfer: [into.buffer] });
  t.match(await failure(evaluating), rangeError);
  t.ok((await lm.eval('The sky')).rows);
});

t.test('indices, lists, iterators and signals', async (t) => {
  const tree = new TokenChoiceTree([Int32Array.of(1, 2)]);
  for (const path of [-1, 1, 0.5, Number.NaN]) t.throws(() => tree.nodesOf(path), rangeError);
  t.throws(() => tree.nodesOf('0' as never), typeError);
  const detached = Float32Array.of(1, 2);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  for (const list of [undefined, null, 5, 'text', {}, detached]) {
    t.throws(() => logSoftmax(list as never), typeError);
    t.throws(() => logSumExp(list as never), typeError);
  }
  await using lm = await LLaMa.load(defaultModelPath, { ...oneThread, contextSize: 64 });
  for (const iterator of [{}, { next: 5 }, { next: () => 5 }, undefined, null]) {
    const tasks = { [Symbol.iterator]: () => iterator };
    const all = (async () => {
      for await (const _ of lm.chooseMany(tasks as never)) t.fail('no result');
    })();
    t.match(await failure(all), typeError, String(iterator));
  }
  const signal = { aborted: false, addEventListener: () => {} } as unknown as AbortSignal;
  t.match(await failure(lm.greedy('a', { signal })), typeError);
});
