// What is different about an encoder-decoder: where its tokens come from, what fits, what a call
// costs, and what is refused.

import { defaultModelPath, LLaMa, type LLaMaOptions, Model } from 'autocog-lm';
import { Thread } from 'autocog-lm/chat';
import t, { type Test } from 'tap';
import { at } from '../suite/oracle.js';
import { exact } from '../support/forms.js';
import { type T5Options, writeT5Model } from '../support/t5-model.js';

const contextSize = 64;
const options: LLaMaOptions = { ...exact, contextSize };
const prompt = 'The capital of France is';
const notSupported = { name: 'NotSupportedError', code: 'NOT_SUPPORTED' };
const overflow = { name: 'ContextOverflowError' };
const filled = (length: number, token = 5): Int32Array => new Int32Array(length).fill(token);

async function withT5(
  t: Test,
  { use, ...written }: T5Options & { use: (lm: LLaMa) => Promise<void> },
): Promise<void> {
  await using lm = await LLaMa.load(writeT5Model(t, written), options);
  await use(lm);
}

t.test('a model and its context report an encoder and a decoder', async (t) => {
  await withT5(t, {
    use: async (lm) => {
      t.equal(lm.encoderDecoder, true);
      t.match(lm.model.info, { encoderDecoder: true, decoderStartToken: 0 });
      t.match(lm.contextInfo, { encoderDecoder: true, contextSize, microBatchSize: contextSize });
    },
  });
  await using causal = await LLaMa.load(defaultModelPath, options);
  t.equal(causal.encoderDecoder, false);
  t.match(causal.model.info, { encoderDecoder: false, decoderStartToken: undefined });
  t.equal(causal.contextInfo.encoderDecoder, false);
});

t.test(
  'the start token is that of the file, or else 0, and must be in the vocabulary',
  async (t) => {
    const scores: number[] = [];
    for (const decoderStart of [0, undefined, 7]) {
      await withT5(t, {
        decoderStart,
        use: async (lm) => {
          t.equal(lm.model.info.decoderStartToken, decoderStart ?? 0);
          scores.push((await lm.choose(prompt, ['Paris'])).logprob);
        },
      });
    }
    t.equal(scores[1], scores[0]);
    t.not(scores[2], scores[0]);
    const model = await Model.load(writeT5Model(t, { decoderStart: 1 << 20 }));
    t.teardown(() => model.close());
    await t.rejects(new LLaMa(model, options).ready, {
      ...notSupported,
      message: /starts with token 1048576, which is not in its vocabulary/,
    });
  },
);

t.test('the encoder reads the EOS that the model adds to a text', async (t) => {
  for (const addEos of [true, false]) {
    await withT5(t, {
      addEos,
      use: async (lm) => {
        const { eos } = lm.model.vocab;
        const { boundary } = await lm.choose(prompt, ['Paris']);
        t.equal(boundary.tokens.at(-1) === eos, addEos);
        t.same(boundary.tokens, await lm.tokenize(prompt, { addSpecial: true }));
        const empty = lm.choose('', ['Paris']);
        if (addEos) t.same((await empty).boundary.tokens, [eos]);
        else await t.rejects(empty, { name: 'RangeError', message: /for prompt/ });
      },
    });
  }
});

t.test('choices and completions begin a text', async (t) => {
  const tokenizer = 'llama.cpp/models/ggml-vocab-llama-spm.gguf';
  await withT5(t, {
    tokenizer,
    use: async (lm) => {
      const { choices } = await lm.choose(prompt, ['Paris', 'London town']);
      for (const { text, tokens } of choices) {
        t.same(tokens, await lm.tokenize(text), 'with a space in front');
        t.notSame(tokens, await lm.tokenize(text, { continuation: true }));
        t.equal(await lm.detokenize(tokens), text);
        t.same((await lm.score(prompt, text)).tokens, tokens);
      }
      const [ended] = (await lm.choose(prompt, ['Paris'], { terminator: '\n' })).choices;
      const newline = await lm.tokenize('\n', { continuation: true });
      t.same(ended?.tokens, [...at(choices, 0).tokens, ...newline], 'a terminator continues');
      for (let seed = 0; seed < 8; seed++) {
        const sampler = { temperature: 1, seed };
        const { text, tokens } = await lm.complete(prompt, { maxTokens: 3, sampler });
        t.equal(text, await lm.detokenize(tokens), text);
      }
      const { beams } = await lm.beamSearch(prompt, { beams: 6, returnSequences: 6, maxTokens: 3 });
      for (const { text, tokens } of beams) t.equal(text, await lm.detokenize(tokens), text);
    },
  });
});

