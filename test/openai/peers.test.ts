// `autocog-lm/openai` without its peer dependencies installed: it loads, reports what to install,
// and does what it can without.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';

/**
 * A copy of the package with only these packages installed, out of reach of our own node_modules.
 */
function installed(t: Test, packages: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'autocog-lm-peers-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const home = join(folder, 'node_modules', 'autocog-lm');
  mkdirSync(join(home, 'native'), { recursive: true });
  for (const item of ['package.json', 'dist', 'native/root.cjs']) {
    cpSync(item, join(home, item), { recursive: true });
  }
  for (const name of packages) {
    symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name), 'dir');
  }
  return folder;
}

/** Runs a program there and parses its output as JSON. */
function run(folder: string, file: string, program: string): unknown {
  writeFileSync(join(folder, file), program);
  // tap sets loaders that would find our own packages.
  const { NODE_OPTIONS, ...env } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, [join(folder, file)], {
    encoding: 'utf8',
    env: { ...env, OPENAI_API_KEY: 'none' },
  });
  return stderr === '' ? JSON.parse(stdout) : stderr;
}

const forms = [
  ['program.mjs', "import { OpenAI } from 'autocog-lm/openai';"],
  ['program.cjs', "const { OpenAI } = require('autocog-lm/openai');"],
] as const;

const report = `
const print = ({ name, code, message, cause }) =>
  console.log(JSON.stringify({ name, code, message, cause: cause?.code }));
`;

t.test('without openai no client can be created, but one can be passed in', async (t) => {
  const folder = installed(t, []);
  for (const [file, load] of forms) {
    const missing = `${load}${report} try { new OpenAI({ model: 'gpt-4o' }); } catch (error) { print(error); }`;
    t.same(run(folder, file, missing), {
      name: 'LMError',
      code: 'PEER_MISSING',
      message: 'OpenAI needs the package openai, which could not be loaded: npm install openai@6',
      cause: 'MODULE_NOT_FOUND',
    });
    const given = `${load}
      const client = { baseURL: 'http://127.0.0.1/v1', post() {} };
      console.log(JSON.stringify(new OpenAI({ model: 'x', client }).model));`;
    t.equal(run(folder, file, given), 'x');
  }
});

t.test('without js-tiktoken completions work, but have no tokens', async (t) => {
  const folder = installed(t, ['openai']);
  for (const [file, load] of forms) {
    const missing = `${load}${report} new OpenAI({ model: 'gpt-4o' }).tokenize('x').catch(print);`;
    t.same(run(folder, file, missing), {
      name: 'LMError',
      code: 'PEER_MISSING',
      message:
        'OpenAI needs the package js-tiktoken, which could not be loaded: npm install js-tiktoken@1',
      cause: 'MODULE_NOT_FOUND',
    });
    const completion = `${load}
      const body = JSON.stringify({ choices: [{ text: ' blue', index: 0, finish_reason: 'stop' }] });
      const headers = { 'content-type': 'application/json' };
      const client = {
        baseURL: 'https://api.openai.com/v1',
        post: () => ({ asResponse: async () => new Response(body, { headers }) }),
      };
      new OpenAI({ model: 'gpt-4o', client }).complete('The sky is')
        .then(({ text, tokens }) => console.log(JSON.stringify([text, tokens.length])));`;
    t.same(run(folder, file, completion), [' blue', 0]);
  }
});
