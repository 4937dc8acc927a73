// `autocog-lm choose`.

import type { Choice } from '../../choose/choice.js';
import { type ChooseOptions, choiceOptionNames } from '../../choose/choose-options.js';
import { pick } from '../../common/pick.js';
import { withLM } from '../engine.js';
import { readChoices, readPrompt } from '../input.js';
import type { EngineFlags, PromptFlags } from '../options.js';
import { paint, print, printJson } from '../output.js';
import { choiceTable, choiceTree } from '../view/choice-view.js';
import { costLine } from '../view/cost-view.js';
import { nats, percentRange, plural, quote } from '../view/text.js';

export interface ChooseFlags extends EngineFlags, PromptFlags, Omit<ChooseOptions, 'signal'> {
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
  // Read before the model loads, so that usage errors are immediate.
  const choices = await readChoices(args, flags, signal);
  const prompt = await readPrompt(flags, signal);
  const options = { ...pick(flags, choiceOptionNames), signal };
  const choice = await withLM(flags, signal, (lm) => lm.choose(prompt, choices, options));
  if (flags.json) await printJson({ model: flags.model, prompt, ...choice });
  else if (flags.dot) await print(choice.tree.toGraphviz().trimEnd());
  else await print(view(choice, Boolean(flags.tree)));
}

function view(choice: Choice, withTree: boolean): string {
  const parts = [choiceTable(choice)];
  if (withTree) parts.push('', choiceTree(choice), '');
  parts.push(leadLine(choice));
  if (choice.massInterval !== undefined) parts.push(openLine(choice));
  const { merges, healed } = choice.boundary;
  if (healed !== undefined && healed.text !== '') {
    parts.push(`Healing moved ${quote(healed.text)} from the prompt into the choices`);
  }
  if (merges !== undefined && merges.length > 0) {
    const texts = merges.map((index) => quote(choice.choices[index]?.text ?? ''));
    parts.push(`Tokenized differently after this prompt than alone: ${texts.join(', ')}`);
  }
  parts.push(paint('dim', costLine(choice)));
  return parts.join('\n');
}

/** The winner's lead, and the probability mass of all choices. */
function leadLine({ text, margin, mass, massInterval }: Choice): string {
  const range = percentRange(massInterval ?? [mass, mass]);
  const total = `the choices have ${range} of the total probability`;
  if (!Number.isFinite(margin)) return total;
  const by = massInterval === undefined ? '' : 'at least ';
  return `${paint('green', quote(text))} leads by ${by}${nats(margin)}; ${total}`;
}

/** How many choices a search did not fully evaluate, and which ranks are certain anyway. */
function openLine({ choices, certified }: Choice): string {
  const open = plural(choices.filter(({ exact }) => !exact).length, 'choice');
  const certain = ['no rank is', 'rank 1 is'][certified] ?? `ranks 1 to ${certified} are`;
  return `${open} not fully evaluated, with upper bounds (≤) as values; ${certain} certain`;
}
