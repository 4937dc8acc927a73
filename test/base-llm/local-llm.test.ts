// LocalLLM on the embedded model: its results are those of the LM with the same prompt and the
// options that correspond.

import type { LLaMa } from 'autocog-lm';
import { samplers } from 'autocog-lm';
import { LocalLLM } from 'autocog-lm/base-llm';
import { Thread } from 'autocog-lm/chat';
import t from 'tap';
import { ToyLM } from '../suite/toy-lm.js';
import { failure, failures } from '../support/failures.js';
import { ScriptedLM } from '../support/scripted-lm.mjs';
import { france, italy, loadLLM } from './llms.js';

/** The tokens of the prompt that a task is rendered to. */
async function promptOf(lm: LLaMa, task: string, system = ''): Promise<Int32Array> {
  const thread = new Thread(lm, { system });
  thread.addMessage('user', task);
  return thread.inferenceTokens();
}

t.test('sampling is that of the LM with the same options', async (t) => {
  const llm = await loadLLM(t);
  const lm = (await llm.open()) as LLaMa;
  const prompt = await promptOf(lm, france, 'Be brief.');
  llm.set({ systemPrompt: 'Be brief.', maxTokens: 12, seed: 11 });
  llm.set({ temperature: 3, topK: 30, topP: 0.9, frequencyPenalty: 0.5, repetitionPenalty: 1.1 });
  const sampler = { temperature: 3, topK: 30, topP: 0.9, minP: 0, seed: 11 };
  const penalties = { frequencyPenalty: 0.5, repeatPenalty: 1.1 };
  const options = { maxTokens: 12, sampler: { ...sampler, ...penalties } };
  const expected = await lm.complete(prompt, options);
  t.equal(await llm.run(france), expected.text.trim());
  t.equal(llm.lastGeneration?.promptTokens, prompt.length);
  t.equal(llm.lastGeneration?.tokens, expected.tokens.length);

  llm.set({ numReturnSequences: 3 });
  const many = await lm.completeMany([prompt, prompt, prompt], options);
  t.same(
    await llm.sequences(france),
    many.map(({ text }) => text.trim()),
  );
  t.ok(new Set(many.map(({ text }) => text)).size > 1, 'the samples differ');
  t.equal((await llm.batchRun([france, france]))[1], many[1]?.text.trim());

  llm.setDoSample(false);
  llm.set({ numReturnSequences: undefined });
  const greedy = { ...penalties, temperature: 0 };
  const plain = await lm.complete(prompt, { maxTokens: 12, sampler: greedy });
  t.equal(await llm.run(france), plain.text.trim());
});

t.test('without options, the defaults of the LM apply', async (t) => {
  const first = await loadLLM(t);
  const lm = ((await first.open()) as LLaMa).with({
    completion: {
      maxTokens: 3,
      sampler: samplers.SimpleSampling.with({ seed: 5, temperature: 9 }),
    },
  });
  const prompt = await promptOf(lm, france);
  const llm = new LocalLLM(lm);
  t.equal(await llm.run(france), (await lm.complete(prompt)).text.trim());
  llm.setDoSample(false);
  t.equal(await llm.run(france), 'Paris');
});

t.test('a beam search is that of the LM', async (t) => {
  const settings = { numBeams: 6, numReturnSequences: 4, maxTokens: 10 } as const;
  const llm = await loadLLM(t, settings);
  const lm = (await llm.open()) as LLaMa;
  const prompt = await promptOf(lm, 'Tell me about Rome.');
  const search = { beams: 6, returnSequences: 4, maxTokens: 10 };
  let different = 0;
  let before: string[] = [];
  for (const lengthPenalty of [undefined, -2, 5]) {
    for (const earlyStopping of [undefined, true, 'never'] as const) {
      llm.set({ lengthPenalty, earlyStopping });
      const { beams } = await lm.beamSearch(prompt, { ...search, lengthPenalty, earlyStopping });
      const expected = beams.map(({ text }) => text.trim());
      const found = await llm.sequences('Tell me about Rome.');
      t.same(found, expected, `${lengthPenalty} ${earlyStopping}`);
      t.equal(await llm.run('Tell me about Rome.'), expected[0]);
      if (JSON.stringify(found) !== JSON.stringify(before)) different++;
      before = found;
    }
  }
  t.ok(different > 1, 'the options make a difference');
  llm.set({ lengthPenalty: undefined, earlyStopping: undefined, numReturnSequences: undefined });
  t.same(await llm.batchRun([france, italy]), ['Paris', 'Rome']);
  t.equal(await llm.chat(france), 'Paris');
  const whole: string[] = [];
  await llm.run(france, { onToken: (text) => whole.push(text) });
  t.same(whole, ['Paris']);
  llm.set({ stopToken: 'om' });
  t.equal(await llm.run(italy), 'R');
});

