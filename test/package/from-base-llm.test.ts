// Walks the tables of docs/from-base-llm.md: they have a row for every name of BaseLLM's
// documentation, and every row is tried.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultModelPath, getBackends } from 'autocog-lm';
import { BaseLLM, type BaseLLMOptions, LocalLLM } from 'autocog-lm/base-llm';
import t, { type Test } from 'tap';
import { oneThread } from '../support/forms.js';

const words = (text: string): string[] => text.trim().split(/\s+/);

const parameters = words(`model_name max_tokens temperature top_k top_p system_prompt beam_width
  num_return_sequences seed frequency_penalty presence_penalty stop_token length_penalty role
  max_length do_sample early_stopping num_beams repition_penalty pad_token_id eos_token_id
  bos_token_id device`);

/** The names of the documentation, by the heading of their table. */
const documented: Record<string, string[]> = {
  Initialization: ['BaseLLM', ...parameters],
  Attributes: [...parameters, 'history'],
  Methods: words(`run arun batch_run abatch_run chat __call__ _tokens_per_second _num_tokens
    _time_for_generation generate_summary set_temperature set_max_tokens clear_history enable_logging
    log_event save_checkpoint load_checkpoint toggle_creative_mode track_resource_utilization
    get_generation_time set_max_length set_model_name set_frequency_penalty set_presence_penalty
    set_stop_token set_length_penalty set_role set_top_k set_top_p set_num_beams set_do_sample
    set_early_stopping set_seed set_device`),
};

/** The rows of the page: heading, the name there, and the name here. */
const rows = readFileSync('docs/from-base-llm.md', 'utf8')
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const heading = section.slice(0, section.indexOf('\n'));
    return [...section.matchAll(/^\| `(.+?)` \| `(.+?)` \|/gm)].map(([, name = '', own = '']) => {
      return { heading, name, own };
    });
  });

const question = 'What is the capital of France?';
/** For each option: a value, the options it needs, and what it changes. */
const proofs: Record<
  string,
  { value: unknown; with?: BaseLLMOptions; proves: (t: Test, text: string) => void }
> = {
  modelName: { value: defaultModelPath, proves: (t, text) => t.equal(text, 'Paris') },
  maxTokens: { value: 1, proves: (t, text) => t.ok('Paris'.startsWith(text) && text.length < 5) },
  maxLength: { value: 19, proves: (t, text) => t.ok('Paris'.startsWith(text) && text.length < 5) },
  temperature: {
    value: 1000,
    with: { seed: 1, maxTokens: 8 },
    proves: (t, text) => t.not(text, 'Paris'),
  },
  topK: {
    value: 1,
    with: { temperature: 1000, seed: 1 },
    proves: (t, text) => t.equal(text, 'Paris'),
  },
  topP: {
    value: 0,
    with: { temperature: 2, seed: 1 },
    proves: (t, text) => t.equal(text, 'Paris'),
  },
  systemPrompt: { value: 'No.', proves: (t, text) => t.ok(text.length > 0) },
  beamWidth: { value: 3, proves: (t, text) => t.equal(text, 'Paris') },
  numBeams: { value: 3, proves: (t, text) => t.equal(text, 'Paris') },
  numReturnSequences: {
    value: 2,
    with: { numBeams: 3 },
    proves: (t, text) => t.equal(text, 'Paris'),
  },
  seed: {
    value: 5,
    with: { temperature: 1000, maxTokens: 8 },
    proves: (t, text) => t.not(text, 'Paris'),
  },
  frequencyPenalty: { value: 1000, proves: (t, text) => t.not(text, 'Paris') },
  presencePenalty: { value: 1000, proves: (t, text) => t.not(text, 'Paris') },
  repitionPenalty: { value: 1000, proves: (t, text) => t.not(text, 'Paris') },
  stopToken: { value: 'ris', proves: (t, text) => t.equal(text, 'Pa') },
  lengthPenalty: {
    value: 0,
    with: { numBeams: 3 },
    proves: (t, text) => t.equal(text, 'Paris'),
  },
  role: { value: 'assistant', proves: (t, text) => t.equal(text, 'Paris') },
  doSample: {
    value: false,
    with: { temperature: 1000 },
    proves: (t, text) => t.equal(text, 'Paris'),
  },
  earlyStopping: {
    value: true,
    with: { numBeams: 3 },
    proves: (t, text) => t.equal(text, 'Paris'),
  },
  padTokenId: { value: 0, proves: (t, text) => t.match(text, 'NOT_SUPPORTED') },
  eosTokenId: { value: 0, proves: (t, text) => t.equal(text, '') },
  bosTokenId: { value: 0, proves: (t, text) => t.ok(text.length > 0) },
  device: { value: 'cpu', proves: (t, text) => t.equal(text, 'Paris') },
};

