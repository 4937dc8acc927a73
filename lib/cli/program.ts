// The command line's grammar and its help. A command's code, and the engine with it, is
// loaded when the command runs: help and mistakes cost no such time.

import { Command, Option } from 'commander';
import type {
  BoundaryKind,
  ChooseOptions,
  Normalization,
  SearchKind,
} from '../choose/choose-options.js';
import * as help from './help.js';
import {
  addEngineOptions,
  addJsonOption,
  addModelOption,
  addPromptOptions,
  integer,
  number,
  several,
} from './options.js';
import { addSamplerOptions } from './sampler-flags.js';

/** Thrown for `--version`: it is met where nothing can wait for the engine to say its own. */
export class VersionRequest extends Error {}

/** The whole command line; its commands run until `signal` aborts. */
export function makeProgram(signal: AbortSignal): Command {
  const program = new Command('autocog-lm')
    .description(help.description)
    .option('-V, --version', 'print the versions of the package and of llama.cpp')
    .option('--verbose', 'print whole errors, with stacks and causes (also: DEBUG=1)')
    .on('option:version', () => {
      throw new VersionRequest();
    })
    .exitOverride()
    .showHelpAfterError('(--help says more)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'autocog-lm: ')),
    })
    .addHelpText('after', help.program);
  addChoose(program, signal);
  addCandidates(program, signal);
  addComplete(program, signal);
  addChat(program, signal);
  addServe(program, signal);
  addTokenize(program, signal);
  addInfo(program, signal);
  addDemo(program, signal);
  return program;
}

function addChoose(program: Command, signal: AbortSignal): void {
  const normalizations: Normalization[] = ['none', 'tokens', 'bytes', 'chars'];
  const boundaries: BoundaryKind[] = ['separate', 'joint', 'healed'];
  const searches: SearchKind[] = ['auto', 'exhaustive', 'bound'];
  const batchings: ChooseOptions['batching'][] = ['tree', 'sequential'];
  const command = program
    .command('choose')
    .summary('score choices as continuations of a prompt')
    .description('Score choices as continuations of a prompt, and rank them.')
    .argument('[choices...]', 'the choices, exactly as typed');
  addPromptOptions(command)
    .option('--choices-file <path>', 'read the choices from a file, one per line, - for stdin')
    .addOption(
      new Option('--normalize <by>', 'divide log-probabilities by a length')
        .choices(normalizations)
        .default('none'),
    )
    .addOption(
      new Option('--boundary <kind>', 'tokenize choices alone, with the prompt, or with its end')
        .choices(boundaries)
        .default('separate'),
    )
    .option('--merges', 'find out which choices have other tokens with the prompt')
    .option('--prior <text>', 'take off the log-probabilities after this text instead')
    .option('--terminator <text>', 'what must follow a choice: none, eog or a text', 'none')
    .addOption(
      new Option('--search <how>', 'score all tokens, or only as many as it takes')
        .choices(searches)
        .default('auto'),
    )
    .option('--top <n>', 'how many of the best must be exact (default: all)', integer(1))
    .option('--tolerance <p>', 'how wide an interval of a probability may be left', number)
    .addOption(
      new Option('--batching <how>', 'share the tokens of choices, or take one at a time')
        .choices(batchings as string[])
        .default('tree'),
    );
  addEngineOptions(command)
    .option('--details', "tell each token's rank, too, and with --tree what is likelier")
    .option('--tree', 'draw the tree of tokens, too')
    .addOption(
      new Option('--dot', 'print the tree as Graphviz DOT instead').conflicts(['json', 'tree']),
    );
  addJsonOption(command)
    .addHelpText('after', help.choose)
    .action(async (choices, flags) => {
      const { choose } = await import('./commands/choose.js');
      await choose(choices, flags, signal);
    });
}

function addCandidates(program: Command, signal: AbortSignal): void {
  const command = program
    .command('candidates')
    .summary('list the likeliest next tokens')
    .description('List the likeliest tokens to come next after a prompt.');
  addPromptOptions(command).option('-k, --count <n>', 'how many', integer(1), 10);
  addEngineOptions(command);
  addJsonOption(command)
    .addHelpText('after', help.candidates)
    .action(async (flags) => {
      const { candidates } = await import('./commands/candidates.js');
      await candidates(flags, signal);
    });
}

