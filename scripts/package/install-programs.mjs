// What `npm run check:install` runs in a folder where the packed tarball is installed: programs as text, by file name. Each
// prints a line that ends with where the addon came from.

const names = 'defaultModelPath, getBackends, LLaMa';
export const importing = `import { ${names} } from 'autocog-lm';\n`;
export const requiring = `const { ${names} } = require('autocog-lm');\n`;

const choose = `
async function choose() {
  const lm = await LLaMa.load(defaultModelPath, { threads: 1 });
  const { text } = await lm.choose('The capital of France is', [' Paris', ' Rome'], { details: true });
  await lm.close();
  return text + ' ' + getBackends().addon.source;
}
`;
const print = 'choose().then(console.log);\n';

export const programs = {
  'program.mjs': importing + choose + print,
  'program.cjs': requiring + choose + print,
};

/** In the main thread, in two workers at once, in a child process and in a process of a cluster. */
export const parallelPrograms = {
  'child.cjs': `${requiring}${choose}choose().then((text) => process.send(text));\n`,
  'worker.cjs': `${requiring}${choose}choose().then((text) => require('node:worker_threads').parentPort.postMessage(text));\n`,
  'parallel.cjs': `${requiring}${choose}
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const cluster = require('node:cluster');
async function main() {
  cluster.setupPrimary({ exec: 'child.cjs' });
  const others = [
    new Worker('./worker.cjs'),
    new Worker('./worker.cjs'),
    require('node:child_process').fork('child.cjs'),
    cluster.fork(),
  ];
  const texts = await Promise.all([choose(), ...others.map(async (other) => (await once(other, 'message'))[0])]);
  cluster.disconnect();
  const distinct = [...new Set(texts)];
  console.log(distinct.length === 1 ? distinct[0] : texts);
  for (const other of others) other.kill?.();
}
main();
`,
};

/** A CommonJS test of Jest, which runs modules in a context of its own, without \`import()\`. */
export const jestTest = {
  'package.test.js': `${requiring}${choose}
const { rmSync } = require('node:fs');
test('choose, saveState and loadState', async () => {
  expect(await choose()).toBe(' Paris prebuilt');
  const lm = await LLaMa.load(defaultModelPath, { threads: 1 });
  await lm.ingest('The capital of France is');
  await lm.saveState('state.bin');
  await lm.close();
  const other = await LLaMa.load(defaultModelPath, { threads: 1 });
  await other.loadState('state.bin');
  const { text, usage } = await other.choose('The capital of France is', [' Paris', ' Rome']);
  await other.close();
  rmSync('state.bin');
  expect(text).toBe(' Paris');
  expect(usage.cachedTokens).toBeGreaterThan(0);
});
`,
};

const compare = `
async function compare({ tokens, token } = {}) {
  if (tokens === undefined) return;
  const lm = await LLaMa.load(defaultModelPath, { threads: 1 });
  const [best] = await lm.candidates(Int32Array.from(tokens), 1);
  await lm.close();
  if (best.token !== token) throw new Error('tokens ' + best.token + ' and ' + token);
}
`;

/** Two engines in one process, each loaded first once. Both run before and after; if \`other\` returns a token, compares. */
const beside = (loadOther) => ({
  'own-first.mjs': `${importing}${choose}${compare}
await choose();
${loadOther}
await compare(await other());
console.log(await choose());
await compare(await other());
`,
  'own-last.mjs': `${loadOther}
await other();
const { ${names} } = await import('autocog-lm');
${choose}${compare}
console.log(await choose());
await compare(await other());
`,
});

export const besideLlamaCpp = beside(`
const { getLlama } = await import('node-llama-cpp');
const { createRequire } = await import('node:module');
const { dirname, join } = await import('node:path');
const llama = await getLlama({ gpu: false, build: 'never', progressLogs: false, logLevel: 'error' });
const home = dirname(createRequire(import.meta.url).resolve('autocog-lm/package.json'));
async function other() {
  const model = await llama.loadModel({ modelPath: join(home, 'models', 'default.gguf') });
  const context = await model.createContext({ contextSize: 64 });
  const tokens = model.tokenize('The capital of France is');
  for await (const token of context.getSequence().evaluate(tokens)) {
    await context.dispose();
    await model.dispose();
    return { tokens, token };
  }
}
`);