for (const [heading, names] of Object.entries(documented)) {
  t.test(`every name under ${heading} is mapped exactly once, and no other`, async (t) => {
    const mapped = rows.filter((row) => row.heading === heading).map(({ name }) => name);
    t.same(mapped, names);
  });
}

/** The answer with these options, or the code of the error. */
async function answer(make: () => LocalLLM): Promise<string> {
  try {
    return await make().run(question);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

t.test('every row of the options takes effect, set at once or later', async (t) => {
  const first = await LocalLLM.load({}, oneThread);
  t.teardown(() => first.close());
  const lm = await first.open();
  const [paris = 0] = await lm.tokenize('Paris', { continuation: true });
  for (const { own } of rows.filter(({ heading }) => heading === 'Initialization').slice(1)) {
    const proof = proofs[own];
    if (proof === undefined) {
      t.fail(`${own} has no proof`);
      continue;
    }
    const value = own === 'eosTokenId' ? paris : proof.value;
    const options = { ...proof.with, [own]: value };
    const atOnce = await answer(() => new LocalLLM(lm, options));
    proof.proves(t, atOnce);
    const later = await answer(() => {
      const llm = new LocalLLM(lm);
      llm.set(options);
      t.same(llm[own as keyof LocalLLM], value, `${own} is an attribute`);
      return llm;
    });
    t.equal(later, atOnce, `${own}, set later`);
  }
});

t.test('every row of the attributes exists', async (t) => {
  const given: Record<string, unknown> = {};
  for (const [name, { value }] of Object.entries(proofs)) given[name] = value;
  class Plain extends BaseLLM {
    async run() {
      return '';
    }
  }
  const llm = new Plain(given as BaseLLMOptions);
  for (const { own } of rows.filter(({ heading }) => heading === 'Attributes')) {
    const name = own.replace('llm.', '');
    t.ok(name in llm, own);
    t.same(llm[name as keyof Plain], name === 'history' ? [] : given[name], own);
    t.same(new Plain()[name as keyof Plain], name === 'history' ? [] : undefined);
  }
});

t.test('every row of the methods does what it says', async (t) => {
  const folder = t.testdir();
  const llm = await LocalLLM.load({ maxTokens: 20 }, oneThread);
  t.teardown(() => llm.close());
  const log = join(folder, 'model.log');
  const events = (): string[] =>
    readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event);
  let checkpoint = '';
  const settersOf: Record<string, unknown> = {
    setTemperature: 0.5,
    setMaxTokens: 3,
    setMaxLength: 30,
    setModelName: defaultModelPath,
    setFrequencyPenalty: 0.1,
    setPresencePenalty: 0.1,
    setStopToken: 'x',
    setLengthPenalty: 2,
    setRole: 'assistant',
    setTopK: 5,
    setTopP: 0.5,
    setNumBeams: 2,
    setDoSample: false,
    setEarlyStopping: true,
    setSeed: 3,
    setDevice: 'cpu',
  };
  const tries: Record<string, () => Promise<void>> = {
    run: async () => void t.equal(await llm.run(question), 'Paris'),
    arun: async () => void t.equal(await llm.arun(question), 'Paris'),
    batchRun: async () => void t.same(await llm.batchRun([question, question]), ['Paris', 'Paris']),
    abatchRun: async () => void t.same(await llm.abatchRun([question]), ['Paris']),
    chat: async () => {
      t.equal(await llm.chat(question), 'Paris');
      t.equal(llm.history.length, 2);
    },
    call: async () => void t.equal(await llm.call(question), 'Paris'),
    tokensPerSecond: async () => void t.ok(((await llm.tokensPerSecond()) ?? 0) > 0),
    countTokens: async () => {
      const lm = await llm.open();
      t.equal(await llm.countTokens('Hello'), await lm.countTokens('Hello'));
    },
    timeForGeneration: async () => void t.ok((await llm.timeForGeneration(question)) > 0),
    generateSummary: async () => void t.type(await llm.generateSummary('Paris is big.'), 'string'),
    clearHistory: async () => {
      llm.clearHistory();
      t.same(llm.history, []);
      await llm.chat(question);
    },
    enableLogging: async () => {
      await llm.enableLogging(log);
      t.same(events(), ['logging']);
    },
    logEvent: async () => {
      await llm.logEvent('Grüß 🌍');
      t.same(events(), ['logging', 'message']);
    },
    saveCheckpoint: async () => {
      checkpoint = await llm.saveCheckpoint(folder);
      t.match(JSON.parse(readFileSync(checkpoint, 'utf8')), { history: [...llm.history] });
    },
    loadCheckpoint: async () => {
      llm.clearHistory();
      await llm.loadCheckpoint(checkpoint);
      t.equal(llm.history.length, 2);
    },
    toggleCreativeMode: async () => {
      llm.toggleCreativeMode(true);
      t.match(llm, { creativeMode: true, doSample: true, temperature: 1.2, topP: 0.95 });
      llm.toggleCreativeMode(false);
      t.match(llm, { creativeMode: false, doSample: undefined, temperature: undefined });
    },
    trackResourceUtilization: async () => {
      const { residentBytes, cacheBytes = 0 } = await llm.trackResourceUtilization();
      t.ok(residentBytes > cacheBytes && cacheBytes > 0);
    },
    getGenerationTime: async () => void t.ok((llm.getGenerationTime() ?? 0) > 0),
  };
  for (const { own } of rows.filter(({ heading }) => heading === 'Methods')) {
    const [, name = ''] = /^llm\.(\w+)\(/.exec(own) ?? [];
    const attempt = tries[name];
    if (attempt !== undefined) {
      await attempt();
      continue;
    }
    const value = settersOf[name];
    if (value === undefined) {
      t.fail(`${own} is not tried`);
      continue;
    }
    const setter = llm[name as keyof LocalLLM] as (value: unknown) => void;
    setter.call(llm, value);
    const attribute = name.charAt(3).toLowerCase() + name.slice(4);
    t.same(llm[attribute as keyof LocalLLM], value, own);
    if (name !== 'setModelName') setter.call(llm, undefined);
  }
  t.equal(await llm.run(question), 'Paris', 'after all setters');
  await llm.disableLogging();
});

t.test('the usage example of the documentation, line by line', async (t) => {
  const options = {
    modelName: defaultModelPath,
    maxTokens: 50,
    temperature: 0.7,
    topK: 50,
    topP: 0.9,
  };
  const hasCuda = getBackends().devices.some(({ backend }) => backend === 'CUDA');
  const onGpu = LocalLLM.load({ ...options, device: 'cuda' }, oneThread);
  if (hasCuda) await (await onGpu).close();
  else await t.rejects(onGpu, { code: 'NOT_SUPPORTED', message: /There is no device cuda/ });

  const languageModel = await LocalLLM.load({ ...options, device: 'cpu' }, oneThread);
  t.teardown(() => languageModel.close());
  const task = "Translate the following English text to French: 'Hello, world.'";
  const generatedText = await languageModel.run(task);
  t.type(generatedText, 'string');
  const { tokens = 0 } = languageModel.lastGeneration ?? {};
  t.ok(tokens > 0 && tokens <= 50);
});
