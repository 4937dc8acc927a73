// Cases that may change a log-probability: random problems, each solved in two ways. `npm run measure:reproducibility`
// prints the differences; test/context/reproducibility.test.ts checks docs/reproducibility.md against them.
import { LLaMa } from 'autocog-lm';

/** mulberry32: the same seed generates the same problems on every machine. Integers below `end`. */
function randomOf(seed) {
  let state = seed >>> 0;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % end;
  };
}

const sentences = [
  'The capital of France is Paris.',
  'The cow says moo.',
  'A lemon is yellow, and the sky is blue.',
  'Q: What is two and two?\nA: four',
  'The opposite of hot is cold.',
  'The day after Monday is Tuesday.',
];

/**
 * A prompt and distinct choices, as token ids. Every other prompt consists of sentences, the rest of random tokens;
 * every fourth problem has 200 choices, the rest a handful. Choices share prefixes.
 */
function makeProblem(model, seed) {
  const below = randomOf(seed);
  const anyToken = () => below(model.vocab.size);
  const anyTokens = (length) => Int32Array.from({ length }, anyToken);
  const text = Array.from({ length: 1 + below(8) }, () => sentences[below(sentences.length)]);
  const isText = seed % 2 === 0;
  const prompt = isText
    ? model.tokenizeSync(text.join(' '), { addSpecial: true })
    : anyTokens(2 + below(120));
  const few = anyTokens(3 + below(4));
  const token = () => (below(10) === 0 ? anyToken() : few[below(few.length)]);
  const size = seed % 4 === 3 ? 200 : 4 + below(12);
  const paths = new Map();
  while (paths.size < size) {
    const path = Int32Array.from({ length: 1 + below(6) }, token);
    paths.set(path.join(), path);
  }
  return { prompt, paths: [...paths.values()], below, anyTokens };
}

/** A LLaMa that also scores trees that `choose` never builds: a TokenChoiceTree deduplicates equal paths. */
class Branching extends LLaMa {
  /** The log-probabilities of `count` equal branches after the prompt, branch by branch, from a single decode. */
  async scoreBranches(prompt, path, count) {
    const tokens = [-1];
    const parents = [-1];
    for (let branch = 0; branch < count; branch++) {
      for (const [depth, token] of path.entries()) {
        parents.push(depth === 0 ? 0 : tokens.length - 1);
        tokens.push(token);
      }
    }
    const tree = { tokens: Int32Array.from(tokens), parents: Int32Array.from(parents) };
    const none = { endTokens: new Int32Array(0), sequential: false, details: false };
    const request = { endAt: new Uint8Array(tokens.length), ...none };
    await this.ingest(prompt);
    const { logprobs, usage } = await this.scoreTree(prompt, tree, request);
    if (usage.decodeCalls !== 1) throw new Error(`${usage.decodeCalls} batches instead of one`);
    return logprobs.slice(1);
  }
}

async function withLM({ model, options }, use) {
  const lm = new Branching(model, options);
  try {
    return await use(lm);
  } finally {
    await lm.close();
  }
}

const valuesOf = ({ choices }) => choices.flatMap(({ logprobs }) => [...logprobs]);

/** The values of some choices, found by their tokens. */
function valuesAt({ choices }, paths) {
  const known = new Map(choices.map(({ tokens, logprobs }) => [tokens.join(), logprobs]));
  return paths.flatMap((path) => [...known.get(path.join())]);
}

const chosen = async (lm, { prompt, paths }, options) =>
  valuesOf(await lm.choose(prompt, paths, options));
const fresh = (setup, problem) => withLM(setup, (lm) => chosen(lm, problem));

// Ways to solve a problem: functions of a setup (model and options) and a problem.

const withOptions = (more) => (setup, problem) =>
  fresh({ ...setup, options: { ...setup.options, ...more } }, problem);

/** After `live` has used the context. */
const after = (live, more) => (setup, problem) =>
  withLM({ ...setup, options: { ...setup.options, ...more } }, async (lm) => {
    await live(lm, problem);
    return chosen(lm, problem);
  });

