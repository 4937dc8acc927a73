// The shared suite on an LM that implements only tokenize, detokenize and greedyImpl.

import t from 'tap';
import { lmSuite } from '../suite/lm-suite.js';
import { ToyLM } from '../suite/toy-lm.js';

lmSuite(t, {
  make: () => new ToyLM(),
  prompt: 'One morning, ',
  choices: ['the sun', 'the moon', 'a star'],
  tolerance: 1e-9,
});

t.test('a tree needs one call per inner node, a sequence one per token', async (t) => {
  const lm = new ToyLM();
  const choices = ['abc', 'abd', 'ab', 'x'];
  const tree = await lm.choose('One morning, ', choices);
  t.equal(tree.usage.decodeCalls, 1 + tree.tree.size - tree.tree.childless);
  const sequence = await lm.choose('One morning, ', choices, { batching: 'sequential' });
  t.equal(sequence.usage.decodeCalls, 3 + 3 + 2 + 1);
  const ended = await lm.choose('One morning, ', choices, { terminator: 'eog' });
  t.equal(ended.usage.decodeCalls, 1 + tree.tree.size);
});

t.test('a known context size is enforced', async (t) => {
  class SmallLM extends ToyLM {
    override get contextSize(): number {
      return 6;
    }
  }
  const lm = new SmallLM();
  const error = { name: 'ContextOverflowError', code: 'CONTEXT_OVERFLOW' };
  t.equal((await lm.choose('abc', ['def'])).index, 0, 'the last token is not decoded');
  await t.rejects(lm.choose('abc', ['defg']), { ...error, message: /prompt of 4 .*choice of 4/ });
  await t.rejects(lm.choose('abc', ['def'], { terminator: 'eog' }), error);
  await t.rejects(lm.score('abc', 'defg'), error);
  await t.rejects(lm.greedy('abcdef'), error);
  await t.rejects(lm.complete('abcdef'), error);
});

t.test('close ends a running call', async (t) => {
  const lm = new ToyLM();
  const running = lm.complete('One morning, ', { maxTokens: 1000, stop: '\u0000' });
  await Promise.all([lm.close(), t.rejects(running, { name: 'ClosedError', code: 'CLOSED' })]);
});
