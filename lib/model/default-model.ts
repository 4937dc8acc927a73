// The path of the small model that ships with the package, for examples and tests.

import { join } from 'node:path';
import root from '#package';

/**
 * The path of the model that ships with this package: a toy with 0.7 million parameters that
 * knows a few capitals and colors.
 */
export const defaultModelPath: string = join(root, 'models', 'default.gguf');
