// scripts/fetch-llama.mjs: rejects llama.cpp sources that differ from the pinned tree by a byte.

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

/** Copies a tree with hard links, which takes no space and little time. */
function mirror(source: string, target: string): void {
  mkdirSync(target);
  for (const name of readdirSync(source)) {
    if (name === '.git') continue;
    const [from, to] = [join(source, name), join(target, name)];
    const stats = lstatSync(from);
    if (stats.isDirectory()) mirror(from, to);
    else if (stats.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
    else linkSync(from, to);
  }
}

function checkRejected(t: Test, tree: string, what: string): void {
  const message = new RegExp(
    `^.*${tree} is not llama\\.cpp ${pin.tag}: its tree is [0-9a-f]{40}, not [0-9a-f]{40}\\. ` +
      'It was modified or is incomplete\\. .*npm run fetch:llama$',
  );
  t.throws(() => verifyTree(tree), { message }, what);
}

t.test('the pinned source is accepted, and any changed byte or file is rejected', async (t) => {
  const tree = join(folder, 'llama.cpp');
  mirror('llama.cpp', tree);
  verifyTree(tree);
  t.pass('unchanged');

  const header = join(tree, 'include', 'llama.h');
  const original = join(folder, 'llama.h');
  renameSync(header, original);
  checkRejected(t, tree, 'a missing file');

  const bytes = readFileSync(original);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(header, bytes);
  checkRejected(t, tree, 'one bit in one byte');
  t.throws(() => fetchLlama(tree), /is not llama\.cpp/, 'and it is not overwritten');
  t.same(readFileSync(header), bytes);

  copyFileSync(original, header);
  if (process.platform !== 'win32') {
    chmodSync(header, 0o755);
    checkRejected(t, tree, 'an executable bit');
    chmodSync(header, 0o644);
  }
  writeFileSync(join(tree, 'more.txt'), '');
  checkRejected(t, tree, 'an additional file');
  rmSync(join(tree, 'more.txt'));
  verifyTree(tree);
  t.pass('and restored');
});

t.test('a folder without llama.cpp is rejected', async (t) => {
  const other = join(folder, 'other');
  mkdirSync(other);
  checkRejected(t, other, 'an empty folder');
  writeFileSync(join(other, 'CMakeLists.txt'), 'project(other)\n');
  checkRejected(t, other, 'another project');
});

t.test('another commit is rejected, whatever the working tree contains', async (t) => {
  const tree = join(folder, 'other-commit');
  mirror('llama.cpp', tree);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: tree, stdio: 'pipe' });
  git('init', '--quiet');
  const names = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
  git(...names, 'commit', '--quiet', '--allow-empty', '--message', 'other');
  t.throws(() => verifyTree(tree), /is a checkout of [0-9a-f]{40}, not of [0-9a-f]{40}\. Run: git/);
});

t.test('a damaged download is rejected, and not unpacked', async (t) => {
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
