#!/usr/bin/env node
// Entry point of the `autocog-lm` command: runs it with this process's arguments. `build` needs neither the addon nor
// the libraries of the other commands.

import { checkPeers } from '../common/peers.js';
import { build } from './commands/build.js';

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'build') return build(args.slice(1));
  try {
    checkPeers(['commander', 'cli-table3', 'cli-progress'], 'The command autocog-lm');
  } catch (error) {
    process.stderr.write(`autocog-lm: ${(error as Error).message}\n`);
    return 1;
  }
  const { run } = await import('./run.js');
  return run(args);
}

main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