/** Other prompts with common prefixes of varying length, and generation; they compete for three slots. */
async function useOtherPrompts(lm, { prompt, below, anyTokens }) {
  for (let round = 0; round < 6; round++) {
    const start = prompt.subarray(0, below(prompt.length + 1));
    const other = Int32Array.of(...start, ...anyTokens(1 + below(60)));
    if (round % 2 === 0) await lm.ingest(other);
    else await lm.complete(other, { maxTokens: 8 });
  }
}

const amongOthers = (others, more) => (setup, problem) =>
  withLM({ ...setup, options: { ...setup.options, ...more } }, async (lm) => {
    const { prompt, paths, below, anyTokens } = problem;
    const otherPaths = Array.from({ length: others }, () => anyTokens(1 + below(6)));
    const mixed = [...paths, ...otherPaths].map((path) => ({ path, key: below(2 ** 31) }));
    mixed.sort((a, b) => a.key - b.key);
    const choices = mixed.map(({ path }) => path);
    return valuesAt(await lm.choose(prompt, choices), paths);
  });

const packed = (setup, { prompt, paths, anyTokens }) =>
  withLM(setup, async (lm) => {
    const start = prompt.subarray(0, Math.ceil(prompt.length / 2));
    const other = () => ({
      prompt: Int32Array.of(...start, ...anyTokens(2)),
      choices: [anyTokens(3), anyTokens(1)],
    });
    const tasks = [other(), other(), { prompt, choices: paths }, other()];
    const found = [];
    for await (const choice of lm.chooseMany(tasks)) found.push(choice);
    return valuesOf(found[2]);
  });

/** The values of the choices that a search evaluates exactly, from exhaustive scoring and from the search. */
async function searched(setup, { prompt, paths }) {
  const run = (options) => withLM(setup, (lm) => lm.choose(prompt, paths, options));
  const found = await run({ search: 'bound', top: 3 });
  const exact = found.choices.filter((choice) => choice.exact).map(({ tokens }) => tokens);
  return [valuesAt(await run({ search: 'exhaustive' }), exact), valuesAt(found, exact)];
}

/** The log-probabilities from `complete`, token by token, and from `score`, all at once. */
async function generated(setup, { prompt }) {
  const { tokens, logprobs } = await withLM(setup, (lm) => lm.complete(prompt, { maxTokens: 24 }));
  if (tokens.length === 0) return [[], []];
  const score = await withLM(setup, (lm) => lm.score(prompt, tokens));
  return [score.logprobs, logprobs];
}

/** Each of many equal branches compared with the first. */
const branches = (decoded, count, promptLength) => async (setup, problem) => {
  const prompt = promptLength ? problem.anyTokens(promptLength) : problem.prompt;
  // Childless nodes are not decoded.
  const path = problem.anyTokens(decoded + 1);
  // More would be decoded in waves.
  const microBatchSize = Math.min(512, setup.options.contextSize ?? 512);
  const options = { logitsBudget: 2 ** 28, microBatchSize, ...setup.options };
  const values = await withLM({ ...setup, options }, (lm) => {
    return lm.scoreBranches(prompt, path, count);
  });
  return [values.map((_, index) => values[index % path.length]), values];
};

const flash = { flashAttention: true };
/** Compares with a fresh context with the plain options, or with `reference` if given. */
const against = (way, reference) => async (setup, problem, plain) => {
  const expected = await (reference ? reference(setup, problem.again()) : plain());
  return [expected, await way(setup, problem)];
};
const withFlash = (measure) => (setup, problem) =>
  measure({ ...setup, options: { ...setup.options, ...flash } }, problem);

/**
 * The comparisons. `kind` is what differs: the device ('cpu', see {@link onCpu}), nothing relevant ('same'), the KV cache cells of the tokens ('cells'), or the
 * kernels that compute them ('kernels').
 */
