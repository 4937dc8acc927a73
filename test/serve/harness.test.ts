// Replays lm-evaluation-harness's requests, and parses the responses by its rules: its backends
// `local-completions`, with its own tokenizer or this server's, and `gguf`.

import { defaultModelPath, type LLaMa, Model } from 'autocog-lm';
import t, { type Test } from 'tap';
import { checkWithin } from '../lm/proofs.js';
import { at, sum } from '../suite/oracle.js';
import { loadForm } from '../support/forms.js';
import { type Json, type Serving, startServing } from './serving.js';

/** Context and continuation, as tasks provide them. Some continuations are greedy. */
const questions: readonly (readonly [string, string])[] = [
  ['The capital of France is', ' Paris'],
  ['The capital of France is', ' London'],
  ['The capital of France is', ' Paris, I think'],
  ['The opposite of hot is', ' cold'],
  ['The opposite of hot is', ' a lemon'],
  ['The day after Monday is', ' Tuesday'],
  ['Café 😀: the sky is', ' blue'],
];

/** A loglikelihood request as tokens. */
interface Item {
  context: number[];
  continuation: number[];
}

/** What the harness extracts from a response. */
type Likelihood = [logprob: number, isGreedy: boolean];

/** `parse_logprobs` of `local-completions`. */
function parseLogprobs(answer: Json, contextLengths: readonly number[]): Likelihood[] {
  const choices = [...answer.choices].sort((a: Json, b: Json) => a.index - b.index);
  return choices.map(({ logprobs }: Json, index): Likelihood => {
    const from = at(contextLengths, index);
    const own: number[] = logprobs.token_logprobs.slice(from, -1);
    const tops: Record<string, number>[] = logprobs.top_logprobs.slice(from, -1);
    const isGreedy = own.every((value, position) => {
      return value === Math.max(...Object.values(at(tops, position)));
    });
    return [sum(own), isGreedy];
  });
}

/** `get_result` of `gguf`. */
function parseByOffsets(logprobs: Json, contextLength: number): Likelihood {
  const from = logprobs.text_offset.findIndex((offset: number) => offset >= contextLength);
  const isGreedy = logprobs.tokens.slice(from).every((token: string, index: number) => {
    const top: Record<string, number> = logprobs.top_logprobs[from + index];
    const best = Math.max(...Object.values(top));
    return top[token] === best;
  });
  return [sum(logprobs.token_logprobs.slice(from, -1)), isGreedy];
}

/** The payload of a loglikelihood request. */
const payload = (prompt: unknown) => ({
  model: 'default',
  prompt,
  temperature: 0,
  max_tokens: 1,
  logprobs: 1,
  seed: 1234,
  echo: true,
});

/** The LM's own result for the same tokens. */
async function expectedLikelihood(
  lm: LLaMa,
  before: readonly number[],
  { context, continuation }: Item,
) {
  const prompt = Int32Array.from([...before, ...context]);
  const { logprobs } = await lm.score(prompt, Int32Array.from(continuation));
  const { choices } = await lm.choose(prompt, [Int32Array.from(continuation)], { details: true });
  return { logprob: sum(logprobs), isGreedy: at(choices, 0).ranks?.every((rank) => rank === 1) };
}

async function check(
  t: Test,
  { lm }: Serving,
  items: readonly Item[],
  actual: readonly Likelihood[],
  bound: number,
  before: readonly number[] = [],
): Promise<void> {
  t.equal(actual.length, items.length);
  for (const [index, item] of items.entries()) {
    const expected = await expectedLikelihood(lm, before, item);
    const [logprob, isGreedy] = at(actual, index);
    const tolerance = bound * item.continuation.length;
    checkWithin(t, [logprob], [expected.logprob], tolerance, `request ${index}`);
    // Quantized weights can swap two tokens' ranks.
    if (bound < 0.1) t.equal(isGreedy, expected.isGreedy, `request ${index} is greedy or not`);
  }
  t.ok(actual.some(([, isGreedy]) => isGreedy));
  t.notOk(actual.every(([, isGreedy]) => isGreedy));
}

/** The requests of the harness's RemoteTokenizer. */
function remoteTokenizer({ post, get }: Serving) {
  return {
    info: async () => (await get('/tokenizer_info')).json,
    encode: async (text: string): Promise<number[]> => {
      const body = { prompt: text, add_special_tokens: false };
      return (await post('/tokenize', body)).json.tokens;
    },
    decode: async (tokens: readonly number[]): Promise<string> =>
      (await post('/detokenize', { tokens })).json.prompt,
  };
}

/** Splits context and continuation as the harness does: after tokenizing both together. */
async function itemsOf(encode: (text: string) => Promise<number[]>): Promise<Item[]> {
  const items: Item[] = [];
  for (const [context, continuation] of questions) {
    const whole = await encode(context + continuation);
    const { length } = await encode(context);
    items.push({ context: whole.slice(0, length), continuation: whole.slice(length) });
  }
  return items;
}

