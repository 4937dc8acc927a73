// The public names of `autocog-lm/openai`. The core of the package does not import it.

export { RemoteError } from '../errors.js';