t.test('a batch is one multi-sequence decode', async (t) => {
  const llm = await loadLLM(t, { maxTokens: 20 });
  const lm = (await llm.open()) as LLaMa;
  let calls = 0;
  const { completeMany } = lm;
  lm.completeMany = (...args) => {
    calls++;
    return completeMany.apply(lm, args);
  };
  const tasks = Array.from({ length: 40 }, (_, index) => `What is ${index % 7} plus 2?`);
  const texts = await llm.batchRun(tasks);
  t.equal(calls, 1);
  t.same(texts.slice(0, 7), texts.slice(7, 14));
  t.equal(texts[3], '5');
  t.same(await llm.batchRun([]), []);
  t.same(await llm.batchRun([france]), ['Paris']);

  const streamed: Record<number, string> = {};
  const whole = await llm.batchRun([france, italy], {
    onToken: (text, index) => {
      streamed[index] = (streamed[index] ?? '') + text;
      return index === 0 ? false : undefined;
    },
  });
  t.equal(whole[1], 'Rome');
  t.equal(streamed[1]?.trim(), 'Rome');
  t.equal(whole[0], streamed[0]?.trim());
  t.not(whole[0], 'Paris', 'false ends only that one');
});

t.test('maxLength limits the prompt and the text together', async (t) => {
  const llm = await loadLLM(t, { stopToken: 'never' });
  const lm = (await llm.open()) as LLaMa;
  const long = 'What is the capital of the country whose capital is Rome, or maybe Paris?';
  const lengths = [];
  for (const task of [france, long]) lengths.push((await promptOf(lm, task)).length);
  const [short = 0, longer = 0] = lengths;
  t.ok(longer > short + 4);
  for (const limit of [1, 2]) {
    llm.setMaxLength(longer + limit);
    const texts = await llm.batchRun([long, france]);
    t.equal(texts[0], await llm.run(long));
    t.equal(texts[1], await llm.run(france), 'a batch cuts like a single call');
    await llm.run(long);
    t.ok((llm.lastGeneration?.tokens ?? 9) <= limit);
  }
  llm.setMaxLength(longer);
  await t.rejects(llm.run(long), { name: 'ContextOverflowError', code: 'CONTEXT_OVERFLOW' });
  t.equal(await llm.run(france), 'Paris');
  llm.set({ maxTokens: 1, maxLength: 1000 });
  await llm.run(france);
  t.equal(llm.lastGeneration?.tokens, 1);
  llm.set({ maxTokens: Infinity, maxLength: undefined });
  t.equal(await llm.run(france), 'Paris');
  llm.set({ maxTokens: 10_000 });
  t.equal(await llm.run(france), 'Paris', 'more than the context holds is no error by itself');
});

t.test('a long chat uses the latest exchanges that fit', async (t) => {
  const llm = await loadLLM(t, { maxTokens: 20 });
  for (let turn = 0; turn < 30; turn++) await llm.chat(turn % 2 ? france : italy);
  t.equal(llm.history.length, 60);
  t.equal(llm.history.at(-1)?.content, 'Paris');
  await t.rejects(llm.chat('far too long '.repeat(1000)), { name: 'ContextOverflowError' });
  t.equal(llm.history.length, 60);
});

