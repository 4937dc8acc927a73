// Defines `autocog-lm run`. program.ts adds it.

import { type Command, Option } from 'commander';
import type { AutomatonBoundary, Metric } from '../automaton/actions.js';
import type { EvaluateOptions } from '../thoughts/evaluate-options.js';
import * as help from './help.js';
import { addEngineOptions, addJsonOption, integer } from './options.js';

export function addRun(program: Command, signal: AbortSignal): void {
  const metrics: Metric[] = ['mean', 'sum', 'bytes'];
  const boundaries: AutomatonBoundary[] = ['separate', 'healed'];
  const ends: EvaluateOptions['until'][] = ['exhausted', 'best'];
  const command = program
    .command('run')
    .summary('run an automaton')
    .description('Run an automaton, and print its best thought and the tree of all thoughts.')
    .argument('<automaton>', 'the automaton, a JSON file, - for stdin')
    .addOption(
      new Option('--metric <metric>', "compare thoughts by (default: the automaton's)").choices(
        metrics,
      ),
    )
    .addOption(
      new Option(
        '--boundary <kind>',
        "tokenize actions alone, or with the last token before (default: the automaton's)",
      ).choices(boundaries),
    )
    .option('--max-thoughts <n>', 'stop once n thoughts were kept (default: 10000)', integer(1))
    .option('--max-tokens <n>', 'stop once n tokens were scored or generated', integer(1))
    .option('--stop-after <n>', 'stop once n thoughts are finished', integer(1))
    .addOption(
      new Option('--until <end>', 'stop when no thought is open, or none can win').choices(
        ends as string[],
      ),
    )
    .option('--autocog', "the automaton is a file of AutoCog; --json prints the tree as AutoCog's")
    .addOption(
      new Option('--random <seed>', 'a dry run with random probabilities, without a model')
        .argParser(integer(0))
        .conflicts(['model', 'threads', 'gpuLayers']),
    );
  addEngineOptions(command).addOption(
    new Option('--graphviz', 'print the tree as Graphviz DOT instead').conflicts('json'),
  );
  addJsonOption(command)
    .addHelpText('after', help.run)
    .action(async (path, flags) => {
      const { run } = await import('./commands/run.js');
      await run(path, flags, signal);
    });
}
