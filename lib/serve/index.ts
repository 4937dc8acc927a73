// The public names of `autocog-lm/serve`. The core of the package does not import it.

export type { ServeOptions } from './options.js';
export { ScoringServer, serve } from './server.js';
