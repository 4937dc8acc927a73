// `npx autocog-lm build`: builds the addon from source, tries it, and keeps it in the cache of native/places.cjs, where the
// loader finds it. Works in a copy of the sources, since the package itself may be read-only or shared. Uses no dependency.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkRequirements } from '../requirements.mjs';
import { capture, npmCommand, PlainError, root, run } from '../run.mjs';

const help = `Usage: autocog-lm build [options]

Builds the native addon from source. The result is kept in ~/.cache/autocog-lm (or
$AUTOCOG_CACHE) and used instead of the prebuilt addon of this release.

Options:
  --cuda       with llama.cpp's CUDA backend; needs the CUDA toolkit
  --vulkan     with its Vulkan backend; needs the Vulkan SDK
  --metal      with its Metal backend; the default on macOS
  --rpc        with its RPC backend, for models that are spread over machines
  --native     for this machine's CPU alone; the default
  --no-native  for every CPU with AVX2 (x86-64)
  --remove     delete the addon that was built, to use the prebuilt one
  -h, --help   show this help
`;

const switches = ['cuda', 'vulkan', 'metal', 'rpc', 'native'];
/** What the build needs of the registry; package.json pins the releases. */
const tools = ['cmake-js', 'node-addon-api', 'node-api-headers'];
const sources = ['CMakeLists.txt', 'cmake', 'native', 'scripts'];

function parse(args) {
  const flags = Object.fromEntries(switches.map((name) => [name, { type: 'boolean' }]));
  const options = {
    ...flags,
    remove: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  };
  try {
    return parseArgs({ args, options, allowNegative: true }).values;
  } catch (error) {
    throw new PlainError(`${error.message.split('.')[0]}. See: autocog-lm build --help`);
  }
}

/** Builds as the arguments say; resolves to the exit code. */
export async function buildAddon(args) {
  try {
    const values = parse(args);
    if (values.help) process.stdout.write(help);
    else if (values.remove) remove();
    else build(values);
    return 0;
  } catch (error) {
    console.error(error instanceof PlainError ? `autocog-lm: ${error.message}` : error);
    return error instanceof PlainError && /--help$/.test(error.message) ? 2 : 1;
  }
}

function target() {
  const folder = createRequire(import.meta.url)('../../native/places.cjs').builtFolder();
  if (folder !== undefined) return folder;
  throw new PlainError('this user has no home directory: set AUTOCOG_CACHE to a folder');
}

function remove() {
  const folder = target();
  if (!existsSync(folder)) throw new PlainError(`there is no ${folder}`);
  rmSync(folder, { recursive: true });
  console.log(`deleted ${folder}`);
}

function build(values) {
  const env = { ...process.env };
  for (const name of switches) {
    if (values[name] !== undefined) env[`AUTOCOG_${name.toUpperCase()}`] = values[name] ? '1' : '0';
  }
  checkRequirements(
    Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, /^1$|^on$/i.test(value) ? 'ON' : 'OFF']),
    ),
  );
  const folder = target();
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(join(dirname(folder), 'build-'));
  try {
    step(`preparing the build in ${work}`);
    prepare(work);
    step('building llama.cpp and the addon; this takes minutes');
    run(process.execPath, [join(work, 'scripts', 'build-native.mjs')], { cwd: work, env });
    const release = join(work, 'build', 'Release');
    const { devices, modules } = trial(release);
    replace(folder, release);
    const names = devices.map(({ name, description }) => `${name} (${description})`);
    step(`built ${join(folder, 'autocog.node')}, with ${names.join(', ')}`);
    for (const { name, error } of modules) {
      const hasDevice = devices.some(({ backend }) => backend.toLowerCase() === name);
      if (error !== undefined) step(`the backend ${name} cannot be used here: ${error}`);
      // Servers are the devices of RPC.
      else if (!hasDevice && name !== 'rpc') step(`the backend ${name} finds no device here`);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const step = (text) => console.log(`autocog-lm: ${text}`);

/** Copies the sources and installs the build's tools. */
function prepare(work) {
  for (const name of sources) cpSync(join(root, name), join(work, name), { recursive: true });
  const { name, version, type, binary, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const dependencies = Object.fromEntries(tools.map((tool) => [tool, devDependencies[tool]]));
  const manifest = { name, version, private: true, type, binary, gypfile: false, dependencies };
  writeFileSync(join(work, 'package.json'), JSON.stringify(manifest, null, 2));
  const [npm, ...before] = npmCommand();
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  run(npm, [...before, ...args, '--global=false', '--dry-run=false', '--loglevel=error'], {
    cwd: work,
    shell: npm.endsWith('.cmd'),
  });
}

/** Loads the addon in a process of its own; returns its devices, and its backends that are files of their own. */
function trial(release) {
  const program = `const addon = require(${JSON.stringify(join(release, 'autocog.node'))});
    console.log(JSON.stringify({ devices: addon.devices(), modules: addon.backendModules() }));`;
  const found = capture(process.execPath, ['-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (found === null) throw new PlainError('the addon was built, but does not load');
  return JSON.parse(found.split('\n').at(-1));
}

/** Moves the result into place; processes that have loaded the old one keep it. */
function replace(folder, release) {
  const old = `${folder}.old`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(release, folder);
  rmSync(old, { recursive: true, force: true });
}
