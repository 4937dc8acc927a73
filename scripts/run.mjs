// Shared by all scripts: the package's root, running commands, and failing with a plain message.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** An error with a message for the user, printed without a stack. */
export class PlainError extends Error {}

/** Runs a command with this terminal's output and throws a PlainError if it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...options,
  });
  if (result.error) throw new PlainError(`${command}: ${result.error.message}`);
  if (result.status !== 0) {
    const shown = [command, ...args].slice(0, 5).join(' ');
    throw new PlainError(`${shown} failed (${result.signal ?? result.status})`);
  }
  return result;
}

/** Runs a command and returns its output, or null if it failed or exceeded options.timeout. */
export function capture(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  return result.status === 0 ? result.stdout.trim() : null;
}

/** Whether a program is on the PATH. */
export function onPath(name) {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name];
  return (process.env.PATH ?? '').split(delimiter).some((folder) =>
    names.some((file) => {
      try {
        accessSync(join(folder, file), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    }),
  );
}

/**
 * The command that starts npm, whichever package manager has started this script: the npm that came with this Node, or
 * else the one on the PATH.
 */
export function npmCommand() {
  const started = process.env.npm_execpath;
  const folder = dirname(process.execPath);
  const scripts = [
    ...(started && /^np[mx]-cli\.js$/.test(basename(started)) ? [started] : []),
    join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(folder, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ].map((file) => file.replace(/npx-cli\.js$/, 'npm-cli.js'));
  const script = scripts.find((file) => existsSync(file));
  if (script !== undefined) return [process.execPath, script];
  if (onPath('npm')) return [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
  throw new PlainError(
    'npm is needed to download sources, and was not found next to Node or on the PATH',
  );
}

/** Runs a script's main function if Node was started with this script. */
export async function main(url, body) {
  if (process.argv[1] !== fileURLToPath(url)) return;
  try {
    await body();
  } catch (error) {
    console.error(error instanceof PlainError ? `autocog-lm: ${error.message}` : error);
    process.exitCode = 1;
  }
}
