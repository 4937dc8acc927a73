// The public names of `autocog-lm/openai`. The core of the package does not import it.

export { RemoteError } from '../errors.js';
export { RemoteChooser } from './choose.js';
export type { RemoteChooseTask } from './choose-many.js';
export { defaultInstruction, type RemoteChooseOptions } from './choose-options.js';
export type { RemoteChoice } from './choose-result.js';
export type { ServerFeatures } from './probe.js';
export type { RemoteEngine, Strategy, StrategyOption } from './remote-engine.js';
