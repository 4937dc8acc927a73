// What is known of an LM: its name, where it runs, what identifies its model in a checkpoint, and
// what it uses. LocalLLM asks.

import { modelOf } from '../chat-template/conversation.js';
import { NotSupportedError } from '../common/errors.js';
import type { LLaMa } from '../llama.js';
import type { LM } from '../lm.js';
import type { Checkpoint } from './checkpoint.js';
import type { OpenRequest } from './lm-holder.js';
import type { ModelResources } from './resources.js';

/** The name of an LM's model, if it has one: a path, or the name on a server. */
export function nameOf(lm: LM): string | undefined {
  const { model } = lm as Partial<{ model: unknown }>;
  return typeof model === 'string' ? model : modelOf(lm)?.info.path;
}

/** Throws a NotSupportedError unless the LM, which cannot be exchanged, is what is requested. */
export function checkGiven(lm: LM, { modelName, device }: OpenRequest): void {
  const model = modelOf(lm);
  const { path, fileName = '' } = model?.info ?? {};
  const names = [nameOf(lm), path, fileName, fileName.replace(/\.gguf$/i, '')];
  if (modelName !== undefined && !names.includes(modelName)) {
    throw new NotSupportedError(
      `The LM has the model ${nameOf(lm)}, not ${modelName}: pass a function that opens LMs`,
    );
  }
  if (device === undefined) return;
  const isOnCpu = model?.info.gpuLayers === 0;
  if (model === undefined || (device.toLowerCase() === 'cpu') !== isOnCpu) {
    const where = model === undefined ? 'an unknown device' : isOnCpu ? 'the CPU' : 'a GPU';
    throw new NotSupportedError(
      `The LM runs on ${where}, not on ${device}: pass a function that opens LMs`,
    );
  }
}

/** What identifies an LM's model. */
export async function factsOf(lm: LM): Promise<Checkpoint['facts']> {
  const { name } = lm.constructor;
  const model = modelOf(lm);
  if (model === undefined) return { lm: name, model: nameOf(lm) ?? '' };
  // Loaded on demand: an LLM over a server needs no native code.
  const { fingerprintOf } = await import('../model/fingerprint.js');
  return { lm: name, model: await fingerprintOf(model) };
}

/** What a model in this process and its context use; undefined for other LMs. */
export async function resourcesOf(lm: LM): Promise<ModelResources | undefined> {
  const model = modelOf(lm);
  if (model === undefined) return undefined;
  const { getBackends } = await import('../native/backends.js');
  await (lm as LLaMa).ready;
  const { contextInfo } = lm as LLaMa;
  return {
    modelBytes: model.info.sizeBytes,
    cacheBytes: contextInfo.cacheBytes,
    devices: getBackends().devices.map(({ backend: _, ...device }) => device),
  };
}

/** Whether an LM saves states of prompts. */
export const hasStates = (lm: LM): lm is LLaMa =>
  typeof (lm as Partial<LLaMa>).saveState === 'function';
