// Opens GGUF files by name on a device, for `LocalLLM.load`. The native code is loaded on demand: an
// LLM over a server needs none.

import { wrongType } from '../common/arguments.js';
import type { LLaMaLoadOptions } from '../llama-options.js';
import { deviceOptions } from './device.js';
import type { OpenLM } from './lm-holder.js';

/**
 * The function that loads a file, and the path of the embedded model.
 *
 * @param context options of `LLaMa.load`; the signal aborts the first load only
 */
export async function llamaOpener(
  context: Omit<LLaMaLoadOptions, 'completion'>,
): Promise<{ open: OpenLM; defaultModelPath: string }> {
  if (typeof context !== 'object' || context === null) {
    throw wrongType('an object', 'context', context);
  }
  const { LLaMa } = await import('../llama.js');
  const { getBackends } = await import('../native/backends.js');
  const { defaultModelPath } = await import('../model/default-model.js');
  const { signal, ...lasting } = context;
  let isFirst = true;
  const open: OpenLM = async ({ modelName = defaultModelPath, device }) => {
    const on = device === undefined ? {} : deviceOptions(device, getBackends().devices);
    const once = isFirst ? { signal } : {};
    isFirst = false;
    return LLaMa.load(modelName, { ...lasting, ...on, ...once });
  };
  return { open, defaultModelPath };
}
