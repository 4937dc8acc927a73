// A source of llama.cpp that is not the pinned one, to the byte, is refused.

import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';

interface FetchLlama {
  verifyTree(folder: string): void;
  fetchLlama(folder: string): void;
  pin: { tag: string; tree: string; npm: { package: string; version: string } };
}

const script: string = '../../scripts/fetch-llama.mjs';
const { verifyTree, fetchLlama, pin } = (await import(script)) as FetchLlama;
const folder = t.testdir();

/** The same tree with the same files, by links, so that it costs no space and little time. */
function mirror(source: string, target: string): void {
  mkdirSync(target);
  for (const name of readdirSync(source)) {
    if (name === '.git') continue;
    const [from, to] = [join(source, name), join(target, name)];
    const facts = lstatSync(from);
    if (facts.isDirectory()) mirror(from, to);
    else if (facts.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
    else linkSync(from, to);
  }
}

function checkRefused(t: Test, tree: string, what: string): void {
  const message = new RegExp(
    `^.*${tree} is not llama\\.cpp ${pin.tag}: its tree is [0-9a-f]{40}, not [0-9a-f]{40}\\. ` +
      'It was modified or is incomplete\\. .*npm run fetch:llama$',
  );
  t.throws(() => verifyTree(tree), { message }, what);
}

t.test('the pinned source is accepted, and one byte or one file more is not', async (t) => {
  const tree = join(folder, 'llama.cpp');
  mirror('llama.cpp', tree);
  verifyTree(tree);
  t.pass('as it is');

  const header = join(tree, 'include', 'llama.h');
  const original = join(folder, 'llama.h');
  renameSync(header, original);
  checkRefused(t, tree, 'a file less');

  const bytes = readFileSync(original);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(header, bytes);
  checkRefused(t, tree, 'one bit in one byte');
  t.throws(() => fetchLlama(tree), /is not llama\.cpp/, 'and it is not overwritten');
  t.same(readFileSync(header), bytes);

  copyFileSync(original, header);
  if (process.platform !== 'win32') {
    chmodSync(header, 0o755);
    checkRefused(t, tree, 'an executable bit');
    chmodSync(header, 0o644);
  }
  writeFileSync(join(tree, 'more.txt'), '');
  checkRefused(t, tree, 'a file more');
  rmSync(join(tree, 'more.txt'));
  verifyTree(tree);
  t.pass('and as it was before');
});

t.test('what is no source at all is refused', async (t) => {
  const other = join(folder, 'other');
  mkdirSync(other);
  checkRefused(t, other, 'an empty folder');
  writeFileSync(join(other, 'CMakeLists.txt'), 'project(other)\n');
  checkRefused(t, other, 'another project');
});

t.test('another commit of a repository is refused, whatever is checked out', async (t) => {
  const tree = join(folder, 'other-commit');
  mirror('llama.cpp', tree);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: tree, stdio: 'pipe' });
  git('init', '--quiet');
  const names = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
  git(...names, 'commit', '--quiet', '--allow-empty', '--message', 'other');
  t.throws(() => verifyTree(tree), /is a checkout of [0-9a-f]{40}, not of [0-9a-f]{40}\. Run: git/);
});

t.test('a damaged download is refused, and unpacked nowhere', async (t) => {
  const cache = join(folder, 'cache');
  mkdirSync(cache);
  const tarball = join(cache, `${pin.npm.package}-${pin.npm.version}.tgz`);
  writeFileSync(tarball, 'half of a download');
  appendFileSync(tarball, '\0');
  const before = process.env.AUTOCOG_CACHE;
  process.env.AUTOCOG_CACHE = cache;
  t.teardown(() => {
    if (before === undefined) delete process.env.AUTOCOG_CACHE;
    else process.env.AUTOCOG_CACHE = before;
  });
  const target = join(folder, 'target');
  t.throws(() => fetchLlama(target), {
    message: /node-llama-cpp-.*\.tgz is not node-llama-cpp@.* or is corrupt .*Delete it/,
  });
  t.equal(existsSync(target), false);
});
