// The provider for the AI SDK, called by the real package `ai`, over real models.

import {
  createProviderRegistry,
  experimental_decide as decide,
  embed,
  embedMany,
  generateText,
  jsonSchema,
  NoSuchModelError,
  Output,
  rerank,
  streamText,
} from 'ai';
import { defaultModelPath, Embedder, LLaMa, RandomLM } from 'autocog-lm';
import { createAutocogLM } from 'autocog-lm/ai-sdk';
import t from 'tap';
import { tinyBert } from '../embedding/tiny-bert.js';
import { failure } from '../support/failures.js';
import { exact } from '../support/forms.js';

const lm = await LLaMa.load(defaultModelPath, exact);
t.teardown(() => lm.close());
const provider = createAutocogLM({ models: { local: lm, random: new RandomLM({ seed: 1 }) } });
const model = provider('local');
const prompt = 'What is the capital of France?';

/** The model's own rendering of one user message. */
const rendered = (content: string): Promise<Int32Array> => {
  const text = `<|im_start|>user\n${content}<|im_end|>\n<|im_start|>assistant\n`;
  return lm.tokenize(text, { addSpecial: true, parseSpecial: true });
};

/** A call that throws, as a promise that rejects. */
const attempt = async (call: () => unknown): Promise<unknown> => call();

const metadataOf = ({ providerMetadata }: { providerMetadata?: object | undefined }): unknown =>
  (providerMetadata as { autocogLM?: unknown } | undefined)?.autocogLM;

t.test(
  'generateText answers like complete, and reports tokens and log-probabilities',
  async (t) => {
    const providerOptions = { autocogLM: { topLogprobs: 2 } };
    const result = await generateText({ model, prompt, providerOptions });
    const expected = await lm.complete(await rendered(prompt), { maxTokens: 64 });
    t.equal(result.text, 'Paris');
    t.equal(result.text, expected.text);
    t.equal(result.finishReason, 'stop');
    t.equal(result.usage.outputTokens, expected.tokens.length);
    t.equal(result.usage.inputTokens, expected.usage.promptTokens);
    const { logprob, logprobs } = metadataOf(result) as {
      logprob: number;
      logprobs: { token: string; logprob: number; topLogprobs: object[] }[];
    };
    t.ok(Math.abs(logprob - expected.logprob) < 1e-4);
    t.equal(logprobs.map(({ token }) => token).join(''), 'Paris');
    t.ok(logprobs.every(({ topLogprobs }) => topLogprobs.length === 2));
    t.same(result.warnings, []);
  },
);

t.test('settings reach the sampler, and stops end the text', async (t) => {
  const sampled = { model, prompt, temperature: 2, topK: 50, seed: 7, maxOutputTokens: 12 };
  const texts = [await generateText(sampled), await generateText(sampled)].map(({ text }) => text);
  t.equal(texts[0], texts[1], 'the same seed');
  t.not(texts[0], (await generateText({ ...sampled, seed: 8 })).text);
  const cut = await generateText({ model, prompt, stopSequences: ['ri'] });
  t.equal(cut.text, 'Pa');
  const short = await generateText({ model, prompt, maxOutputTokens: 1 });
  t.equal(short.finishReason, 'length');
  // The last message of the assistant is continued.
  const messages = [
    { role: 'user', content: prompt },
    { role: 'assistant', content: 'P' },
  ] as const;
  t.equal((await generateText({ model, messages: [...messages] })).text, 'aris');
});

t.test('streamText streams the text that generateText returns', async (t) => {
  const { textStream, usage, finishReason } = streamText({ model, prompt });
  const parts: string[] = [];
  for await (const part of textStream) parts.push(part);
  t.ok(parts.length > 1);
  t.equal(parts.join(''), 'Paris');
  t.equal(await finishReason, 'stop');
  t.ok(((await usage).outputTokens ?? 0) > 0);
});

t.test('a reader that leaves a stream, and an abort, end the generation', async (t) => {
  const long = { ...{ model, prompt: 'Tell me a story.', temperature: 1, seed: 1 } };
  const stream = await model.doStream({
    prompt: [{ role: 'user', content: [{ type: 'text', text: 'Tell me a story.' }] }],
    temperature: 5,
    seed: 1,
  });
  const reader = stream.stream.getReader();
  await reader.read();
  await reader.cancel();
  const controller = new AbortController();
  controller.abort();
  t.match(await failure(generateText({ ...long, abortSignal: controller.signal })), {
    name: 'AbortError',
  });
  t.equal((await generateText({ model, prompt })).text, 'Paris', 'the LM is free');
});

t.test('structured output conforms to its schema', async (t) => {
  const schema = jsonSchema<{ color: string; n: number }>({
    type: 'object',
    properties: {
      color: { enum: ['blue', 'red'] },
      n: { type: 'integer', maximum: 9, minimum: 0 },
    },
    required: ['color', 'n'],
    additionalProperties: false,
  });
  const { output } = await generateText({ model, prompt, output: Output.object({ schema }) });
  t.ok(['blue', 'red'].includes(output.color) && Number.isInteger(output.n));
  const choice = Output.choice({ options: ['sunny', 'rainy'] });
  t.ok(['sunny', 'rainy'].includes((await generateText({ model, prompt, output: choice })).output));
});

