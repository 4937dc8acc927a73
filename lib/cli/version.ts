// The versions of the package and of llama.cpp.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import root from '#package';
import { getBackends } from '../native/backends.js';

/** `autocog-lm 1.2.3 (llama.cpp 4.5.6)` */
export function versions(): string {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return `${name} ${version} (llama.cpp ${getBackends().llamaVersion})`;
}
