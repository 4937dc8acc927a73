// `autocog-lm/openai` as a user's compiler and loader see it, from ESM and from CommonJS.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t from 'tap';

const require = createRequire(import.meta.url);

// Inside the package, so that it resolves its own name through its exports.
const folder = t.testdir({
  'esm.mts': `
    import { type Completion, LM } from 'autocog-lm';
    import { OpenAI, type OpenAIClient, type OpenAIOptions, RemoteError } from 'autocog-lm/openai';
    import Client from 'openai';
    const options: OpenAIOptions = { model: 'gpt-4o', apiKey: 'none', encoding: 'o200k_base' };
    await using lm = new OpenAI(options);
    const any: LM = lm;
    const client: OpenAIClient = new Client({ apiKey: 'none' });
    const { text }: Completion = await new OpenAI({ model: 'x', client }).complete('a', { maxTokens: 3 });
    for await (const chunk of any.stream('a')) console.log(chunk.text, text);
    const status = (error: unknown): number | undefined =>
      error instanceof RemoteError ? error.status : undefined;
    status(0);
    // @ts-expect-error no greedy: no such server returns the full distribution
    await lm.greedy('a');
    // @ts-expect-error nor what is derived from it
    await lm.candidates('a', 3);
    // @ts-expect-error the model is required
    new OpenAI({ apiKey: 'none' });
    // @ts-expect-error there is no such encoding
    new OpenAI({ model: 'x', encoding: 'o300k' });
    // @ts-expect-error the internals are private
    lm.engine;
  `,
  'commonjs.cts': `
    import openai = require('autocog-lm/openai');
    import Client = require('openai');
    const client = new Client.OpenAI({ apiKey: 'none' });
    const lm: openai.OpenAI = new openai.OpenAI({ model: 'gpt-4o', client });
    const tokens: Promise<Int32Array> = lm.tokenize('a');
    void tokens.then(() => lm.close());
  `,
});

t.test('the ESM and CommonJS builds load, and share their classes', async (t) => {
  const esm = await import('autocog-lm/openai');
  const commonjs = require('autocog-lm/openai');
  t.same(Object.keys(commonjs).sort(), Object.keys(esm).sort());
  t.same(Object.keys(esm).sort(), ['OpenAI', 'RemoteError', 'defaultInstruction']);
  t.equal(commonjs.OpenAI, esm.OpenAI);
  const core = await import('autocog-lm');
  t.equal(esm.RemoteError, core.RemoteError);
  t.ok(esm.OpenAI.prototype instanceof core.LM);
});

t.test('the ESM and CommonJS clients are both accepted', async (t) => {
  const { OpenAI } = await import('autocog-lm/openai');
  const { OpenAI: ESMClient } = await import('openai');
  const { OpenAI: CommonJSClient } = require('openai');
  t.not(ESMClient, CommonJSClient);
  for (const Client of [ESMClient, CommonJSClient]) {
    t.ok(new OpenAI({ model: 'x', client: new Client({ apiKey: 'none' }) }));
  }
});

for (const library of ['es2022', 'esnext']) {
  t.test(`with the library types of ${library}`, async (t) => {
    const tsc = require.resolve('typescript/bin/tsc');
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--types', 'node'];
    const files = ['esm.mts', 'commonjs.cts'].map((file) => join(folder, file));
    // The declarations of openai refer to browser types.
    const more = ['--skipLibCheck', '--target', library, '--lib', library];
    const args = [tsc, ...flags, ...more, ...files];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    t.equal(stdout, '');
    t.equal(status, 0);
  });
}
