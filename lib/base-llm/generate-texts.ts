// Generates the texts of a plan for prompts: one completion, several in shared decodes, or beam
// searches. LocalLLM calls it.

import type { ChatLM } from '../chat-template/chat-lm.js';
import type { Completion, CompletionChunk } from '../common/completion.js';
import { NotSupportedError } from '../common/errors.js';
import { forEachConcurrently } from '../common/parallel.js';
import type { CompleteOptions } from '../generation/completion-options.js';
import type { GreedyLM } from '../greedy-lm.js';
import type { LM } from '../lm.js';
import type { RunOptions } from './options.js';
import { completionOf, type Plan } from './plan.js';
import type { LLMPrompt } from './prompts.js';

/** The texts for each prompt, best or first one first, and what they took. */
export interface GeneratedTexts {
  texts: string[][];
  tokens: number;
  promptTokens: number;
  /** From the start of generation; undefined if unknown. */
  firstTokenMs: number | undefined;
}

/** Requests to a server at a time. */
const concurrency = 8;

type Rendered = Extract<LLMPrompt, { tokens: Int32Array }>;
const isRendered = (prompt: LLMPrompt): prompt is Rendered => 'tokens' in prompt;

/** Whether an LM generates several completions together, and searches with beams. */
const isGreedyLM = (lm: LM): lm is GreedyLM =>
  typeof (lm as Partial<GreedyLM>).completeMany === 'function';

/** Throws a NotSupportedError for a plan that an LM cannot follow, whatever the prompt. */
export function checkPlan(lm: LM, plan: Plan): void {
  if (plan.beams !== undefined) {
    if (isGreedyLM(lm)) return;
    throw new NotSupportedError('numBeams is not supported: this LM has no beam search');
  }
  lm.checkCompletion(completionOf(plan));
}

/** Generates; the prompts are checked and fit. */
export async function generateTexts(
  lm: LM,
  prompts: readonly LLMPrompt[],
  plan: Plan,
  options: RunOptions,
): Promise<GeneratedTexts> {
  checkPlan(lm, plan);
  if (plan.beams !== undefined) return searchAll(lm as GreedyLM, prompts, plan, options);
  const repeated = prompts.flatMap((prompt) => Array<LLMPrompt>(plan.sequences).fill(prompt));
  const completions = await completeAll(lm, repeated, plan, options);
  const texts = prompts.map((_, index) =>
    completions.slice(index * plan.sequences, (index + 1) * plan.sequences).map(textOf),
  );
  const sum = (count: (completion: Completion) => number): number =>
    completions.reduce((total, completion) => total + count(completion), 0);
  const firsts = completions.map(({ performance }) => performance.firstTokenMs);
  return {
    texts,
    tokens: sum(({ tokens }) => tokens.length),
    promptTokens: sum(({ usage }) => usage.promptTokens),
    firstTokenMs: firsts.length === 0 ? undefined : firsts.reduce((a, b) => Math.min(a, b)),
  };
}

const textOf = ({ text }: { text: string }): string => text.trim();

async function completeAll(
  lm: LM,
  prompts: readonly LLMPrompt[],
  plan: Plan,
  options: RunOptions,
): Promise<Completion[]> {
  const { sequences } = plan;
  const rendered = prompts.filter(isRendered);
  if (prompts.length > 1 && rendered.length === prompts.length && isGreedyLM(lm)) {
    return completeTogether(lm, rendered, plan, options);
  }
  const completions: Completion[] = new Array(prompts.length);
  await forEachConcurrently(prompts, concurrency, options.signal, async (prompt, signal, index) => {
    completions[index] = await completeOne(lm, prompt, {
      ...completionOf(plan),
      ...optionsOf(lm, prompt, plan, index),
      ...onTokenOf(options, (chunk, tell) => tell(chunk.text, Math.floor(index / sequences))),
      signal,
    });
  });
  return completions;
}

function completeOne(lm: LM, prompt: LLMPrompt, options: CompleteOptions): Promise<Completion> {
  if (isRendered(prompt)) return lm.complete(prompt.tokens, options);
  return (lm as LM & ChatLM).completeChat(prompt.messages, options);
}

/** The options that depend on the prompt. */
function optionsOf(lm: LM, prompt: LLMPrompt, plan: Plan, index: number): CompleteOptions {
  const limit = isRendered(prompt) ? limitOf(lm, prompt, plan) : plan.maxTokens;
  const seed = plan.sampler?.seed;
  return {
    ...(limit === undefined ? {} : { maxTokens: limit }),
    ...(prompt.stop.length === 0 ? {} : { stop: prompt.stop }),
    ...(seed === undefined ? {} : { sampler: { ...plan.sampler, seed: (seed + index) % 2 ** 32 } }),
  };
}

