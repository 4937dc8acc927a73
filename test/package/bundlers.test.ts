// Bundled programs: those that need the addon fail with what to write, the others work. Without
// the network there is no real bundler; docs/bundlers.md lists those that this was tried with.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { type BundleFormat, bundle } from '../support/bundle.js';

const extensions = { esm: 'mjs', cjs: 'cjs' } as const;
const formats = Object.keys(extensions) as BundleFormat[];

/** A folder of an application, with these packages installed in it. */
function application(t: Test, packages: readonly string[]): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'autocog-lm-bundlers-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'dist'));
  mkdirSync(join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "name": "application" }');
  for (const name of packages) {
    const target = name === 'autocog-lm' ? '.' : join('node_modules', name);
    symlinkSync(resolve(target), join(folder, 'node_modules', name), 'dir');
  }
  return folder;
}

/** Runs a file of the application, from another working directory. */
function run(folder: string, format: BundleFormat, code: string) {
  const file = join(folder, 'dist', `main.${extensions[format]}`);
  writeFileSync(file, code);
  // tap sets loaders that a user's program does not have.
  const { NODE_OPTIONS, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
    cwd: tmpdir(),
    encoding: 'utf8',
    env: { ...env, OPENAI_API_KEY: 'none' },
  });
  return { status, stdout, stderr };
}

const choose = `
async function main(LLaMa, defaultModelPath) {
  const lm = await LLaMa.load(defaultModelPath, { threads: 1 });
  console.log((await lm.choose('The capital of France is', [' Paris', ' Rome'])).text);
  await lm.close();
}
`;

/** Every option that a bundler's user has to write, by the bundler's name. */
const options = [
  'esbuild: --external:autocog-lm',
  "webpack: externalsType: 'node-commonjs', externals: [/^autocog-lm(\\/|$)/]",
  'rollup: external: [/^autocog-lm(\\/|$)/]',
  "vite: ssr: { external: ['autocog-lm'] }",
  "next: serverExternalPackages: ['autocog-lm']",
];

for (const format of formats) {
  t.test(`a bundle with the addon's loader in it names the option (${format})`, async (t) => {
    // Even if the package is installed next to it: its version may differ.
    const folder = application(t, ['autocog-lm', 'hono', '@hono', '@huggingface']);
    for (const code of [
      `import { defaultModelPath, LLaMa } from 'autocog-lm';${choose}main(LLaMa, defaultModelPath);`,
      "import { serve } from 'autocog-lm/serve';\nconsole.log(typeof serve);",
      "import { LlamaBinding } from 'autocog-lm/binding';\nconsole.log(typeof LlamaBinding);",
    ]) {
      const { status, stdout, stderr } = run(folder, format, bundle(code, format));
      t.equal(status, 1);
      t.equal(stdout, '');
      t.match(stderr, /Error: autocog-lm has been bundled without its native addon/);
      t.match(stderr, /code: 'ADDON_NOT_FOUND'/);
      for (const option of options) t.ok(stderr.includes(option), option);
      t.notMatch(stderr, /Build it from source|Dynamic require|__dirname is not/);
    }
  });

  t.test(`a program that leaves the package external works (${format})`, async (t) => {
    const folder = application(t, ['autocog-lm']);
    const load =
      format === 'esm'
        ? "import { defaultModelPath, LLaMa } from 'autocog-lm';"
        : "const { defaultModelPath, LLaMa } = require('autocog-lm');";
    const result = run(folder, format, `${load}${choose}main(LLaMa, defaultModelPath);`);
    t.same(result, { status: 0, stdout: ' Paris\n', stderr: '' });
  });

  t.test(`entries without native code work in a bundle (${format})`, async (t) => {
    const folder = application(t, ['openai', '@huggingface']);
    const code = `
      import { wrap, formats } from 'autocog-lm/chat';
      import { LocalLLM } from 'autocog-lm/base-llm';
      import { OpenAI } from 'autocog-lm/openai';
      import { TfLM } from 'autocog-lm/transformers';
      const lm = new OpenAI({ model: 'm', baseURL: 'http://127.0.0.1:1/v1' });
      console.log(new LocalLLM(lm).modelName, lm instanceof OpenAI, typeof TfLM.load, wrap('Hi', formats.vicunaCommon).length > 2);
    `;
    const result = run(folder, format, bundle(code, format));
    t.same(result, { status: 0, stdout: 'm true function true\n', stderr: '' });
  });
}
