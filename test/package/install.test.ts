// The package as its user installs it, without scripts: what the tarball holds, where the addon is
// found, and what every entry and the command report where something is missing.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';

const packageJson = JSON.parse(readFileSync('package.json', 'utf8'));
const { target } = createRequire(import.meta.url)('../../native/places.cjs');

/** The files of the tarball. */
function packedFiles(): string[] {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const [packed] = JSON.parse(execFileSync('npm', args, { encoding: 'utf8' }));
  return packed.files.map((file: { path: string }) => file.path);
}

/** A copy of the package without an addon, with only these packages installed. */
function installed(t: Test, packages: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'autocog-lm é '));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const home = join(folder, 'node_modules', 'autocog-lm');
  mkdirSync(home, { recursive: true });
  for (const item of ['package.json', 'dist', 'native', 'scripts', 'models/default.gguf']) {
    cpSync(item, join(home, item), { recursive: true });
  }
  for (const name of ['node-gyp-build', ...packages]) {
    symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name), 'dir');
  }
  return folder;
}

/** Runs Node there, as a user would: without tap's loaders, and with a cache of its own. */
function run(folder: string, ...args: string[]) {
  const { NODE_OPTIONS, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...env, AUTOCOG_CACHE: join(folder, 'cache') },
  });
  return { status, stdout, stderr };
}

/** The file of `autocog-lm`. */
const command = (folder: string): string =>
  join(folder, 'node_modules', 'autocog-lm', packageJson.bin['autocog-lm']);

const builtFolder = (folder: string): string =>
  join(folder, 'cache', 'addons', `${packageJson.version}-${target()}`);

t.test('installing runs no script and brings one package', async (t) => {
  t.same(Object.keys(packageJson.dependencies), ['node-gyp-build']);
  t.notOk(packageJson.optionalDependencies);
  for (const name of ['preinstall', 'install', 'postinstall']) t.notOk(packageJson.scripts[name]);
  t.equal(packageJson.gypfile, false);
});

t.test('the tarball has licenses and what a build needs, and no source maps', async (t) => {
  const files = packedFiles();
  for (const file of [
    'LICENSE',
    'THIRD-PARTY-LICENSES',
    'CMakeLists.txt',
    'cmake/cpu.cmake',
    'native/places.cjs',
    'native/sources.cmake',
    'native/engine/common/backend_files.cc',
    'scripts/package/build-addon.mjs',
    'dist/esm/index.d.mts',
    'dist/cjs/index.d.ts',
  ]) {
    t.ok(files.includes(file), file);
  }
  const wrong = /\.map$|^binding\.gyp$|^dist\/esm\/.*\.d\.ts$|^(test|llama\.cpp|native\/test)\//;
  t.same(
    files.filter((file) => wrong.test(file)),
    [],
  );
});

t.test('the licenses are those of what is linked in', async (t) => {
  const script: string = '../../scripts/package/third-party.mjs';
  const { notices, thirdPartyLicenses } = (await import(script)) as {
    notices(text: string): string[];
    thirdPartyLicenses(): string;
  };
  t.equal(readFileSync('THIRD-PARTY-LICENSES', 'utf8'), thirdPartyLicenses());
  t.same(notices('int a;\n// Copyright 1\n// MIT\nint b;\n/* (c) COPYRIGHT 2 */ // none\n'), [
    'Copyright 1\nMIT',
    '(c) COPYRIGHT 2',
  ]);
  t.same(notices('// no notice\nconst char *copy = "right";\n'), []);
});

