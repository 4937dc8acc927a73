#!/usr/bin/env node
// Entry point of the `autocog-lm` command: runs it with this process's arguments.

import { run } from './run.js';

run(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
