// Installs the packed tarball with package managers, without scripts, in folders with a space and letters outside ASCII in
// their names, and runs programs there: in runtimes, bundled, as another user, beside other engines. A table with a row for
// each. `npm run check:install`, or `npm run check:install -- npm 'vite SSR'` for some rows; `-- --list` lists them. What a
// row needs comes from the npm registry. With VERBOSE=1, what fails prints all of its output. Tests the prebuilt addon of `npm run prebuild`, or else the clone's own addon,
// packed as if it were one.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { capture, main, npmCommand, PlainError, root } from '../run.mjs';
import { rows } from './install-rows.mjs';

const lastLine = (text) => text.trim().split('\n').at(-1)?.slice(0, 160) ?? '';

/** Runs npm in the package's folder. */
function npm(args, options) {
  const [program, ...before] = npmCommand();
  const output = capture(program, [...before, ...args], { maxBuffer: 2 ** 26, ...options });
  if (output === null) throw new PlainError(`npm ${args[0]} failed`);
  return output;
}

/** Packs the package, and returns the tarball's path. */
function pack(base) {
  let source = root;
  if (!existsSync(join(root, 'prebuilds'))) {
    const addon = join(root, 'build', 'Release', 'autocog.node');
    if (!existsSync(addon))
      throw new PlainError('first: npm run build:native, or npm run prebuild');
    console.log('There is no prebuilt addon: the addon of this clone is packed as one.\n');
    source = join(base, 'package');
    const [{ files }] = JSON.parse(npm(['pack', '--dry-run', '--json', '--ignore-scripts']));
    for (const { path } of files) cpSync(join(root, path), join(source, path));
    const { libc } = createRequire(import.meta.url)(join(root, 'native', 'places.cjs'));
    const name = ['autocog-lm', libc(), 'node'].filter(Boolean).join('.');
    cpSync(addon, join(source, 'prebuilds', `${process.platform}-${process.arch}`, name));
  }
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', base];
  return join(base, basename(npm(args, { cwd: source }).split('\n').at(-1)));
}

/** Installs a package of the registry once, outside of the projects, and returns its node_modules. */
function tool(base, spec) {
  const folder = join(base, 'tools', spec.replaceAll('/', '-'));
  const modules = join(folder, 'node_modules');
  if (!existsSync(modules)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{}');
    npm(['install', '--ignore-scripts', '--no-audit', '--prefer-offline', spec], { cwd: folder });
  }
  return modules;
}

/** The executable of a release of Node. */
function nodeOf(base, release) {
  if (release === undefined) return process.execPath;
  const system = { win32: 'win' }[process.platform] ?? process.platform;
  const name = `node-${system}-${process.arch}`;
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  return join(tool(base, `${name}@${release}`), name, 'bin', file);
}

/** The environment of a user: what npm passes on to its scripts concerns this package, not the one that is installed. */
function environment(folder, node, env) {
  const own = Object.entries(process.env).filter(
    ([key]) => !/^(npm_|NODE_OPTIONS$|INIT_CWD$|CI$)/.test(key),
  );
  return {
    ...Object.fromEntries(own),
    PATH: [dirname(node), process.env.PATH].join(delimiter),
    AUTOCOG_CACHE: join(folder, 'no cache'),
    // A tarball of the same name that was tried before is not this one.
    YARN_CACHE_FOLDER: join(folder, '.yarn cache'),
    YARN_ENABLE_GLOBAL_CACHE: '0',
    BUN_INSTALL_CACHE_DIR: join(folder, '.bun cache'),
    ...env,
  };
}

/** What a row tried, if it says so. */
function versionOf({ version }, folder, execute) {
  if (version === undefined) return '';
  if (Array.isArray(version)) {
    const [text = ''] = /\d+\.\d+\.\d+/.exec(execute(version).stdout) ?? [];
    return text;
  }
  const file = join(folder, 'node_modules', version, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : '';
}

/** Runs one row: the version of what it tried, and what is not as it should be, if anything. */
function check(row, tarball, base) {
  const folder = mkdtempSync(join(base, 'projects', 'a project é '));
  chmodSync(folder, 0o755);
  const files = { 'package.json': '{ "name": "project", "private": true }\n', ...row.files };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const node = nodeOf(base, row.node);
  const starts = { node: [node], npm: npmCommand() };
  for (const [spec, file] of Object.entries(row.tools ?? {})) {
    starts[spec] = [node, join(tool(base, spec), file)];
  }
  const execute = ([name, ...args], { env, ...options } = {}) => {
    const [program, ...before] = starts[name];
    return spawnSync(program, [...before, ...args], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 300_000,
      env: environment(folder, node, { ...row.env, ...env }),
      ...options,
    });
  };
  const failure = tryRow(row, tarball, folder, execute);
  return { version: versionOf(row, folder, execute), failure };
}

/** Installs, and runs the programs: what is not as it should be, if anything. */
function tryRow(row, tarball, folder, execute) {
  const report = (what, { status, signal, stdout, stderr, error }) => {
    if (process.env.VERBOSE) console.error(stdout, stderr);
    const line = lastLine(stderr || stdout || '');
    return `${what}: ${error?.message ?? (line || `exit code ${status ?? signal}`)}`;
  };
  for (const command of row.install(tarball)) {
    const result = execute(command);
    if (result.status !== 0) return report('install', result);
  }
  const options = row.before?.(folder);
  for (const file of row.programs) {
    const result = execute(row.run(file), options);
    if (result.status !== 0 || !row.expected.test(result.stdout + result.stderr)) {
      return report(file, result);
    }
  }
  return undefined;
}

/** Makes everything writable again, so that it can be deleted. */
function unlock(folder) {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) unlock(join(folder, entry.name));
  }
}

export function checkInstall(chosen = Object.keys(rows)) {
  const unknown = chosen.filter((name) => !(name in rows));
  if (unknown.length > 0) {
    throw new PlainError(
      `Expected some of ${Object.keys(rows).join('; ')}, got ${unknown.join('; ')}`,
    );
  }
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'autocog-lm-install-')));
  chmodSync(base, 0o755);
  mkdirSync(join(base, 'projects'));
  const failed = [];
  try {
    const tarball = pack(base);
    console.log('| installed with, or used in | version | result |\n|---|---|---|');
    for (const name of chosen) {
      const { version, failure } = check(rows[name], tarball, base);
      console.log(`| ${name} | ${version} | ${failure ?? 'works'} |`);
      if (failure !== undefined) failed.push(name);
    }
  } finally {
    unlock(base);
    rmSync(base, { recursive: true, force: true });
  }
  if (failed.length > 0) throw new PlainError(`does not work: ${failed.join('; ')}`);
}

await main(import.meta.url, () => {
  const args = process.argv.slice(2);
  if (args[0] === '--list') console.log(Object.keys(rows).join('\n'));
  else checkInstall(args.length > 0 ? args : undefined);
});