t.test(
  'without an addon, the error has the platform, where it looked and what to do',
  async (t) => {
    const folder = installed(t);
    for (const load of ["require('autocog-lm')", "import('autocog-lm')"]) {
      const { status, stderr } = run(folder, '-e', load);
      t.equal(status, 1);
      t.match(stderr, new RegExp(`no native addon for this platform \\(${target()}`));
      t.match(stderr, new RegExp(`Node ${process.version}`));
      t.ok(stderr.includes(`Looked in: ${builtFolder(folder)}`));
      t.match(stderr, /prebuilds \(does not exist\)/);
      t.match(stderr, /npx autocog-lm build/);
      t.match(stderr, /code: 'ADDON_NOT_FOUND'/);
    }
    mkdirSync(join(folder, 'node_modules/autocog-lm/prebuilds/plan9-mips'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/autocog-lm/prebuilds/plan9-mips/autocog-lm.node'), '');
    t.match(run(folder, '-e', "require('autocog-lm')").stderr, /has plan9-mips\/autocog-lm\.node/);
  },
);

t.test('an addon that was built is found; one that does not load says why', async (t) => {
  const folder = installed(t);
  mkdirSync(builtFolder(folder), { recursive: true });
  const file = join(builtFolder(folder), 'autocog.node');
  cpSync(resolve('build/Release/autocog.node'), file);
  const program = `
    import { defaultModelPath, getBackends, LLaMa } from 'autocog-lm';
    const lm = await LLaMa.load(defaultModelPath, { threads: 1 });
    const { text } = await lm.choose('The capital of France is', [' Paris', ' Rome']);
    await lm.close();
    console.log(JSON.stringify([text, getBackends().addon]));`;
  const { stdout, stderr } = run(folder, '--input-type=module', '-e', program);
  t.equal(stderr, '');
  t.same(JSON.parse(stdout), [' Paris', { path: file, source: 'built' }]);

  writeFileSync(file, 'not a library');
  const broken = run(folder, '-e', "require('autocog-lm')").stderr;
  t.match(broken, /does not load/);
  t.ok(broken.includes(`${file}: `));
  t.match(broken, /invalid ELF header|file too short|not a mach-o|not a valid Win32/i);
  t.match(broken, /Or delete this file/);
  t.match(run(folder, command(folder), 'build', '--remove').stdout, /^deleted /);
  t.match(run(folder, '-e', "require('autocog-lm')").stderr, /no native addon/);
});

t.test('what needs a library says which', async (t) => {
  const folder = installed(t);
  const missing = 'npm install commander@14 cli-table3@0.6 cli-progress@3';
  const info = run(folder, command(folder), 'info');
  t.equal(info.status, 1);
  t.match(info.stderr, /^autocog-lm: The command autocog-lm needs packages .*\n$/);
  t.ok(info.stderr.includes(missing));

  mkdirSync(builtFolder(folder), { recursive: true });
  cpSync(resolve('build/Release/autocog.node'), join(builtFolder(folder), 'autocog.node'));
  const program = `
    import { defaultModelPath, LLaMa } from 'autocog-lm';
    import { serve } from 'autocog-lm/serve';
    const lm = await LLaMa.load(defaultModelPath, { threads: 1 });
    const { name, code, message } = await serve(lm, { port: 0 }).catch((error) => error);
    await lm.close();
    console.log(JSON.stringify([name, code, message]));`;
  const { stdout } = run(folder, '--input-type=module', '-e', program);
  t.same(JSON.parse(stdout), [
    'LMError',
    'PEER_MISSING',
    'serve needs packages that are not installed: npm install hono@4 @hono/node-server@2',
  ]);
});

t.test('with its libraries but no addon, the command prints the whole message', async (t) => {
  const folder = installed(t, ['commander', 'cli-table3', 'cli-progress']);
  t.match(run(folder, command(folder), '--help').stdout, /build the native addon from source/);
  const { status, stderr } = run(folder, command(folder), 'info');
  t.equal(status, 1);
  t.match(stderr, /no native addon[\s\S]*Looked in[\s\S]*npx autocog-lm build/);
});

t.test('the build names wrong options and missing tools', async (t) => {
  const folder = installed(t);
  t.match(run(folder, command(folder), 'build', '--help').stdout, /--vulkan/);
  const wrong = run(folder, command(folder), 'build', '--cudda');
  t.equal(wrong.status, 2);
  t.match(wrong.stderr, /^autocog-lm: Unknown option '--cudda'/);
  t.match(run(folder, command(folder), 'build', '--remove').stderr, /there is no /);

  // Node finds itself without a PATH; nothing else is found.
  const { status, stderr } = spawnSync(process.execPath, [command(folder), 'build', '--vulkan'], {
    encoding: 'utf8',
    env: { HOME: folder, PATH: join(folder, 'empty'), CXX: 'no-such-compiler' },
  });
  t.equal(status, 1);
  t.match(stderr, /needs .*a C\+\+17 compiler, make or ninja, CMake 3\.21 or later, git/);
  t.match(stderr, /apt-get install g\+\+ ninja-build cmake git/);
});
