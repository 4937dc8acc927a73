// `autocog-lm run`.

import { Automaton } from '../../automaton/automaton.js';
import type { ChoiceLM } from '../../choice-lm.js';
import { pick } from '../../common/pick.js';
import { RandomLM } from '../../random-lm.js';
import type { EvaluateOptions } from '../../thoughts/evaluate-options.js';
import type { ThoughtTree } from '../../thoughts/thought-tree.js';
import { withLM } from '../engine.js';
import { readFileText } from '../input.js';
import type { EngineFlags } from '../options.js';
import { print, printJson } from '../output.js';
import { thoughtView } from '../view/thought-view.js';

const searchFlags = [
  'metric',
  'boundary',
  'maxThoughts',
  'maxTokens',
  'stopAfter',
  'until',
] as const;

export interface RunFlags extends EngineFlags, Pick<EvaluateOptions, (typeof searchFlags)[number]> {
  random?: number;
  autocog?: boolean;
  graphviz?: boolean;
  json?: boolean;
}

export async function run(path: string, flags: RunFlags, signal: AbortSignal): Promise<void> {
  // Read before the model loads, so that mistakes in the file are reported immediately.
  const text = await readFileText(path, signal);
  const automaton = flags.autocog ? Automaton.fromAutoCog(text) : Automaton.fromJSON(text);
  const options = { ...pick(flags, searchFlags), stopOnAbort: true, signal };
  const evaluate = (lm: ChoiceLM): Promise<ThoughtTree> => lm.evaluate(automaton, options);
  const tree = await withEngine(flags, signal, evaluate);
  if (flags.json) await printJson(resultOf(tree, automaton, flags));
  else if (flags.graphviz) await print(tree.toGraphviz().trimEnd());
  else await print(thoughtView(tree));
  if (signal.aborted) {
    process.stderr.write('autocog-lm: interrupted; this is what was known so far\n');
    throw signal.reason;
  }
}

/** The model, or a RandomLM. */
async function withEngine<T>(
  flags: RunFlags,
  signal: AbortSignal,
  use: (lm: ChoiceLM) => Promise<T>,
): Promise<T> {
  const { random: seed, contextSize } = flags;
  if (seed === undefined) return withLM(flags, signal, use);
  await using lm = new RandomLM({ seed, contextSize });
  return await use(lm);
}

/** What --json prints: the tree in AutoCog's form for its files, otherwise in this package's. */
function resultOf(tree: ThoughtTree, automaton: Automaton, flags: RunFlags): object {
  if (flags.autocog) return tree.toAutoCog(automaton);
  const { model, random } = flags;
  const { text, score, logprob } = tree.best() ?? {};
  const best = text === undefined ? null : { text, score, logprob };
  return { ...(random === undefined ? { model } : { random }), best, ...tree.toJSON() };
}
