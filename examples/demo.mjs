// `npm run demo`: what `autocog-lm demo` shows. Its code is lib/cli/commands/demo.ts.

import { run } from '../dist/esm/cli/run.js';

process.exitCode = await run(['demo', ...process.argv.slice(2)]);
