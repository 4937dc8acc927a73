// `autocog-lm choose`.

import type { Choice } from '../choice.js';
import type { ChooseOptions } from '../choose-options.js';
import { choiceTable, choiceTree } from './choice-view.js';
import { costLine } from './cost-view.js';
import { withLM } from './engine.js';
import { readChoices, readPrompt } from './input.js';
import type { EngineFlags, PromptFlags } from './options.js';
import { paint, print, printJson } from './output.js';
import { nats, percent, quote } from './text.js';

export interface ChooseFlags
  extends EngineFlags,
    PromptFlags,
    Pick<ChooseOptions, 'normalize' | 'boundary' | 'terminator' | 'batching'> {
  choicesFile?: string;
  tree?: boolean;
  dot?: boolean;
  json?: boolean;
}

export async function choose(
  args: readonly string[],
  flags: ChooseFlags,
  signal: AbortSignal,
): Promise<void> {
  // Both before the model: a mistake is told at once.
  const choices = await readChoices(args, flags, signal);
  const prompt = await readPrompt(flags, signal);
  const { normalize, boundary, terminator, batching } = flags;
  const options = { normalize, boundary, terminator, batching, signal };
  const choice = await withLM(flags, signal, (lm) => lm.choose(prompt, choices, options));
  if (flags.json) await printJson({ model: flags.model, prompt, ...choice });
  else if (flags.dot) await print(choice.tree.toGraphviz().trimEnd());
  else await print(view(choice, Boolean(flags.tree)));
}

function view(choice: Choice, withTree: boolean): string {
  const parts = [choiceTable(choice)];
  if (withTree) parts.push('', choiceTree(choice), '');
  const lead =
    choice.margin === Number.POSITIVE_INFINITY ? '' : ` leads by ${nats(choice.margin)};`;
  const held = `the choices hold ${percent(choice.mass)} of all probability`;
  parts.push(lead === '' ? held : `${paint('green', quote(choice.text))}${lead} ${held}`);
  const { merges } = choice.boundary;
  if (merges !== undefined && merges.length > 0) {
    const texts = merges.map((index) => quote(choice.choices[index]?.text ?? ''));
    parts.push(`Other tokens than alone, after this prompt: ${texts.join(', ')}`);
  }
  parts.push(paint('dim', costLine(choice)));
  return parts.join('\n');
}
