// Choices after prompts with tokenizers that put a space in front of every text, on real
// vocabularies with random weights, and on a real model where it is at hand.

import { existsSync } from 'node:fs';
import { LLaMa, type TokenizeOptions } from 'autocog-lm';
import { OpenAI } from 'autocog-lm/openai';
import { serve } from 'autocog-lm/serve';
import t from 'tap';
import { ToyLM } from '../suite/toy-lm.js';
import { near } from '../suite/with-lm.js';
import { exact } from '../support/forms.js';
import { StepwiseLM } from '../support/stepwise-lm.js';
import { writeVocabularyModel } from '../support/vocabulary-model.js';

const prompt = 'The capital of France is';
const choices = [' Paris', ' London', ' a city', '.', '\nRome'];
const stories = '../shared/data/stories260K/stories260K.gguf';

for (const name of ['llama-spm', 'phi-3', 'baichuan', 'gpt-2', 'qwen2', 'gemma-4']) {
  t.test(`separate and joint agree with ${name}`, async (t) => {
    const path = await writeVocabularyModel(t, name);
    const lm = await LLaMa.load(path, { ...exact, contextSize: 128 });
    t.teardown(() => lm.close());
    const before = await lm.tokenize(prompt, { addSpecial: true });
    for (const options of [{}, { terminator: '\n' }, { prior: 'The answer is' }] as const) {
      const separate = await lm.choose(prompt, choices, { ...options, merges: true });
      const joint = await lm.choose(prompt, choices, { ...options, boundary: 'joint' });
      t.same(separate.boundary.merges, [], 'no choice merges');
      for (const [index, { tokens, logprob, probability }] of separate.choices.entries()) {
        const other = joint.choices[index];
        t.same(tokens, other?.tokens, `${choices[index]} ${JSON.stringify(options)}`);
        near(t, logprob, other?.logprob ?? 0, 1e-3, 'log-probability');
        near(t, probability, other?.probability ?? 0, 1e-3, 'probability');
      }
      if ('terminator' in options) continue;
      const whole = await lm.tokenize(prompt + choices[0], { addSpecial: true });
      t.same(separate.choices[0]?.tokens, whole.slice(before.length));
    }
    const healed = await lm.choose(prompt, choices, { boundary: 'healed' });
    for (const [index, { tokens }] of healed.choices.entries()) {
      const whole = await lm.tokenize(prompt + choices[index], { addSpecial: true });
      t.same([...healed.boundary.tokens, ...tokens], [...whole], `healed ${choices[index]}`);
    }
    const { tokens } = await lm.score(prompt, ' Paris');
    t.same(
      tokens,
      (await lm.tokenize(`${prompt} Paris`)).slice((await lm.tokenize(prompt)).length),
    );
  });
}

t.test('an LM that knows nothing of continuations gets them right', async (t) => {
  /** As an LM of somebody's own over a SentencePiece tokenizer. */
  class SpacingLM extends ToyLM {
    override tokenize(text: string, { addSpecial = false }: TokenizeOptions = {}) {
      return super.tokenize(text === '' ? '' : ` ${text}`, { addSpecial });
    }
  }
  const lm = new SpacingLM();
  for (const options of [{}, { terminator: '\n' }] as const) {
    const separate = await lm.choose('Say', [' yes', 'no'], options);
    const joint = await lm.choose('Say', [' yes', 'no'], { ...options, boundary: 'joint' });
    t.same(
      separate.choices.map(({ tokens }) => tokens),
      joint.choices.map(({ tokens }) => tokens),
    );
  }
  t.same((await lm.score('Say', ' yes')).tokens, await new ToyLM().tokenize(' yes'));
});

t.test('after an empty prompt a choice continues nothing', async (t) => {
  const lm = await LLaMa.load(await writeVocabularyModel(t, 'llama-spm'), {
    ...exact,
    contextSize: 128,
  });
  t.teardown(() => lm.close());
  const { choices: scored } = await lm.choose('', ['Paris', 'London']);
  t.same(scored[0]?.tokens, await lm.tokenize('Paris'), 'with the space of a beginning');
});

t.test('different tokens have different texts, and texts add up', async (t) => {
  const lm = await LLaMa.load(await writeVocabularyModel(t, 'llama-spm'), {
    ...exact,
    contextSize: 128,
  });
  t.teardown(() => lm.close());
  const { size } = lm.model.vocab;
  const texts = new Map(
    (await lm.candidates(prompt, size)).map(({ token, text }) => [token, text]),
  );
  const [spaced] = await lm.tokenize(' is', { continuation: true });
  const [bare] = await lm.tokenize('is', { continuation: true });
  t.same([texts.get(spaced as number), texts.get(bare as number)], [' is', 'is']);
  const { tree } = await lm.choose(prompt, [' Paris', ' Rome'], { details: true });
  t.ok(
    tree.nodes().some(({ text }) => text === ' Paris'),
    'tree nodes keep the space',
  );
  const completion = await lm.complete(prompt, { maxTokens: 8, topLogprobs: 3 });
  const parts = Array.from(completion.tokens, (token) => lm.model.tokenBytes(token));
  t.equal(completion.text, Buffer.concat(parts).toString(), 'a completion keeps its first space');
  for (const row of completion.alternatives ?? []) {
    for (const { token, text } of row)
      t.equal(text, Buffer.from(lm.model.tokenBytes(token)).toString());
  }
  const stepwise = new StepwiseLM(lm);
  t.equal(
    (await stepwise.complete(prompt, { maxTokens: 8 })).text,
    completion.text,
    'in TypeScript, too',
  );
});

t.test('choices over a server have the same tokens and numbers', async (t) => {
  const path = await writeVocabularyModel(t, 'llama-spm');
  const lm = await LLaMa.load(path, { ...exact, contextSize: 128 });
  const server = await serve(lm, { port: 0, alias: 'served' });
  t.teardown(async () => {
    await server.abort();
    await lm.close();
  });
  const remote = new OpenAI({ model: 'served', baseURL: `${server.url}/v1` });
  t.teardown(() => remote.close());
  const [there, here] = await Promise.all([
    remote.choose(prompt, choices, { strategy: 'echo' }),
    lm.choose(prompt, choices),
  ]);
  t.equal(there.index, here.index);
  for (const [index, { tokens, logprob }] of there.choices.entries()) {
    t.same(tokens, here.choices[index]?.tokens);
    near(t, logprob, here.choices[index]?.logprob ?? 0, 1e-3, `${choices[index]}`);
  }
  t.same(
    await remote.tokenize(' Paris', { continuation: true }),
    await lm.tokenize(' Paris', { continuation: true }),
  );
  const [token = 0] = await lm.tokenize(' Paris', { continuation: true });
  t.equal(await remote.detokenize(Int32Array.of(token), { continuation: true }), ' Paris');
});

t.test('a real SentencePiece model', { skip: !existsSync(stories) }, async (t) => {
  const lm = await LLaMa.load(stories, exact);
  t.teardown(() => lm.close());
  const story =
    'Once upon a time, there was a little girl named Lily. She loved to play outside in the';
  const {
    choices: scored,
    mass,
    text,
  } = await lm.choose(story, [' park', ' house', ' sky', ' sun']);
  t.equal(text, ' park');
  near(t, scored[0]?.probability ?? 0, 0.561, 2e-3, 'park');
  near(t, scored[3]?.probability ?? 0, 0.425, 2e-3, 'sun');
  near(t, mass, 0.641, 2e-3, 'mass');
});
