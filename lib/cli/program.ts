// Defines the commands, their options and their help. A command's implementation, and the engine
// with it, is imported when the command runs, so that help and usage errors are fast.

import { Command, Option } from 'commander';
import type {
  BoundaryKind,
  ChooseOptions,
  Normalization,
  SearchKind,
} from '../choose/choose-options.js';
import { addDecide } from './decide-program.js';
import * as help from './help.js';
import {
  addEngineOptions,
  addJsonOption,
  addModelOption,
  addPromptOptions,
  integer,
  number,
  repeatable,
} from './options.js';
import { addRun } from './run-program.js';
import { addSamplerOptions } from './sampler-flags.js';

/** Thrown for `--version`: commander's listener is synchronous, so it cannot import the engine. */
export class VersionRequest extends Error {}

/** Creates the program; its commands run until `signal` aborts. */
export function makeProgram(signal: AbortSignal): Command {
  const program = new Command('autocog-lm')
    .description(help.description)
    .option('-V, --version', 'print the versions of the package and of llama.cpp')
    .option('--verbose', 'print full errors, with stacks and causes (also: DEBUG=1)')
    .on('option:version', () => {
      throw new VersionRequest();
    })
    .exitOverride()
    .showHelpAfterError('(add --help for more information)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'autocog-lm: ')),
    })
    .addHelpText('after', help.program);
  addChoose(program, signal);
  addDecide(program, signal);
  addCandidates(program, signal);
  addComplete(program, signal);
  addChat(program, signal);
  addRun(program, signal);
  addServe(program, signal);
  addTokenize(program, signal);
  addInfo(program, signal);
  addDemo(program, signal);
  addBuild(program);
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
      new Option(
        '--boundary <kind>',
        'tokenize choices alone, with the prompt, or with the end of the prompt',
      )
        .choices(boundaries)
        .default('separate'),
    )
    .option('--merges', 'report choices that tokenize differently together with the prompt')
    .option('--prior <text>', "subtract each choice's log-probability after this text")
    .option('--terminator <text>', 'what must follow a choice: none, eog or a string', 'none')
    .addOption(
      new Option('--search <how>', 'score all tokens, or only those needed (branch and bound)')
        .choices(searches)
        .default('auto'),
    )
    .option('--top <n>', 'number of best choices that must be exact (default: all)', integer(1))
    .option('--tolerance <p>', 'maximum width of a probability interval', number)
    .addOption(
      new Option('--batching <how>', 'decode shared tokens once, or one choice at a time')
        .choices(batchings as string[])
        .default('tree'),
    );
  addEngineOptions(command)
    .option('--details', "also report each token's rank and, with --tree, the top token")
    .option('--tree', 'also draw the token tree')
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
    .summary('list the most likely next tokens')
    .description('List the most likely next tokens after a prompt.');
  addPromptOptions(command).option('-k, --count <n>', 'number of tokens', integer(1), 10);
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
    .summary('generate a completion of a prompt')
    .description('Generate a completion of a prompt, and stream it to standard output.')
    .argument('[prompt]', 'the prompt, unless an option sets it');
  addPromptOptions(command)
    .option('--max-tokens <n>', 'maximum number of tokens to generate (default: 128)', integer(1))
    .option('--stop <text>', 'stop before this string; can be repeated', repeatable)
    .option('--grammar-file <path>', 'constrain the output to this GBNF grammar')
    .addOption(
      new Option(
        '--json-schema-file <path>',
        'constrain the output to JSON of this schema',
      ).conflicts('grammarFile'),
    );
  addSamplerOptions(command, '0, unless another sampling option is set');
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
    .summary('chat with the model')
    .description(
      'Chat with the model: lines of input are user messages, and its responses are printed.',
    )
    .option('--system <text>', 'the initial system message')
    .addOption(
      new Option(
        '--system-file <path>',
        'read the system message from a file, - for stdin',
      ).conflicts('system'),
    )
    .option('--format <name>', "prompt format of messages (default: the model's chat template)")
    .addOption(
      new Option('--template-file <path>', 'format messages with this Jinja template').conflicts(
        'format',
      ),
    )
    .option(
      '--merge-system',
      'merge system messages into user messages, for models without a system role',
    )
    .option(
      '--max-tokens <n>',
      'maximum number of tokens per response (default: no limit)',
      integer(1),
    )
    .option('--no-stream', 'print responses when they are complete')
    .option('--no-header', 'do not print the header line')
    .option('--no-color', 'disable colors');
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
    .description("Serve the model over HTTP: OpenAI's API with prompt scoring, and choose.")
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--port <n>', 'the port, 0 for any free port', integer(0), 8080)
    .option(
      '--api-key <key>',
      'the key that requests must send (default: AUTOCOG_API_KEY, or none)',
    )
    .option('--body-limit <bytes>', 'maximum size of a request body', integer(1), 10 * 2 ** 20)
    .option('--alias <name>', "the model's name in the API (default: its file's name)")
    .option('--implicit-bos', 'prepend the BOS token to prompts and omit it from responses')
    .option(
      '--chat-template <jinja>',
      "format messages with this Jinja template (default: the model's)",
    )
    .addOption(
      new Option(
        '--chat-template-file <path>',
        'read the Jinja template from a file, - for stdin',
      ).conflicts('chatTemplate'),
    )
    .option(
      '--merge-system',
      'merge system messages into user messages, for models without a system role',
    )
    .option(
      '--cors <origin>',
      'let web pages of this origin call the server, * for any; can be repeated',
      repeatable,
    )
    .option(
      '--ping-interval <ms>',
      'silence before a stream sends a comment, 0 for never',
      integer(0),
      15_000,
    )
    .option('--max-waiting <count>', 'how many requests may wait', integer(0), 100)
    .option('--request-timeout <ms>', 'time limit for a request, 0 for none', integer(0), 0)
    .option(
      '--stream-buffer <bytes>',
      'how much of a stream a client may leave unread',
      integer(1),
      4 * 2 ** 20,
    )
    .option(
      '--allow-host <name>',
      'a host name under which the server may be called without a key, * for any; can be repeated',
      repeatable,
    );
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
    .argument('[text]', 'the text, unless a prompt option sets it');
  addModelOption(addPromptOptions(command))
    .option('--special', 'add the special tokens that the model adds to a prompt, such as BOS')
    .option('--parse-special', 'parse the text of control tokens as control tokens')
    .addOption(new Option('--ids', 'print only the ids').conflicts('json'));
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
    .description(
      'Describe the model, its vocabulary, and the devices that the engine found on this machine.',
    );
  addModelOption(command).option('--metadata', "also list the model file's metadata");
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
    .description('Ask the model a few questions, and show the results of choose and candidates.');
  addEngineOptions(command).action(async (flags) => {
    const { demo } = await import('./commands/demo.js');
    await demo(flags, signal);
  });
}

/** For the list of commands: main.ts runs `build` before this program exists. */
function addBuild(program: Command): void {
  program
    .command('build')
    .summary('build the native addon from source')
    .description('Build the native addon from source, for this machine.')
    .argument('[options...]')
    .allowUnknownOption()
    .addHelpText('after', help.build)
    .action(async (args) => {
      const { build } = await import('./commands/build.js');
      process.exitCode = await build(args);
    });
}