t.test('prompt and continuation each have the size of the context', async (t) => {
  await withT5(t, {
    use: async (lm) => {
      const [most, more] = [filled(contextSize), filled(contextSize + 1)];
      t.equal((await lm.choose(most, [most])).choices.length, 1);
      t.equal((await lm.score(most, most)).tokens.length, contextSize);
      const rows = await lm.eval(most, { continuation: filled(contextSize - 1), logits: 'all' });
      t.equal(rows.rows, contextSize);
      await t.rejects(lm.choose(more, [filled(1)]), overflow);
      await t.rejects(lm.choose(filled(1), [more]), overflow);
      await t.rejects(lm.choose(filled(1), [most], { terminator: 'eog' }), overflow);
      await t.rejects(lm.eval(filled(1), { continuation: most }), overflow);
      const calls: Promise<unknown>[] = [lm.greedy(more), lm.complete(more), lm.ingest(more)];
      for (const call of [...calls, lm.eval(more)]) {
        await t.rejects(call, overflow);
      }
      await t.rejects(lm.completeMany([filled(1), more]), overflow);
      const { tokens } = await lm.complete(most, { maxTokens: Infinity });
      t.ok(tokens.length === contextSize || tokens.length > 0);
      const shifted = await lm.complete(prompt, { maxTokens: 100, contextShift: { keep: 0 } });
      t.ok(shifted.tokens.length === 100 || shifted.stopReason === 'eog');
    },
  });
});

t.test('a prompt is encoded once, as long as no other one is', async (t) => {
  await withT5(t, {
    use: async (lm) => {
      const { length } = await lm.tokenize(prompt, { addSpecial: true });
      const cost = async () => (await lm.choose(prompt, ['Paris', 'London'])).usage;
      const first = await cost();
      t.match(first, { promptTokens: length, cachedTokens: 0 });
      const again = await cost();
      t.match(again, { promptTokens: length, cachedTokens: length });
      t.equal(first.decodedTokens - again.decodedTokens, length, 'encoded tokens are counted');
      t.equal(first.decodeCalls - again.decodeCalls, 1);
      t.match((await lm.ingest(prompt)).usage, { cachedTokens: length });
      t.match((await lm.complete(prompt)).usage, { cachedTokens: length });
      await lm.greedy('something else');
      t.same(await cost(), first);
      await lm.clear();
      t.same(await cost(), first);
      const many = await lm.completeMany([prompt, 'x', prompt, prompt], { maxTokens: 2 });
      t.same(
        many.map(({ usage }) => usage.cachedTokens),
        [length, 0, length, length],
        'those of one prompt run together',
      );
    },
  });
});

t.test('concurrent calls with different prompts do not mix', async (t) => {
  await withT5(t, {
    use: async (lm) => {
      const prompts = ['one', 'two three', 'four', 'one', prompt];
      const call = async (text: string) => {
        const { logprob } = await lm.choose(text, ['Paris', 'x'], { prior: 'two three' });
        const { tokens } = await lm.complete(text, { maxTokens: 4 });
        const [best] = await lm.candidates(text, 1);
        return [logprob, ...tokens, best?.logprob];
      };
      const alone: unknown[] = [];
      for (const text of prompts) alone.push(await call(text));
      t.same(await Promise.all(prompts.map(call)), alone);
    },
  });
});