/** How many tokens may follow a prompt; undefined for the LM's default. */
function limitOf(lm: LM, { tokens }: Rendered, { maxTokens, maxLength }: Plan): number | undefined {
  if (maxTokens === undefined && maxLength === undefined) return undefined;
  const room = Math.min(maxLength ?? Infinity, lm.contextSize ?? Infinity) - tokens.length;
  return Math.min(maxTokens ?? Infinity, room);
}

/** The callback of a completion; undefined entries are left out. */
function onTokenOf<Rest extends unknown[]>(
  { onToken }: RunOptions,
  handle: (
    chunk: CompletionChunk,
    tell: NonNullable<RunOptions['onToken']>,
    ...rest: Rest
  ) => unknown,
) {
  if (onToken === undefined) return {};
  return {
    onToken: (chunk: CompletionChunk, ...rest: Rest): unknown =>
      chunk.text === '' ? undefined : handle(chunk, onToken, ...rest),
  };
}

/** Several completions in shared decodes. Their limits may differ, where `maxLength` sets them. */
async function completeTogether(
  lm: GreedyLM,
  prompts: readonly Rendered[],
  plan: Plan,
  options: RunOptions,
): Promise<Completion[]> {
  const limits = prompts.map((prompt) => limitOf(lm, prompt, plan) ?? Infinity);
  // Different limits are enforced here, where a chunk reports the tokens of its completion.
  const isUniform = limits.every((limit) => limit === limits[0]);
  const isLimited = plan.maxTokens !== undefined || plan.maxLength !== undefined;
  const counts = prompts.map(() => 0);
  const { sequences } = plan;
  const { onToken } = options;
  const isFull = (index: number): boolean =>
    !isUniform && (counts[index] as number) >= (limits[index] as number);
  const completions = await lm.completeMany(
    prompts.map(({ tokens }) => tokens),
    {
      ...completionOf(plan),
      ...(isLimited ? { maxTokens: isUniform ? (limits[0] as number) : Infinity } : {}),
      // The prompts are of one conversation style, and so are their stops.
      ...((prompts[0]?.stop.length ?? 0) === 0 ? {} : { stop: prompts[0]?.stop }),
      onToken: (chunk, index) => {
        counts[index] = (counts[index] as number) + chunk.tokens.length;
        const isLeft =
          chunk.text !== '' && onToken?.(chunk.text, Math.floor(index / sequences)) === false;
        return !isLeft && !isFull(index);
      },
      signal: options.signal,
    },
  );
  return Promise.all(
    completions.map(async (completion, index) => {
      if (completion.stopReason !== 'callback' || !isFull(index)) return completion;
      // Text that might have begun a stop was held back.
      const text = await lm.detokenize(completion.tokens, { continuation: true });
      return { ...completion, text };
    }),
  );
}

async function searchAll(
  lm: GreedyLM,
  prompts: readonly LLMPrompt[],
  plan: Plan,
  { signal, onToken }: RunOptions,
): Promise<GeneratedTexts> {
  const result: GeneratedTexts = { texts: [], tokens: 0, promptTokens: 0, firstTokenMs: undefined };
  for (const [index, prompt] of prompts.entries()) {
    if (!isRendered(prompt)) {
      throw new NotSupportedError('numBeams is not supported: the server renders the prompt');
    }
    const limit = limitOf(lm, prompt, plan);
    if (limit === Infinity) {
      throw new NotSupportedError('A beam search needs maxTokens: the context size is unknown');
    }
    const { beams, usage } = await lm.beamSearch(prompt.tokens, {
      ...plan.beams,
      ...(limit === undefined ? {} : { maxTokens: limit }),
      stop: beamStops(lm, prompt.stop),
      signal,
    });
    const texts = beams.map(textOf);
    result.texts.push(texts);
    result.tokens += beams.reduce((sum, { tokens }) => sum + tokens.length, 0);
    result.promptTokens += usage.promptTokens;
    onToken?.(texts[0] as string, index);
  }
  return result;
}

/** The stop strings. Tokens that end generation anyway need no stop; beams have no other ones. */
function beamStops(lm: GreedyLM, stops: readonly (string | number)[]): string[] {
  const ends = lm.endOfGeneration;
  return stops.filter((stop) => {
    if (typeof stop === 'string') return true;
    if (ends.includes(stop)) return false;
    throw new NotSupportedError(`A beam search does not support the stop token ${stop}`);
  }) as string[];
}