t.test('a task of any length is too long, and nothing worse', async (t) => {
  const llm = await loadLLM(t);
  const long = 'x y '.repeat(100_000);
  const overflow = { name: 'ContextOverflowError', code: 'CONTEXT_OVERFLOW' };
  await t.rejects(llm.run(long), overflow);
  await t.rejects(llm.batchRun([france, long]), overflow);
  const lm = await llm.open();
  await t.rejects(new Thread(lm).send(long), overflow);
});

t.test('a chat with a text as its history reads it', async (t) => {
  const llm = new LocalLLM(new ScriptedLM(['one', 'two']), { systemPrompt: 'S.' });
  t.equal(await llm.chat('Go', 'Before'), 'one');
  t.equal(await llm.chat('On'), 'two');
  t.match(llm.history, [{ content: 'Before\n\nGo' }, { content: 'one' }, {}, { content: 'two' }]);
});

t.test('a model without a template continues text, and dialogs in a chat', async (t) => {
  const lm = new ScriptedLM([' text ', 'answer\nUser: more', 'x']);
  const llm = new LocalLLM(lm, { systemPrompt: 'Be brief.', role: 'ada' });
  t.equal(await llm.run('Once'), 'text');
  t.equal(await llm.chat('Hello'), 'answer');
  t.equal(await llm.run(), 'x', 'the system prompt alone');
  t.same(lm.prompts, ['Be brief.\n\nOnce', 'Be brief.\n\nUser: Hello\nAda:', 'Be brief.\n\n']);
  const bare = new LocalLLM(new ScriptedLM(['x']));
  t.match(await failure(bare.run()), {
    name: 'TypeError',
    message: 'Expected a string, without a system prompt, for task, got undefined',
  });
});

t.test('format and template are those of threads', async (t) => {
  const lm = new ScriptedLM(['a', 'b<end>c']);
  const format = { userPrefix: '<u>', userSuffix: '</u>', botPrefix: '<b>', stops: ['<end>'] };
  const llm = new LocalLLM(lm, { format });
  t.equal(await llm.run('x'), 'a');
  t.equal(await llm.chat('y'), 'b');
  t.same(lm.prompts, ['<u>x</u><b>', '<u>y</u><b>']);
  const template = '{% for m in messages %}[{{ m.content }}]{% endfor %}';
  const templated = new ScriptedLM(['z']);
  await new LocalLLM(templated, { template, systemPrompt: 's' }).run('t');
  t.same(templated.prompts, ['[s][t]']);
  const wrong = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  for (const options of [
    { format: 'none' },
    { format: 3 },
    { template: 3 },
    { mergeSystem: 3 },
    { format, template },
  ]) {
    t.throws(() => new LocalLLM(lm, options as never), wrong);
  }
  const refused = { name: 'NotSupportedError' };
  t.throws(() => new LocalLLM(lm, { template: '{% broken' }), refused);
  t.throws(() => new LocalLLM(lm, { format, role: 'ada' }), {
    ...refused,
    message: /^The role ada/,
  });
  const merged = {
    template:
      '{% if messages[0].role == "system" %}{{ raise_exception("no") }}{% endif %}{{ messages[0].content }}',
    systemPrompt: 's',
  };
  const strict = new ScriptedLM(['z']);
  await t.rejects(new LocalLLM(strict, merged).run('t'), refused);
  await new LocalLLM(strict, { ...merged, mergeSystem: true }).run('t');
  t.same(strict.prompts, ['s\nt']);
});

t.test('stops and tokens', async (t) => {
  const llm = await loadLLM(t, { maxTokens: 20 });
  const lm = (await llm.open()) as LLaMa;
  const { bos = 0, eot = 0 } = lm.model.vocab;
  llm.setStopToken('<|im_end|>');
  t.equal(await llm.run(france), 'Paris', 'the text of a control token is that token');
  llm.setStopToken(eot);
  t.equal(await llm.run(france), 'Paris');
  llm.set({ stopToken: undefined, bosTokenId: bos });
  t.equal(await llm.run(france), 'Paris', "the model's own token is not doubled");
  const { promptTokens } = llm.lastGeneration ?? {};
  llm.set({ bosTokenId: eot });
  await llm.run(france);
  t.equal(llm.lastGeneration?.promptTokens, promptTokens);
  const { tokens } = await lm.complete(
    Int32Array.of(eot, ...(await promptOf(lm, france)).subarray(1)),
    { maxTokens: 20 },
  );
  t.equal(llm.lastGeneration?.tokens, tokens.length);
});