t.test('decide answers as lm.decide does', async (t) => {
  const questions = {
    capital: {
      type: 'choice',
      instructions: 'What is the capital of France?',
      criteria: { Paris: null, London: null, Rome: null },
    },
    '10': { type: 'boolean', instructions: 'Is Paris the capital of France?' },
    how: { type: 'score', instructions: 'How good?', criteria: ['bad', null, 'good'] },
  } as const;
  const state = 'A quiz.';
  const result = await decide({ model: provider.decisionModel('local'), state, questions });
  const expected = await lm.decide(state, {
    ...questions,
    how: { ...questions.how, criteria: ['bad', '1', 'good'] },
  });
  const near = (a: number, b: number): void => {
    t.ok(Math.abs(a - b) < 1e-4, `${a} is near ${b}`);
  };
  const { capital, '10': isParis, how } = result.answers;
  if (capital.type !== 'choice' || isParis.type !== 'boolean' || how.type !== 'score') {
    t.fail('the types of the answers are those of the questions');
    return;
  }
  t.equal(capital.choice, expected.answers.capital.choice);
  near(capital.probabilities?.Paris as number, expected.answers.capital.probabilities.Paris);
  near(isParis.probability, expected.answers['10'].probability);
  near(how.score, expected.answers.how.score);
  const { answers } = metadataOf(result) as {
    answers: Record<string, { mass: number; confidence: number; logprobs: object[] }>;
  };
  near(answers.capital?.mass as number, expected.answers.capital.mass);
  near(answers.capital?.confidence as number, expected.answers.capital.confidence);
  t.same(Object.keys(answers).sort(), ['10', 'capital', 'how']);
  const labels = await decide({
    model: provider.decisionModel('local'),
    state: { quiz: true },
    questions,
    providerOptions: { autocogLM: { method: 'labels' } },
  });
  const byLabels = await lm.decide(
    { quiz: true },
    { capital: questions.capital },
    { method: 'labels' },
  );
  const { capital: labeled } = labels.answers;
  near(
    labeled.type === 'choice' ? (labeled.probabilities?.Paris as number) : Number.NaN,
    byLabels.answers.capital.probabilities.Paris,
  );
});

t.test('embeddings and rankings are those of the Embedder', async (t) => {
  await using ranker = await Embedder.load(tinyBert(t, { pooling: 'rank', head: 1 }), {
    threads: 1,
  });
  await using embedder = await Embedder.load(tinyBert(t), { threads: 1 });
  const own = createAutocogLM({ models: { ranker, embedder, lm } });
  const values = ['the cat sat', 'a dog'];
  const { embeddings, usage } = await embedMany({ model: own.embeddingModel('embedder'), values });
  const expected = await embedder.embed(values);
  t.same(
    embeddings,
    expected.embeddings.map((each) => [...each]),
  );
  t.equal(usage.tokens, expected.usage.promptTokens);
  const { embedding } = await embed({ model: own.embeddingModel('lm'), value: 'blue' });
  t.same(embedding, [...(await lm.embed('blue')).embedding]);
  const documents = ['a dog', 'the cat', 'sat'];
  const { results } = await ranker.rerank('cat', documents);
  const ranked = await rerank({ model: own.rerankingModel('ranker'), query: 'cat', documents });
  t.same(
    ranked.ranking.map(({ originalIndex, score }) => [originalIndex, score]),
    results.map(({ index, score }) => [index, score]),
  );
  t.match(await failure(rerank({ model: own.rerankingModel('embedder'), query: 'a', documents })), {
    message: /cannot rank/,
  });
});

t.test('models are found by id, also through a registry', async (t) => {
  const registry = createProviderRegistry({ own: provider });
  t.equal(
    (await generateText({ model: registry.languageModel('own:local'), prompt })).text,
    'Paris',
  );
  for (const find of [
    'languageModel',
    'decisionModel',
    'embeddingModel',
    'rerankingModel',
  ] as const) {
    const error = await failure(attempt(() => provider[find]('nope')));
    t.ok(NoSuchModelError.isInstance(error), find);
    t.match(error, { modelId: 'nope', modelType: find });
  }
  const error = await failure(attempt(() => provider.rerankingModel('local')));
  t.match(error, { message: 'No such rerankingModel: local (available: none)' });
  t.ok(NoSuchModelError.isInstance(await failure(attempt(() => provider.imageModel('local')))));
});

t.test('what is not supported is an error or a warning', async (t) => {
  const file = { type: 'file', mediaType: 'image/png', data: new Uint8Array([1]) } as const;
  const unsupported = { name: 'AI_UnsupportedFunctionalityError' };
  const messages = [{ role: 'user' as const, content: [file] }];
  t.match(await failure(generateText({ model, messages })), unsupported);
  const tools = { now: { description: 'The time', inputSchema: jsonSchema({ type: 'object' }) } };
  const { warnings, text } = await generateText({ model, prompt, tools });
  t.match(warnings, [{ type: 'unsupported', feature: 'tools' }]);
  t.equal(text, 'Paris');
  const required = generateText({ model, prompt, tools, toolChoice: 'required' });
  t.match(await failure(required), unsupported);
  const wrong = { autocogLM: { topLogprob: 1 } };
  t.match(await failure(generateText({ model, prompt, providerOptions: wrong })), {
    name: 'TypeError',
  });
  const random = generateText({ model: provider('random'), prompt });
  t.match(await failure(random), { code: 'NOT_SUPPORTED', message: /no chat template/ });
});

t.test('wrong settings', async (t) => {
  for (const settings of [undefined, {}, { models: 1 }, { models: { a: 1 } }, { modls: {} }]) {
    const error = await failure(attempt(() => createAutocogLM(settings as never)));
    t.match(error, { name: 'TypeError' }, JSON.stringify(settings));
  }
  const wrong = createAutocogLM.bind(undefined, { models: { lm }, template: 7 as never });
  t.throws(wrong, { name: 'TypeError' });
});
