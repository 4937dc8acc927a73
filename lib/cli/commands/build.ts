// `autocog-lm build`. Runs a script outside of dist, which needs neither the addon nor any dependency.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import root from '#package';

interface Script {
  buildAddon(args: readonly string[]): Promise<number>;
}

/** Builds the addon as the arguments say; resolves to the exit code. */
export async function build(args: readonly string[]): Promise<number> {
  const file = join(root, 'scripts', 'package', 'build-addon.mjs');
  const { buildAddon } = (await import(pathToFileURL(file).href)) as Script;
  return buildAddon(args);
}
