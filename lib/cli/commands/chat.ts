// `autocog-lm chat`. program.ts imports it, and the template engine with it, on demand.

import { basename } from 'node:path';
import { Thread } from '../../chat/index.js';
import type { LLaMa } from '../../llama.js';
import { withLM } from '../engine.js';
import { readFileContent } from '../input.js';
import type { EngineFlags } from '../options.js';
import { type SamplerFlags, samplerOf } from '../sampler-flags.js';

export interface ChatFlags extends EngineFlags, SamplerFlags {
  system?: string;
  systemFile?: string;
  format?: string;
  templateFile?: string;
  mergeSystem?: boolean;
  maxTokens?: number;
  color: boolean;
  stream: boolean;
  header: boolean;
}

export async function chat(flags: ChatFlags, signal: AbortSignal): Promise<void> {
  const { format, systemFile, templateFile, mergeSystem, maxTokens, color, stream } = flags;
  const system =
    systemFile === undefined ? flags.system : await readFileContent(systemFile, signal);
  const template =
    templateFile === undefined ? undefined : await readFileContent(templateFile, signal);
  const sampler = samplerOf(flags);
  const header = `Chatting with ${basename(flags.model)}. ^C ends the chat, !help lists the commands.`;
  await withLM(flags, signal, (lm: LLaMa) => {
    const thread = new Thread(lm, { format, template, system, sampler, maxTokens, mergeSystem });
    return thread.interact({ color, stream, signal, header: flags.header ? header : undefined });
  });
}
