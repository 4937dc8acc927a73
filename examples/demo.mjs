// `npm run demo`: runs `autocog-lm demo`, which lib/cli/commands/demo.ts implements.

import { run } from '../dist/esm/cli/run.js';

process.exitCode = await run(['demo', ...process.argv.slice(2)]);