t.test('a user cannot spell special tokens', async (t) => {
  const llm = await loadLLM(t);
  await llm.run('<|im_end|>');
  const spelled = llm.lastGeneration?.promptTokens ?? 0;
  await llm.run('');
  t.ok(spelled > (llm.lastGeneration?.promptTokens ?? 0) + 3);
});

t.test('onToken streams, and false ends the text', async (t) => {
  const llm = await loadLLM(t, { maxTokens: 40 });
  let streamed = '';
  const text = await llm.run(france, {
    onToken: (part) => {
      streamed += part;
    },
  });
  t.equal(streamed.trim(), text);
  const cut = await llm.run(france, { onToken: () => false });
  t.ok('Paris'.startsWith(cut) && cut !== 'Paris');
  const thrown = new Error('It throws');
  const throwing = () => {
    throw thrown;
  };
  t.equal(await failure(llm.run(france, { onToken: throwing })), thrown);
  t.equal(await failure(llm.chat(france, '', { onToken: throwing })), thrown);
  t.equal(await failure(llm.batchRun([france, italy], { onToken: throwing })), thrown);
  t.same(llm.history, []);
  t.ok((llm.timeToFirstToken() ?? 0) > 0);
});

t.test('aborted calls reject with the reason, and the next ones work', async (t) => {
  const llm = await loadLLM(t, { maxTokens: 400, stopToken: 'never' });
  const reason = new Error('enough');
  const controller = new AbortController();
  const { signal } = controller;
  const calls = [
    llm.run(france, { signal }),
    llm.batchRun([france, italy, france], { signal }),
    llm.chat(france, '', { signal }),
    llm.sequences(france, { signal }),
    llm.generateSummary('Rome is old. '.repeat(500), { signal }),
  ];
  controller.abort(reason);
  t.same(new Set(await failures(calls)), new Set([reason]));
  t.equal(await llm.run(france), 'Paris');
  t.equal(await llm.chat(italy), 'Rome');
});

t.test('an LM in TypeScript generates, batches and searches', async (t) => {
  const lm = new ToyLM();
  const llm = new LocalLLM(lm, { maxTokens: 6, format: 'blank' });
  const { text } = await lm.complete('One morning, ', { maxTokens: 6 });
  t.equal(await llm.run('One morning, '), text.trim());
  t.same(await llm.batchRun(['One morning, ', 'One morning, ']), [text.trim(), text.trim()]);
  llm.set({ numBeams: 3, numReturnSequences: 3 });
  const { beams } = await lm.beamSearch('One morning, ', {
    beams: 3,
    returnSequences: 3,
    maxTokens: 6,
  });
  t.same(
    await llm.sequences('One morning, '),
    beams.map((beam) => beam.text.trim()),
  );
  llm.setMaxTokens(Infinity);
  await t.rejects(llm.run('x'), { code: 'NOT_SUPPORTED', message: /needs maxTokens/ });
  t.match(await llm.trackResourceUtilization(), { modelBytes: undefined, devices: [] });
});

t.test('resources name the model, the cache and the devices', async (t) => {
  const llm = await loadLLM(t);
  const lm = (await llm.open()) as LLaMa;
  const report = await llm.trackResourceUtilization();
  t.equal(report.modelBytes, lm.model.info.sizeBytes);
  t.equal(report.cacheBytes, lm.contextInfo.cacheBytes);
  t.match(report.devices, [{ name: 'CPU', type: 'cpu' }]);
  t.ok((report.devices[0]?.memoryTotal ?? 0) > report.residentBytes / 100);
  const given = new LocalLLM(lm);
  t.equal((await given.trackResourceUtilization()).cacheBytes, report.cacheBytes);
});
