// LlamaBinding: generation with callbacks, stops and seeds; tokens, embeddings, images.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath, type LLaMa, samplers } from 'autocog-lm';
import {
  type CallbackMetadata,
  generationPresets,
  LlamaBinding,
  MSG_OPERATION_TYPE,
} from 'autocog-lm/binding';
import t from 'tap';
import { build, folder, grammar, prompt } from './llama-folder.js';

interface Call {
  chunk: string;
  type: MSG_OPERATION_TYPE;
  metadata: CallbackMetadata;
}

t.test('generates what the LM generates', async (t) => {
  const binding = await build(t);
  const { text } = await binding.lm.complete(prompt, { maxTokens: 12 });
  t.equal(await binding.generate(prompt, { nPredict: 12 }), text);
  t.equal(await binding.generate(prompt, { nPredict: 12, stop: '.' }), ' Paris');
  t.equal(await binding.generate(prompt, { grammar: 'root ::= " Rome"' }), ' Rome');
});

t.test('the callback receives chunks with their metadata, and the end', async (t) => {
  const binding = await build(t);
  const calls: Call[] = [];
  const text = await binding.generate(prompt, {
    nPredict: 4,
    callback: (chunk, type, metadata) => calls.push({ chunk, type, metadata }),
  });
  t.equal(calls.map(({ chunk }) => chunk).join(''), text);
  t.ok(calls.every(({ type }) => type === MSG_OPERATION_TYPE.MSG_OPERATION_TYPE_ADD_CHUNK));
  t.same(calls[0]?.metadata, {
    progress: 0.25,
    tokensGenerated: 1,
    maxTokens: 4,
    tokenCount: 1,
    temperature: 0,
  });
  t.same(calls.at(-1), {
    chunk: '',
    type: 0,
    metadata: {
      progress: 1,
      tokensGenerated: 4,
      maxTokens: 4,
      tokenCount: 0,
      temperature: 0,
      finishReason: 'length',
    },
  });
});

t.test('without a limit there is no progress, and the end is the end of the text', async (t) => {
  const binding = await build(t);
  let last: CallbackMetadata | undefined;
  await binding.generate('<|im_start|>', {
    nPredict: Infinity,
    stop: 'e',
    callback: (_chunk, _type, metadata) => {
      last = metadata;
    },
  });
  t.equal(last?.finishReason, 'stop');
  t.equal(last?.maxTokens, Infinity);
  t.notOk('progress' in (last ?? {}));
});

t.test('only false stops, also in a promise', async (t) => {
  const binding = await build(t);
  for (const value of [undefined, null, 0, '', true, Promise.resolve(true)]) {
    t.equal((await binding.generate(prompt, { nPredict: 3, callback: () => value })).length, 7);
  }
  let calls = 0;
  const stopped = await binding.generate(prompt, {
    callback: () => {
      calls++;
      return false;
    },
  });
  t.equal(calls, 1, 'not called again');
  t.equal(stopped, ' P');
  const later = await binding.generate(prompt, {
    nPredict: Infinity,
    callback: async () => false,
  });
  t.ok(later.startsWith(' P'));
  t.ok(later.length < 1000);
});

t.test('an exception of the callback rejects, and the binding goes on', async (t) => {
  const binding = await build(t);
  const reason = new Error('mine');
  const fail = (): never => {
    throw reason;
  };
  await t.rejects(binding.generate(prompt, { callback: fail }), reason);
  await t.rejects(binding.generate(prompt, { callback: async () => fail() }), reason);
  t.equal(await binding.generate(prompt, { nPredict: 2 }), ' Paris');
});

t.test('stopGeneration stops all generations, from anywhere', async (t) => {
  const binding = await build(t);
  t.equal(binding.stopGeneration(), 0);
  let reason: string | undefined;
  const running = binding.generate(prompt, {
    nPredict: 400,
    grammar,
    callback: (_chunk, _type, { tokensGenerated, finishReason }) => {
      reason = finishReason;
      if (tokensGenerated === 1) setImmediate(() => binding.stopGeneration());
    },
  });
  const queued = binding.generate(prompt, { nPredict: 400, grammar });
  const texts = await Promise.all([running, queued]);
  t.ok(texts[0].startsWith(' P'));
  t.ok(texts[0].length < 1000);
  t.equal(texts[1], '', 'the second had not begun');
  t.equal(reason, 'abort');
  const inside = await binding.generate(prompt, { callback: () => binding.stopGeneration() });
  t.equal(inside, ' P', 'from the callback');
  const early = binding.generate(prompt);
  binding.stopGeneration();
  t.equal(await early, '', 'before it has begun');
});

t.test('an aborted signal rejects with its reason', async (t) => {
  const binding = await build(t);
  const reason = new Error('enough');
  const controller = new AbortController();
  const calls: (string | undefined)[] = [];
  const running = binding.generate(prompt, {
    nPredict: 400,
    signal: controller.signal,
    callback: (_chunk, _type, { finishReason }) => {
      calls.push(finishReason);
      controller.abort(reason);
    },
  });
  await t.rejects(running, reason);
  const { signal } = controller;
  await t.rejects(binding.generate(prompt, { signal }), reason);
  await t.rejects(binding.tokenize('x', { signal }), reason);
  await t.rejects(binding.detokenize([300], { signal }), reason);
  await t.rejects(binding.embed('x', { signal }), reason);
  t.same(calls, [undefined], 'the callback is not called afterwards');
});

