// llama-server embeds with llama.cpp's kernels: with this package's own, vectors of models without 8-bit activations must be
// the same. Products of quantized weights are compared in native/test/kernels.

import { defaultModelPath, getBackends } from 'autocog-lm';
import t from 'tap';
import { compare, filesOf } from './support/embeddings.js';

t.test("vectors by this package's kernels", async (t) => {
  const [[, encoder = '']] = (await filesOf(t, { pooling: 'cls' })) as [[string, string]];
  t.equal(getBackends().kernels.includes('attention'), /AVX512 = 1/.test(getBackends().systemInfo));
  for (const pooling of ['none', 'mean', 'cls', 'last'] as const) {
    const causal = await compare(defaultModelPath, pooling);
    t.ok(causal <= 5e-6, `causal, ${pooling}: within ${causal}`);
    const worst = await compare(encoder, pooling);
    t.ok(worst <= 2e-5, `encoder, ${pooling}: within ${worst}`);
  }
});