t.test('an abort or a close while a prompt is encoded is safe', async (t) => {
  const model = await Model.load(writeT5Model(t));
  t.teardown(() => model.close());
  const long = Int32Array.from({ length: 1024 }, (_, index) => 3 + (index % 900));
  const lm = new LLaMa(model, { ...exact, contextSize: 1024 });
  await lm.ready;
  const expected = (await lm.choose(prompt, ['Paris'])).logprob;
  for (const ms of [5, 40, 80]) {
    const controller = new AbortController();
    const reason = new Error(`after ${ms}`);
    const running = lm.choose(long, ['Paris'], { signal: controller.signal });
    setTimeout(() => controller.abort(reason), ms);
    await t.rejects(running, reason);
    t.equal((await lm.choose(prompt, ['Paris'])).logprob, expected);
  }
  const controller = new AbortController();
  const { signal } = controller;
  setTimeout(() => controller.abort(), 20);
  const stopped = await lm.complete(long, { signal, stopOnAbort: true });
  t.match(stopped, { stopReason: 'abort', text: '' });
  const running = lm.choose(long, ['Paris']);
  const rejected = t.rejects(running, { name: 'ClosedError' });
  setTimeout(() => void lm.close(), 20);
  await rejected;
  await lm.close();
});

t.test('eval returns the logits of the decoder', async (t) => {
  await withT5(t, {
    use: async (lm) => {
      const path = Int32Array.of(4, 9, 2);
      const size = lm.vocabularySize;
      const all = await lm.eval(prompt, { continuation: path, logits: 'all' });
      t.equal(all.rows, 4);
      t.same((await lm.eval(prompt, { logits: 'all' })).rows, 1);
      const last = await lm.eval(prompt, { continuation: path });
      t.ok(last.logits.every((value, i) => Math.abs(value - at(all.logits, 3 * size + i)) < 1e-4));
      await t.rejects(lm.eval(prompt, { logits: [1] }), { name: 'RangeError' });
      await t.rejects(lm.eval(prompt, { continuation: [1] as never }), { name: 'TypeError' });
      const outside = Int32Array.of(size);
      await t.rejects(lm.eval(prompt, { continuation: outside }), { name: 'RangeError' });
    },
  });
});

t.test('what an encoder-decoder cannot do is refused with the reason', async (t) => {
  await withT5(t, {
    use: async (lm) => {
      for (const boundary of ['joint', 'healed'] as const) {
        const message = new RegExp(`Boundary '${boundary}' is not supported by an encoder-decoder`);
        await t.rejects(lm.choose(prompt, ['a'], { boundary }), { ...notSupported, message });
      }
      t.same((await lm.choose(prompt, ['a'], { merges: true })).boundary.merges, []);
      const path = `${t.testdirName}.state`;
      await t.rejects(lm.saveState(path, prompt), notSupported);
      await t.rejects(lm.loadState(path), notSupported);
      await t.rejects(lm.embed(prompt), notSupported);
    },
  });
});

t.test('a thread answers, but not with a prefix', async (t) => {
  await withT5(t, {
    use: async (lm) => {
      const thread = new Thread(lm, { format: 'chatml', maxTokens: 4 });
      t.equal((await thread.inferenceTokens()).at(-1), lm.model.vocab.eos);
      t.type(await thread.send('Hello'), 'string');
      await t.rejects(thread.send('Hello', { prefix: 'Well' }), notSupported);
      t.equal(thread.messages.length, 2);
    },
  });
});

t.test('steering applies to the encoder as well', async (t) => {
  await withT5(t, {
    use: async (lm) => {
      const score = async () => (await lm.choose(prompt, ['Paris'])).logprob;
      const before = await score();
      await lm.setControlVector({ data: new Float32Array(32).fill(0.5) });
      t.not(await score(), before);
      await lm.setControlVector(undefined);
      t.equal(await score(), before);
    },
  });
});