t.test('the seed that was used generates the same again', async (t) => {
  const binding = await build(t, { bindingConfig: { temperature: 1.5, topK: 0, topP: 1 } });
  t.equal(binding.getCurrentSeed(), -1);
  const options = { nPredict: 24 };
  const text = await binding.generate('Once', options);
  const seed = binding.getCurrentSeed();
  t.ok(seed >= 0);
  t.equal(await binding.generate('Once', { ...options, seed }), text);
  t.not(await binding.generate('Once', options), text);
  t.not(binding.getCurrentSeed(), seed, 'another one was drawn');
  binding.bindingConfig.values.seed = seed;
  t.equal(await binding.generate('Once', options), text);
  await binding.generate('Once', { temperature: 0, nPredict: 1 });
  t.equal(binding.getCurrentSeed(), -1, 'nothing is random');
  const preset = { ...generationPresets.creative, seed: 7, nPredict: 8 };
  const expected = await binding.lm.complete('Once', {
    maxTokens: 8,
    sampler: samplers.SimpleSampling.with({ ...generationPresets.creative, seed: 7, minP: 0 }),
  });
  t.equal(await binding.generate('Once', preset), expected.text);
});

t.test('an absolute path is a name, too', async (t) => {
  const binding = new LlamaBinding({ bindingConfig: { threads: 1 } });
  t.teardown(() => binding.destroyModel());
  await binding.buildModel(defaultModelPath);
  t.equal(await binding.getModelPath(), defaultModelPath);
  t.equal((await binding.tokenize('Hello')).length, await binding.countTokens('Hello'));
});

t.test('tokens and embeddings are those of the LM', async (t) => {
  const binding = await build(t);
  const tokens = await binding.tokenize('Hello wörld');
  t.same(tokens, await binding.lm.tokenize('Hello wörld'));
  t.equal(await binding.detokenize(tokens), 'Hello wörld');
  t.equal(await binding.detokenize([...tokens]), 'Hello wörld');
  t.equal(await binding.detokenize([]), '');
  const one = await binding.embed('The sky');
  t.same(await binding.embed(['The sky', 'blue']), [one, await binding.embed('blue')]);
  t.same(one, (await (binding.lm as LLaMa).embed('The sky')).embedding);
});

t.test('images need a projector, which the error names', async (t) => {
  const binding = await build(t);
  const call = () => binding.generateWithImages(prompt, ['cat.png']);
  await t.rejects(call(), {
    code: 'NOT_SUPPORTED',
    message: `Images need a projector: looked for a file such as mmproj-one.gguf next to ${join(folder, 'one.gguf')}, and found none`,
  });
  copyFileSync(defaultModelPath, join(folder, 'one-mmproj-f16.gguf'));
  await t.rejects(call(), { code: 'NOT_SUPPORTED', message: /projector .*one-mmproj-f16\.gguf/ });
  await t.rejects(binding.generateWithImages(prompt, 'cat.png' as never), TypeError);
  await t.rejects(binding.generateWithImages(1 as never, []), TypeError);
});

t.test('a long prompt is a ContextOverflowError, a full context the end', async (t) => {
  const binding = await build(t, { bindingConfig: { contextSize: 32 } });
  await t.rejects(binding.generate('word '.repeat(100)), { code: 'CONTEXT_OVERFLOW' });
  let last: CallbackMetadata | undefined;
  await binding.generate(prompt, {
    grammar: 'root ::= "a"{200}',
    callback: (_chunk, _type, metadata) => {
      last = metadata;
    },
  });
  t.equal(last?.finishReason, 'length');
});

t.test('wrong arguments are refused before anything runs', async (t) => {
  const binding = await build(t);
  const calls: readonly (readonly [object, string])[] = [
    [{ nPredict: 0 }, 'nPredict'],
    [{ nPredict: 1.5 }, 'nPredict'],
    [{ nPredict: '8' }, 'nPredict'],
    [{ callback: 1 }, 'callback'],
    [{ verbose: 'yes' }, 'verbose'],
    [{ signal: {} }, 'signal'],
    [{ temperature: -1 }, 'temperature'],
    [{ topP: 2 }, 'topP'],
    [{ seed: -2 }, 'seed'],
    [{ stop: '' }, 'stop'],
    [{ grammar: 1 }, 'grammar'],
    [{ n_predict: 8 }, 'the keys of options'],
  ];
  for (const [options, name] of calls) {
    await t.rejects(binding.generate(prompt, options), {
      message: new RegExp(`^Expected .* for ${name}, got `),
    });
  }
  await t.rejects(binding.generate(undefined as never), TypeError);
  await t.rejects(binding.generate(Int32Array.of(1) as never), TypeError);
  await t.rejects(binding.tokenize(1 as never), TypeError);
  await t.rejects(binding.detokenize('x' as never), TypeError);
  await t.rejects(binding.detokenize([1.5]), TypeError);
  await t.rejects(binding.detokenize([-1]), RangeError);
  await t.rejects(binding.detokenize([1e6]), RangeError);
  await t.rejects(binding.embed(1 as never), TypeError);
  await t.rejects(binding.embed([1] as never), TypeError);
  binding.config.nPredict = -5;
  await t.rejects(binding.generate(prompt), /for config\.nPredict/);
  binding.config.nPredict = 2;
  t.equal(await binding.generate(prompt), ' Paris');
});

t.test('an empty prompt is the beginning of a text', async (t) => {
  const binding = await build(t);
  t.equal(typeof (await binding.generate('', { nPredict: 2 })), 'string');
});

t.test('verbose reports counts and speed', async (t) => {
  const binding = await build(t);
  const infos: string[] = [];
  binding.on('info', (message) => infos.push(message));
  await binding.generate(prompt, { nPredict: 3, verbose: true });
  t.match(infos, [
    /^3 tokens after 8 \(0 cached\) in \d+ ms, .* tokens per second; ended by length$/,
  ]);
});
