// A saved state depends on the control vector of its context, too.

import { join } from 'node:path';
import { defaultModelPath, LLaMa } from 'autocog-lm';
import t from 'tap';
import { failure } from '../support/failures.js';
import { oneThread } from '../support/forms.js';

t.test('a state loads only with the same control vector', async (t) => {
  const path = join(t.testdir(), 'prompt.state');
  await using lm = await LLaMa.load(defaultModelPath, oneThread);
  const { embeddingSize, layers } = lm.model.info;
  const data = new Float32Array(embeddingSize * (layers - 1)).fill(0.25);
  await lm.setControlVector({ data });
  await lm.saveState(path, 'The sky is');
  const steered = await lm.greedy('The sky is');

  await lm.setControlVector(undefined);
  const plain = await lm.greedy('The sky is');
  t.notSame(plain, steered);
  t.match(await failure(lm.loadState(path)), {
    code: 'STATE_MISMATCH',
    message: /context\.adapters/,
  });
  t.same(await lm.greedy('The sky is'), plain, 'the state is not used');

  await lm.setControlVector({ data, scale: 2 });
  t.match(await failure(lm.loadState(path)), { code: 'STATE_MISMATCH' });
  await lm.setControlVector({ data });
  await lm.loadState(path);
  t.same(await lm.greedy('The sky is'), steered);
});
