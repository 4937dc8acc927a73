// Fuzzes the API: random calls of one LM at a time, awaited or not, aborted or not, on the main thread and in
// workers that are terminated; then the LM must still compute what a fresh one does. fast-check makes the
// sequences, and shrinks those that fail.
import fc from 'fast-check';
import { Child } from './support/children.mjs';
import { check, Tally } from './support/property.mjs';

const text = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('The sky is', 'Once', ' blue', 'a b c', '<|im_end|>', ''),
  },
  { weight: 2, arbitrary: fc.string({ maxLength: 40, unit: 'grapheme' }) },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(3000), '\n'.repeat(200), '\ud800', '\0a') },
);
/** A prompt: a text, or token ids that may be invalid. */
const prompt = fc.oneof(
  { weight: 3, arbitrary: text.map((value) => ({ text: value })) },
  fc.array(fc.integer({ min: -2, max: 1100 }), { maxLength: 120 }).map((tokens) => ({ tokens })),
);
const count = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 12 }) },
  fc.constantFrom(0, -1, 0.5, 2 ** 31, Number.NaN, 1e9),
);
const sampler = fc.record(
  {
    temperature: fc.constantFrom(0, 0.5, 1, 100, -1),
    topK: fc.constantFrom(0, 1, 5, 10_000),
    topP: fc.constantFrom(0, 0.5, 1),
    seed: fc.nat(),
  },
  { requiredKeys: [] },
);
const call = fc.oneof(
  fc.record({ name: fc.constant('greedy'), prompt }),
  fc.record({
    name: fc.constant('eval'),
    prompt,
    logits: fc.constantFrom('last', 'all', [0], [1, 0], []),
  }),
  fc.record({ name: fc.constant('ingest'), prompt }),
  fc.record({ name: fc.constant('candidates'), prompt, count }),
  fc.record({ name: fc.constant('score'), prompt, text }),
  fc.record({
    name: fc.constant('choose'),
    prompt,
    choices: fc.array(prompt, { maxLength: 6 }),
    search: fc.constantFrom(undefined, 'best', 'all'),
  }),
  fc.record({ name: fc.constant('complete'), prompt, count, sampler }),
  fc.record({
    name: fc.constant('completeMany'),
    prompts: fc.array(prompt, { maxLength: 4 }),
    count,
  }),
  fc.record({ name: fc.constant('stream'), prompt, count, leave: fc.boolean() }),
  fc.record({
    name: fc.constant('beamSearch'),
    prompt,
    count,
    beams: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    name: fc.constant('evaluate'),
    text,
    choices: fc.array(text, { maxLength: 3 }),
    count,
  }),
  fc.record({ name: fc.constant('embed'), prompt }),
  fc.record({ name: fc.constant('saveState'), prompt }),
  fc.record({ name: fc.constant('loadState'), damage: fc.option(fc.nat(), { nil: undefined }) }),
  fc.record({
    name: fc.constant('setAdapters'),
    scales: fc.array(fc.constantFrom(0, 1, -2, 1e30, Number.NaN), { maxLength: 2 }),
  }),
  fc.record({ name: fc.constant('setControlVector'), size: fc.constantFrom(0, 1, 128, 512) }),
  fc.record({ name: fc.constant('clear') }),
  fc.record({ name: fc.constant('tokenize'), text }),
  fc.record({ name: fc.constant('close') }),
);
const step = fc.record({
  call,
  /** Milliseconds after which the call is aborted. */
  abort: fc.option(fc.constantFrom(-1, 0, 1, 5), { nil: undefined, freq: 6 }),
  isAwaited: fc.boolean(),
});
const sequence = fc.record({
  context: fc.record({
    contextSize: fc.constantFrom(32, 64, 256),
    maxSequences: fc.constantFrom(8, 16, 256),
    flashAttention: fc.boolean(),
  }),
  steps: fc.array(step, { minLength: 1, maxLength: 12 }),
  /** Milliseconds after which the worker that runs it is terminated; undefined on the main thread. */
  terminate: fc.option(fc.constantFrom(5, 15, 30, 60, 120), { nil: undefined, freq: 2 }),
});

/** @returns {Promise<string>} what was found */
export async function fuzz(options) {
  const child = new Child('try-calls.mjs');
  const tally = new Tally();
  const test = async (each) => {
    const { death, stderr, failure } = await child.run(each);
    if (death !== undefined) throw new Error(`${death}\n${stderr}`);
    if (failure !== undefined) throw new Error(failure);
    tally.add(each.terminate === undefined ? 'on the main thread' : 'in workers');
  };
  try {
    // Ends at once, as a failure may depend on moments; `--path` reduces it.
    const runs = await check('calls', sequence, test, { ...options, endOnFailure: !options.path });
    return `${runs} sequences: ${tally}`;
  } finally {
    child.close();
  }
}