function addComplete(program: Command, signal: AbortSignal): void {
  const command = program
    .command('complete')
    .summary('write on after a prompt')
    .description('Write on after a prompt, and print what is written as it comes.')
    .argument('[prompt]', 'the prompt, unless it is given by an option');
  addPromptOptions(command)
    .option('--max-tokens <n>', 'most tokens to write (default: 128)', integer(1))
    .option('--stop <text>', 'end before this text; may be given several times', several)
    .option('--grammar-file <path>', 'write only what this GBNF grammar derives')
    .addOption(
      new Option('--json-schema-file <path>', 'write only JSON of this schema').conflicts(
        'grammarFile',
      ),
    );
  addSamplerOptions(command, 'the likeliest, unless another of these is given');
  addEngineOptions(command);
  addJsonOption(command)
    .addHelpText('after', help.complete)
    .action(async (prompt, flags) => {
      const { complete } = await import('./commands/complete.js');
      await complete(prompt, flags, signal);
    });
}

function addChat(program: Command, signal: AbortSignal): void {
  const command = program
    .command('chat')
    .summary('talk with the model')
    .description('Talk with the model: lines are said to it, its answers are printed.')
    .option('--system <text>', 'the system message to begin with')
    .addOption(
      new Option('--system-file <path>', 'read it from a file, - for stdin').conflicts('system'),
    )
    .option('--format <name>', "how messages are written (default: by the model's template)")
    .addOption(
      new Option('--template-file <path>', 'write messages by this Jinja template').conflicts(
        'format',
      ),
    )
    .option('--merge-system', "hand system messages to the user's, for models without any")
    .option('--max-tokens <n>', 'most tokens of one answer (default: no limit)', integer(1))
    .option('--no-stream', 'print answers when they are complete')
    .option('--no-header', 'print nothing at the beginning')
    .option('--no-color', 'print without colours');
  addSamplerOptions(command, '0.8');
  addEngineOptions(command)
    .addHelpText('after', help.chat)
    .action(async (flags) => {
      const { chat } = await import('./commands/chat.js');
      await chat(flags, signal);
    });
}

function addServe(program: Command, signal: AbortSignal): void {
  const command = program
    .command('serve')
    .summary('serve the model over HTTP')
    .description("Serve the model over HTTP: OpenAI's API with scores of prompts, and choose.")
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--port <n>', 'the port, 0 for any that is free', integer(0), 8080)
    .option('--api-key <key>', 'what requests have to show (default: AUTOCOG_API_KEY, or nothing)')
    .option('--body-limit <bytes>', "most bytes of a request's body", integer(1), 10 * 2 ** 20)
    .option('--alias <name>', "what the model is called (default: its file's name)")
    .option('--implicit-bos', 'put the beginning token in front of prompts without telling it');
  addEngineOptions(command)
    .addHelpText('after', help.serve)
    .action(async (flags) => {
      const { serve } = await import('./commands/serve.js');
      await serve(flags, signal);
    });
}

function addTokenize(program: Command, signal: AbortSignal): void {
  const command = program
    .command('tokenize')
    .summary('show the tokens of a text')
    .description('Show the tokens of a text: their ids, texts and bytes.')
    .argument('[text]', 'the text, unless it is given like a prompt');
  addModelOption(addPromptOptions(command))
    .option('--special', 'add what the model wants around a prompt, such as its first token')
    .option('--parse-special', 'read the text of control tokens as those tokens')
    .addOption(new Option('--ids', 'print nothing but the ids').conflicts('json'));
  addJsonOption(command)
    .addHelpText('after', help.tokenize)
    .action(async (text, flags) => {
      const { tokenize } = await import('./commands/tokenize.js');
      await tokenize(text, flags, signal);
    });
}

function addInfo(program: Command, signal: AbortSignal): void {
  const command = program
    .command('info')
    .summary('describe the model and the machine')
    .description('Describe the model, its vocabulary, and what the engine found on this machine.');
  addModelOption(command).option('--metadata', "list the model file's keys and values, too");
  addJsonOption(command)
    .addHelpText('after', help.info)
    .action(async (flags) => {
      const { info } = await import('./commands/info.js');
      await info(flags, signal);
    });
}

function addDemo(program: Command, signal: AbortSignal): void {
  const command = program
    .command('demo')
    .summary('show what this package does')
    .description('Put a few questions to the model, and show what choose and candidates give.');
  addEngineOptions(command).action(async (flags) => {
    const { demo } = await import('./commands/demo.js');
    await demo(flags, signal);
  });
}