// A model of one node, Identity, in ONNX's protocol buffers: tag, length, content.
export const besideOnnxRuntime = beside(`
const { default: ort } = await import('onnxruntime-node');
const field = (number, ...parts) => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([number * 8 + 2, content.length]), content]);
};
const floats = field(1, [8, 1], field(2, field(1, [8, 2])));
const value = (name) => [field(1, name), field(2, floats)];
const graph = field(7, field(1, field(1, 'x'), field(2, 'y'), field(4, 'Identity')), field(2, 'g'), field(11, ...value('x')), field(12, ...value('y')));
const model = Buffer.concat([Buffer.from([8, 8]), graph, field(8, field(1, ''), [16, 13])]);
async function other() {
  const session = await ort.InferenceSession.create(new Uint8Array(model), { intraOpNumThreads: 1 });
  const { y } = await session.run({ x: new ort.Tensor('float32', [1, 2], [2]) });
  if (y.data[1] !== 2) throw new Error('onnxruntime-node: ' + y.data);
  await session.release();
}
`);

/** Two installed copies: two addons in one process, which run at the same time. */
export const twoCopies = {
  'copies.mjs': `
import * as first from 'first';
import * as second from 'second';
async function choose({ ${names} }) {${choose.slice(choose.indexOf('{') + 1)}
const texts = await Promise.all([first, second, first, second].map(choose));
if (first.getBackends().addon.path === second.getBackends().addon.path) throw new Error('one copy');
const lm = await first.LLaMa.load(first.defaultModelPath, { threads: 1 });
if (lm instanceof second.LLaMa) throw new Error('one class');
await lm.close();
const distinct = [...new Set(texts)];
console.log(distinct.length === 1 ? distinct[0] : texts);
`,
};

/** A build script for each bundler, with the option of docs/bundlers.md; all write to dist. */
export const bundlers = {
  esbuild: `
import { build } from 'esbuild';
const common = { bundle: true, platform: 'node', external: ['autocog-lm'] };
await build({ ...common, entryPoints: ['program.mjs'], format: 'esm', outfile: 'dist/program.mjs' });
await build({ ...common, entryPoints: ['program.cjs'], format: 'cjs', outfile: 'dist/program.cjs' });
`,
  webpack: `
import webpack from 'webpack';
const build = (entry, filename, esm) => new Promise((resolve, reject) => webpack({
  mode: 'production', target: 'node', entry,
  output: { path: process.cwd() + '/dist', filename, module: esm, chunkFormat: esm ? 'module' : 'commonjs' },
  experiments: { outputModule: esm },
  externalsType: 'node-commonjs', externals: [/^autocog-lm(\\/|$)/],
}, (error, stats) => error || stats.hasErrors() ? reject(error ?? stats.toString()) : resolve()));
await build('./program.mjs', 'program.mjs', true);
await build('./program.cjs', 'program.cjs', false);
`,
  rollup: `
import { rollup } from 'rollup';
const bundle = await rollup({ input: 'program.mjs', external: [/^autocog-lm(\\/|$)/] });
await bundle.write({ file: 'dist/program.mjs', format: 'es' });
await bundle.write({ file: 'dist/program.cjs', format: 'cjs' });
`,
  'vite SSR': `
import { build } from 'vite';
const one = (name, format, ssr) => build({
  logLevel: 'error', ssr,
  build: { ssr: 'program.mjs', emptyOutDir: false, rollupOptions: { output: { format, entryFileNames: name } } },
});
await one('program.mjs', 'es', { external: ['autocog-lm'] });
await one('program.cjs', 'cjs', { external: ['autocog-lm'] });
await one('default.mjs', 'es', undefined);
await one('all-but-this.mjs', 'es', { noExternal: true, external: ['autocog-lm'] });
`,
};

/** A page that Next.js renders while it builds, and what reads the result. */
export const nextApplication = {
  'next.config.js': "module.exports = { serverExternalPackages: ['autocog-lm'] };\n",
  'app/layout.js':
    'export default ({ children }) => <html lang="en"><body>{children}</body></html>;\n',
  'app/page.js': `${importing}${choose}export default async () => <p>{await choose()}</p>;\n`,
  'read.cjs': `const text = require('node:fs').readFileSync('.next/server/app/index.html', 'utf8');
console.log(/<p>(.*?)<\\/p>/.exec(text)[1]);
`,
};