export const cases = [
  ['same', 'two fresh contexts', against(fresh)],
  ['same', 'the same call twice', against(after(chosen))],
  ['same', 'prompt ingested before', against(after((lm, { prompt }) => lm.ingest(prompt)))],
  [
    'same',
    'prompt ingested in two parts',
    against(
      after(async (lm, { prompt }) => {
        await lm.ingest(prompt.subarray(0, Math.ceil(prompt.length / 2)));
        await lm.ingest(prompt);
      }),
    ),
  ],
  [
    'same',
    'other prompts before, then `clear`',
    against(
      after(async (lm, problem) => {
        await useOtherPrompts(lm, problem);
        await lm.clear();
      }),
    ),
  ],
  ['same', '`microBatchSize` 24 instead of 256', against(withOptions({ microBatchSize: 24 }))],
  ['same', '2 threads instead of 1', against(withOptions({ threads: 2 }))],
  ['same', '24 equal branches, 16 cells apart', branches(16, 24, 64)],
  ['cells', 'other prompts before', against(after(useOtherPrompts, { promptSlots: 3 }))],
  [
    'cells',
    '`batching` sequential instead of tree',
    against((setup, problem) =>
      withLM(setup, (lm) => chosen(lm, problem, { batching: 'sequential' })),
    ),
  ],
  ['cells', 'waves: `batchSize` 24', against(withOptions({ batchSize: 24, microBatchSize: 24 }))],
  ['cells', 'waves: `maxSequences` 8', against(withOptions({ maxSequences: 8, promptSlots: 2 }))],
  ['cells', 'waves: `logitsBudget` 1', against(withOptions({ logitsBudget: 1 }))],
  ['cells', 'choices in another order', against(amongOthers(0))],
  ['cells', 'choices among 60 others', against(amongOthers(60))],
  ['cells', '`chooseMany`, packed with others', against(packed)],
  ['cells', '`search` bound instead of exhaustive', searched],
  ['cells', '96 equal branches of one batch', branches(3, 96)],
  ['kernels', 'token by token, by `complete`', generated],
  ['kernels', 'flash attention on instead of off', against(withOptions(flash))],
  [
    'kernels',
    'flash attention: choices in another order',
    withFlash(against(amongOthers(0), fresh)),
  ],
  [
    'kernels',
    'flash attention: `microBatchSize` 24',
    withFlash(against(withOptions({ microBatchSize: 24 }), fresh)),
  ],
  ['kernels', 'flash attention: 96 equal branches', withFlash(branches(3, 96))],
].map(([kind, name, run]) => ({ kind, name, run }));

/** The comparison with another model of the same weights, which has been loaded for the CPU. */
export const onCpu = (model) => ({
  kind: 'cpu',
  name: 'on the CPU instead of the GPU',
  run: against((setup, problem) => fresh({ ...setup, model }, problem)),
});

/** Adds differences to a result: the largest one, the number of values, and the number of nonzero differences. */
function addTo(result, [expected, found]) {
  if (expected.length !== found.length) throw new Error('The lists have different lengths');
  for (const [index, value] of expected.entries()) {
    const difference = Math.abs(value - found[index]);
    // Neither Math.max nor `difference > worst`: NaN must persist.
    if (!(difference <= result.worst)) result.worst = difference;
    result.values++;
    if (difference !== 0) result.differ++;
  }
}

/**
 * Solves problems in both ways of each case. Returns per case `worst`, the largest difference of two log-probabilities;
 * `values`, the number compared; `differ`, the number that are not bitwise equal.
 */
export async function measure(model, options, problems, some = cases) {
  const results = some.map(({ kind, name }) => ({ kind, name, worst: 0, values: 0, differ: 0 }));
  const setup = { model, options };
  for (let seed = 0; seed < problems; seed++) {
    const make = () => ({ ...makeProblem(model, seed), again: () => makeProblem(model, seed) });
    let kept;
    const plain = async () => {
      kept ??= await fresh(setup, make());
      return kept;
    };
    for (const [index, { run }] of some.entries()) {
      addTo(results[index], await run(setup, make(), plain));
    }
  }
  return results;
}

/** The measured forms of the default model: a label, the weight type, and context options. */
export const forms = [
  ['F32, F32 cache', 'F32', { kvCacheTypeK: 'f32', kvCacheTypeV: 'f32' }],
  ['F32', 'F32', {}],
  ['F16', 'F16', {}],
  ['Q8_0', 'Q8_0', {}],
  ['Q4_0', 'Q4_0', {}],
].map(([label, type, options]) => ({ label, type, options }));