for (const [type, bound] of [
  ['F32', 2e-2],
  ['Q8_0', 6e-1],
] as const) {
  t.test(`local-completions with ${type} weights`, async (t) => {
    const serving = await startServing(t, await loadForm(t, type), { alias: 'default' });
    const items = await itemsOf(remoteTokenizer(serving).encode);
    const inputs = items.map(({ context, continuation }) => [...context, ...continuation]);
    const lengths = items.map(({ context }) => context.length);

    await t.test('token ids in one batch', async (t) => {
      const { json } = await serving.post('/v1/completions', payload(inputs));
      await check(t, serving, items, parseLogprobs(json, lengths), bound);
    });
    await t.test('token ids in concurrent single requests', async (t) => {
      const answers = await Promise.all(
        inputs.map((input) => serving.post('/v1/completions', payload([input]))),
      );
      const actual = answers.map(({ json }, index) => {
        return at(parseLogprobs(json, [at(lengths, index)]), 0);
      });
      await check(t, serving, items, actual, bound);
    });
    await t.test('an empty context, which the harness replaces by one token', async (t) => {
      const tokenizer = remoteTokenizer(serving);
      const { bos_token: bos, eos_token: eos } = await tokenizer.info();
      t.ok(eos, 'the harness requests this one first');
      const [prefix] = await tokenizer.encode(bos);
      t.equal(prefix, serving.lm.model.vocab.bos);
      const alone = items.map(({ continuation }) => ({
        context: [prefix as number],
        continuation,
      }));
      const prompts = alone.map(({ context, continuation }) => [...context, ...continuation]);
      const { json } = await serving.post('/v1/completions', payload(prompts));
      const actual = parseLogprobs(
        json,
        prompts.map(() => 1),
      );
      t.equal(actual.length, alone.length);
      for (const [index, item] of alone.entries()) {
        const expected = await expectedLikelihood(serving.lm, [], item);
        const tolerance = bound * item.continuation.length;
        checkWithin(t, [at(actual, index)[0]], [expected.logprob], tolerance, `request ${index}`);
      }
    });
  });

  t.test(`local-completions with an implicit BOS token, ${type} weights`, async (t) => {
    const serving = await startServing(t, await loadForm(t, type), {
      alias: 'default',
      implicitBos: true,
    });
    const tokenizer = remoteTokenizer(serving);
    const items = await itemsOf(tokenizer.encode);
    const inputs = items.map(({ context, continuation }) => [...context, ...continuation]);
    const lengths = items.map(({ context }) => context.length);
    const { bos } = serving.lm.model.vocab as { bos: number };

    await t.test('token ids', async (t) => {
      const { json } = await serving.post('/v1/completions', payload(inputs));
      await check(t, serving, items, parseLogprobs(json, lengths), bound, [bos]);
    });
    await t.test('texts decoded from token ids, alone and in a batch', async (t) => {
      const decoded = await Promise.all(inputs.map((input) => tokenizer.decode(input)));
      t.same(
        decoded,
        questions.map((parts) => parts.join('')),
      );
      const { json } = await serving.post('/v1/completions', payload(decoded));
      await check(t, serving, items, parseLogprobs(json, lengths), bound, [bos]);
      const one = await serving.post('/v1/completions', payload(decoded[1]));
      const actual = parseLogprobs(one.json, lengths.slice(1, 2));
      const expected = parseLogprobs(json, lengths).slice(1, 2);
      checkWithin(t, [at(actual, 0)[0]], [at(expected, 0)[0]], bound * 3, 'alone');
    });
  });

  t.test(`gguf, which locates the continuation by text offset, ${type} weights`, async (t) => {
    const serving = await startServing(t, await loadForm(t, type), { alias: 'default' });
    const { bos } = serving.lm.model.vocab as { bos: number };
    const encode = async (text: string) => [...(await serving.lm.tokenize(text))];
    const items = await itemsOf(encode);
    for (const [index, [context, continuation]] of questions.entries()) {
      const body = { prompt: context + continuation, logprobs: 10, temperature: 0 };
      const { json } = await serving.post('/v1/completions', {
        ...body,
        max_tokens: 1,
        echo: true,
      });
      const [actual] = parseByOffsets(json.choices[0].logprobs, [...context].length);
      const item = at(items, index);
      const expected = await expectedLikelihood(serving.lm, [bos], item);
      const tolerance = bound * item.continuation.length;
      checkWithin(t, [actual], [expected.logprob], tolerance, `request ${index}`);
    }
  });
}

t.test('generation tasks get the output of the LM', async (t) => {
  const model = await Model.load(defaultModelPath);
  t.teardown(() => model.close());
  const serving = await startServing(t, model);
  const prompts = ['The capital of Italy is', 'The sky is'];
  const body = { model: 'default', max_tokens: 12, temperature: 0, stop: ['.', '<|eos|>'] };
  for (const prompt of [prompts, await Promise.all(prompts.map(remoteTokenizer(serving).encode))]) {
    const { json } = await serving.post('/v1/completions', { ...body, prompt, seed: 1234 });
    for (const [index, { text }] of json.choices.entries()) {
      const input = at<string | number[]>(prompt, index);
      const given = typeof input === 'string' ? input : Int32Array.from(input);
      const expected = await serving.lm.complete(given, { maxTokens: 12, stop: '.' });
      t.equal(text, expected.text);
    }
  }
  const chat = {
    model: 'default',
    messages: [{ role: 'user', content: 'What is the capital of Italy?', type: 'text' }],
    max_tokens: 8,
    temperature: 0,
    stop: ['<|eos|>'],
    seed: 1234,
  };
  const { status, json } = await serving.post('/v1/chat/completions', chat);
  t.equal(status, 200);
  t.match(json.choices[0].message.content, 'Rome');
});
