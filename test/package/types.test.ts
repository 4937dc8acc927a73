// The type declarations as a user's compiler sees them: strict, from ESM and CommonJS, with and
// without the newest library types.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t from 'tap';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

// Inside the package, so that the files can import the package by its own name and exports.
const folder = t.testdir({
  'esm.mts': `
    import { type Choice, ChoiceLM, LLaMa, type LLaMaOptions, type Model, defaultModelPath } from 'autocog-lm';
    const options: LLaMaOptions = { threads: 1, flashAttention: 'auto' };
    await using lm = await LLaMa.load(defaultModelPath, options);
    const choice: Choice = await lm.choose('a', ['b', 'c'] as const, { normalize: 'tokens' });
    const logprob: number | undefined = choice.choices[0]?.logprobs[0];
    const model: Model = lm.model;
    class Toy extends ChoiceLM {
      async tokenize(text: string) { return Int32Array.from(Buffer.from(text)); }
      async detokenize(tokens: Int32Array) { return Buffer.from(tokens).toString(); }
      protected async greedyImpl() { return new Float32Array(256).fill(-Math.log(256)); }
    }
    console.log(logprob, model.info.path, await new Toy().choose('a', ['b']));
    // @ts-expect-error there is no such option
    await lm.choose('a', ['b'], { normalise: 'tokens' });
    // @ts-expect-error choices are all strings or all token ids
    await lm.choose('a', ['b', Int32Array.of(1)]);
    // @ts-expect-error greedyImpl is for subclasses
    lm.greedyImpl;
  `,
  'chat.mts': `
    import { defaultModelPath, LLaMa } from 'autocog-lm';
    import { type Format, formats, type Reply, type Role, Thread } from 'autocog-lm/chat';
    const format: Format = { ...formats.chatml, systemPrompt: 'Be brief' };
    const thread = new Thread(await LLaMa.load(defaultModelPath), { format, maxTokens: Infinity });
    for await (const { text } of thread.sendStream('Hello', { prefix: 'Hi' })) console.log(text);
    const { message, droppedMessages }: Reply = await thread.sendStream('Hello').reply;
    const role: Role = message.role;
    console.log(role, droppedMessages + 1, thread.model?.info.path, formats.mistral_instruct?.stops);
    await thread.interact({ color: false, output: process.stderr });
    // @ts-expect-error formats do not change
    formats.chatml.systemPrompt = 'x';
    // @ts-expect-error there is no such option
    await thread.send('Hello', { maxTokns: 1 });
  `,
  'base-llm.mts': `
    import { BaseLLM, type BaseLLMOptions, type History, LocalLLM, type LocalLLMOptions, type OpenLM, type ResourceUtilization, type RunOptions, type SummaryProgress } from 'autocog-lm/base-llm';
    import { OpenAI } from 'autocog-lm/openai';
    const options: LocalLLMOptions = { modelName: 'm', numBeams: 2, earlyStopping: 'never', stopToken: undefined };
    const open: OpenLM = ({ modelName }) => new OpenAI({ model: modelName ?? 'm' });
    await using llm = new LocalLLM(open, options);
    const call: RunOptions = { signal: undefined, onToken: (text, index) => text.length > index };
    const text: string = await llm.run('Hello', call);
    const texts: string[] = await llm.batchRun(['Hello'] as const);
    const history: History = llm.history;
    const role: 'system' | 'user' | 'assistant' | undefined = llm.history[0]?.role;
    const temperature: number | undefined = llm.temperature;
    llm.setTemperature(undefined);
    llm.set({ temperature: 1, topK: undefined });
    await llm.generateSummary('Hello', { onProgress: ({ pass, done, total }: SummaryProgress) => console.log(pass, done, total) });
    const { cacheBytes, devices }: ResourceUtilization = await llm.trackResourceUtilization();
    class Echo extends BaseLLM {
      constructor(settings: BaseLLMOptions) { super(settings); }
      async run(task = '') { return task; }
    }
    class Counting extends Echo {
      override async countTokens(text: string) { return text.length; }
    }
    const agent = { llm: new Counting({ maxTokens: 3 }) as { run(task: string): Promise<string> } };
    console.log(text, texts, history, role, temperature, cacheBytes, devices[0]?.memoryFree, agent);
    // @ts-expect-error run is abstract
    new BaseLLM();
    // @ts-expect-error there is no such option
    new LocalLLM(open, { temprature: 1 });
    // @ts-expect-error history is read only
    llm.history.push({ role: 'user', content: '' });
  `,
  'commonjs.cts': `
    import autocog = require('autocog-lm');
    import chat = require('autocog-lm/chat');
    const load: Promise<autocog.LLaMa> = autocog.LLaMa.load(autocog.defaultModelPath);
    void load.then((lm) => new chat.Thread(lm).send('Hello').then(() => lm.close()));
  `,
  'mixed.mts': `
    import { type LLaMa, type Model, TokenChoiceTree } from 'autocog-lm';
    import type { LLaMa as Required, Model as RequiredModel } from 'autocog-lm' with { 'resolution-mode': 'require' };
    import { Thread } from 'autocog-lm/chat';
    import type { Thread as RequiredThread } from 'autocog-lm/chat' with { 'resolution-mode': 'require' };
    // What a CommonJS dependency returns is what an ES module expects.
    export const same = (lm: Required, model: RequiredModel): [LLaMa, Model] => [lm, model];
    export const back = (lm: LLaMa): Required => lm;
    export const chat = (thread: RequiredThread): Thread => thread;
    export { TokenChoiceTree };
  `,
});

t.test('the ESM and CommonJS builds of the chat have the same exports', async (t) => {
  const esm = await import('autocog-lm/chat');
  const commonjs = createRequire(import.meta.url)('autocog-lm/chat');
  t.same(Object.keys(commonjs).sort(), Object.keys(esm).sort());
  t.same(Object.keys(esm).sort(), [
    'ChatTemplate',
    'Message',
    'Thread',
    'formatNames',
    'formats',
    'interact',
    'wrap',
  ]);
});

t.test('the ESM and CommonJS builds of BaseLLM have the same exports', async (t) => {
  const esm = await import('autocog-lm/base-llm');
  const commonjs = createRequire(import.meta.url)('autocog-lm/base-llm');
  t.same(Object.keys(commonjs).sort(), Object.keys(esm).sort());
  t.same(Object.keys(esm).sort(), ['BaseLLM', 'LLMSettings', 'LocalLLM']);
});

for (const library of ['es2022', 'esnext']) {
  t.test(`with the library types of ${library}`, async (t) => {
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--types', 'node'];
    // Options may be undefined even where that is not the same as missing.
    flags.push('--exactOptionalPropertyTypes');
    const files = ['esm.mts', 'chat.mts', 'base-llm.mts', 'commonjs.cts', 'mixed.mts'].map((file) =>
      join(folder, file),
    );
    const args = [tsc, ...flags, '--target', library, '--lib', library, ...files];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    t.equal(stdout, '');
    t.equal(status, 0);
  });
}
