#!/usr/bin/env node
// The command `autocog-lm`: runs it on this process's arguments.

import { run } from './run.js';

run(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
