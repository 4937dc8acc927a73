// Saved states: changed cells, logits and sidecars, with checksums that match so that the engine sees them,
// or not. Each is refused, and the LM computes what it did before, bit for bit; or it loads.
import { runCases } from './support/children.mjs';

/** @returns {Promise<string>} what was found */
export const fuzz = (options) =>
  runCases('states', 'try-state.mjs', (number) => ({ message: [options.seed, number] }), options);
