// The small model that comes with the package, for first steps and for tests.

import { join } from 'node:path';
import root from '#package';

/**
 * The path of the model inside this package: a toy of 0.7 million weights, which knows a
 * few capitals and colours.
 */
export const defaultModelPath: string = join(root, 'models', 'default.gguf');
