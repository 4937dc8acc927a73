// The `autocog-lm` command, run as a child process: its output and its exit codes.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { defaultModelPath } from 'autocog-lm';
import t from 'tap';

const main = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
const prompt = 'The capital of France is';
const cities = [' London', ' Paris', ' Berlin'];
const esc = '\u001b';

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

// Each of these variables changes a program's output; tests set them explicitly where needed.
// With CI set, for instance, Node reports that no terminal has colors.
const { CI, NO_COLOR, FORCE_COLOR, DEBUG, NODE_OPTIONS, ...plainEnv } = process.env;

function start(args: readonly string[], cwd?: string) {
  const child = spawn(process.execPath, [main, ...args], { cwd, env: plainEnv });
  const ended = new Promise<Ended>((resolve) => {
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    child.on('close', (code) => resolve({ code, ...output }));
  });
  // A command that does not read its input may exit before the write.
  child.stdin.on('error', () => {});
  return { child, ended };
}

/** Runs a command with the given standard input. */
function cli(args: readonly string[], { input = '', cwd }: { input?: string; cwd?: string } = {}) {
  const { child, ended } = start(args, cwd);
  child.stdin.end(input);
  return ended;
}

/** Runs a command that loads a model, with one thread. */
const run = ([command = '', ...args]: string[], options?: { input?: string; cwd?: string }) =>
  cli([command, '--threads', '1', ...args], options);

t.test('choose prints a table, best first, and the cost', async (t) => {
  const { code, stdout, stderr } = await run(['choose', '-p', prompt, ...cities]);
  t.equal(code, 0);
  t.equal(stderr, '');
  t.match(stdout, /rank.*choice.*probability.*log-prob.*tokens/);
  const ranks = [...stdout.matchAll(/│ +(\d) │ (" \w+")/g)].map((match) => match[1]);
  t.same(ranks, ['1', '2', '3']);
  t.match(stdout, /│ +1 │ " Paris" +│ +[<>]?\d+\.\d\d% │ +-\d+\.\d{4} │ " P.*" +│/);
  t.match(stdout, /" Paris" leads by \d/);
  t.match(stdout, /\d+ prompt tokens \(0 cached\), \d+ decoded in \d calls?, /);
  t.notMatch(stdout, esc);
});

t.test('choose --json prints the complete result and nothing else', async (t) => {
  const { code, stdout, stderr } = await run(['choose', '-p', prompt, '--json', ...cities]);
  t.equal(code, 0);
  t.equal(stderr, '');
  t.equal(stdout.indexOf('\n'), stdout.length - 1, 'one line');
  const result = JSON.parse(stdout);
  t.match(result, { model: defaultModelPath, prompt, index: 1, text: ' Paris' });
  t.match(result, { boundary: { kind: 'separate' }, usage: { cachedTokens: 0 } });
  t.equal(result.choices.length, 3);
  for (const { tokens, logprobs, logprob } of result.choices) {
    t.ok(Array.isArray(tokens) && Array.isArray(logprobs), 'typed arrays are arrays');
    const sum = logprobs.reduce((total: number, value: number) => total + value, 0);
    t.ok(Math.abs(sum - logprob) < 1e-9);
  }
  t.equal(result.tree.nodes.length, result.tree.size + 1);
  t.ok(result.mass > 0 && result.mass < 1);
});

t.test('non-finite numbers are null in JSON', async (t) => {
  const { stdout } = await run(['choose', '-p', prompt, '--json', ' Paris']);
  t.equal(JSON.parse(stdout).margin, null);
});

t.test('choose receives its options', async (t) => {
  const options = ['--normalize', 'bytes', '--terminator', 'eog', '--batching', 'sequential'];
  const { stdout } = await run(['choose', '-p', prompt, '--json', ...options, ...cities]);
  const [london] = JSON.parse(stdout).choices;
  t.ok(Math.abs(london.score - london.logprob / ' London'.length) < 1e-9);
  t.type(london.endLogprob, 'number');
  const joint = ['--boundary', 'joint', '--normalize', 'tokens'];
  const shown = await run(['choose', '-p', `${prompt} `, ...joint, 'Paris', 'London']);
  t.match(shown.stdout, /log-prob │ +score │/);
  t.match(shown.stdout, 'Tokenized differently after this prompt than alone: "Paris", "London"');
});

t.test('choose displays priors, searches, details and healed prompts', async (t) => {
  const search = ['--search', 'bound', '--top', '1', '--prior', '', '--details', '--tree'];
  const long = [...cities.map((city) => `${city} is the`), ' Rome'];
  const json = await run(['choose', '-p', prompt, '--json', ...search.slice(0, -1), ...long]);
  const result = JSON.parse(json.stdout);
  t.match(result, { search: 'bound', index: 3 });
  const open = result.choices.filter(({ exact }: { exact: boolean }) => !exact);
  t.ok(open.length > 0 && open.length < 4);
  t.ok(open.every(({ logprobs }: { logprobs: unknown[] }) => logprobs.includes(null)));
  t.type(result.choices[3].priorLogprob, 'number');
  t.equal(result.choices[3].ranks.length, result.choices[3].tokens.length);
  const { stdout, stderr } = await run(['choose', '-p', prompt, ...search, ...long]);
  t.equal(stderr, '');
  t.match(stdout, /probability │ +log-prob │ +prior │ +score │ ranks +│ tokens/);
  t.match(
    stdout,
    /│ +≤?[<>]?\d+\.\d\d% │ +≤ -\d+\.\d{4} │ +-\d+\.\d{4} │ +≤ -?\d+\.\d{4} │ [\d ]+\? +│/,
  );
  t.match(stdout, /token +id +probability +log-prob +sum +rank +top token +choice\n/);
  t.match(stdout, /" the" +\d+ +\?/, 'tokens that were not evaluated have no values');
  t.match(stdout, /" Rome" leads by at least \d/);
  t.match(
    stdout,
    /[123] choices? not fully evaluated, with upper bounds \(≤\) as values; (rank 1|ranks 1 to \d) (is|are) certain/,
  );
  const cutPrompt = ['choose', '-p', 'The capital of Fra', 'nce', 'gile'];
  const healed = await run([...cutPrompt, '--boundary', 'healed']);
  t.match(
    healed.stdout,
    /Healing moved ".+" from the prompt into the choices\nTokenized differently after this prompt than alone: "nce"/,
  );
  t.match(
    (await run([...cutPrompt, '--merges'])).stdout,
    'Tokenized differently after this prompt than alone: "nce"',
  );
});

t.test('choose --tree draws the token tree, and --dot prints it for Graphviz', async (t) => {
  const choices = [' Paris', ' Pa', ' London'];
  const drawn = await run(['choose', '-p', prompt, '--tree', ...choices]);
  t.match(drawn.stdout, /[├└]── " \w+" +\d+ +[<>]?\d+\.\d\d% +-\d+\.\d{4} +-\d+\.\d{4}/);
  const { code, stdout } = await run(['choose', '-p', prompt, '--dot', ...choices]);
  t.equal(code, 0);
  t.match(stdout, /^digraph .*\n}\n$/s);
});

t.test('choices are used exactly as typed', async (t) => {
  const { stdout } = await run(['choose', '-p', 'x', '--json', ' a ', 'é\n', '--', '-1', '--json']);
  t.same(
    JSON.parse(stdout).choices.map(({ text }: { text: string }) => text),
    [' a ', 'é\n', '-1', '--json'],
  );
});

t.test(
  'prompts come from a flag, a file or standard input, without one trailing newline',
  async (t) => {
    const cwd = t.testdir({ unix: 'Où est Zürich? 🏔\n\n', windows: 'C\r\n', open: 'C' });
    const promptOf = async (args: string[], input = ''): Promise<string> => {
      const { stdout } = await run(['choose', '--json', ...args, ' a'], { cwd, input });
      return JSON.parse(stdout).prompt;
    };
    t.equal(await promptOf(['-p', 'é\n']), 'é\n', 'a flag is used as is');
    t.equal(await promptOf(['--prompt-file', 'unix']), 'Où est Zürich? 🏔\n');
    t.equal(await promptOf(['--prompt-file', 'windows']), 'C');
    t.equal(await promptOf(['--prompt-file', 'open']), 'C');
    t.equal(await promptOf(['--prompt-file', '-'], ' 日本\n'), ' 日本');
    t.equal(await promptOf([], 'The sky is\n'), 'The sky is');
    t.equal(await promptOf(['--prompt-file', '-'], ''), '', 'empty if stdin is named explicitly');
  },
);

t.test('choices come from the lines of a file or of standard input', async (t) => {
  const cwd = t.testdir({ unix: ' Paris\n Rome \n', windows: ' Paris\r\n Rome \r\n' });
  const textsOf = async (path: string, input?: string): Promise<string[]> => {
    const args = ['choose', '-p', prompt, '--json', '--choices-file', path];
    const { stdout } = await run(args, { cwd, input });
    return JSON.parse(stdout).choices.map(({ text }: { text: string }) => text);
  };
  for (const path of ['unix', 'windows']) t.same(await textsOf(path), [' Paris', ' Rome ']);
  t.same(await textsOf('-', ' Oslo'), [' Oslo']);
});

t.test('candidates lists the most likely next tokens', async (t) => {
  const { code, stdout } = await run(['candidates', '-k', '3'], { input: `${prompt}\n` });
  t.equal(code, 0);
  t.match(stdout, /rank.*token.*id.*probability.*log-prob/);
  t.equal(stdout.match(/^│ +\d/gm)?.length, 3);
  const json = await run(['candidates', '-p', prompt, '--json']);
  const { candidates } = JSON.parse(json.stdout);
  t.equal(candidates.length, 10);
  t.ok(candidates[0].logprob >= candidates[9].logprob);
});

t.test('tokenize shows ids, texts and bytes', async (t) => {
  const { code, stdout } = await cli(['tokenize', 'Zürich']);
  t.equal(code, 0);
  t.match(stdout, /position.*id.*token.*bytes/);
  t.match(stdout, /"Z" +│ 5a/);
  const json = await cli(['tokenize', '--json', '-p', 'Zürich']);
  const { text, tokens } = JSON.parse(json.stdout);
  t.equal(text, 'Zürich');
  const bytes = tokens.flatMap((token: { bytes: number[] }) => token.bytes);
  t.equal(Buffer.from(bytes).toString(), 'Zürich');
  const ids = await cli(['tokenize', '--ids'], { input: 'Zürich\n' });
  t.equal(ids.stdout, `${tokens.map(({ id }: { id: number }) => id).join(' ')}\n`);
  const special = await cli(['tokenize', '--ids', '--special', 'Zürich']);
  t.match(special.stdout, new RegExp(`^\\d+ ${ids.stdout}$`), 'one token is prepended');
});

t.test('info describes the model, the vocabulary and the engine', async (t) => {
  const { code, stdout } = await cli(['info']);
  t.equal(code, 0);
  for (const part of ['Model', 'architecture  ', 'Vocabulary', 'Engine', 'llama.cpp  ', 'CPU']) {
    t.match(stdout, part);
  }
  t.notMatch(stdout, 'general.architecture');
  t.match((await cli(['info', '--metadata'])).stdout, /general\.architecture +"llama"/);
  const json = JSON.parse((await cli(['info', '--json', '--metadata'])).stdout);
  t.match(json, { info: { path: defaultModelPath }, metadata: { 'general.type': 'model' } });
  t.ok(json.vocab.size > 0 && json.backends.devices.length > 0);
  t.ok(Array.isArray(json.vocab.endOfGeneration));
});

t.test('--version names the package and the engine; --help goes to standard output', async (t) => {
  const version = await cli(['--version']);
  t.match(version, { code: 0, stderr: '' });
  t.match(version.stdout, /^autocog-lm \d+\.\d+\.\d+\S* \(llama\.cpp \S+\)\n$/);
  for (const args of [['--help'], ['choose', '--help'], ['help', 'info']]) {
    const help = await cli(args);
    t.match(help, { code: 0, stderr: '' });
    t.match(help.stdout, /^Usage: autocog-lm .*Examples:\n {2}\$ /s);
  }
});

t.test('invalid usage is reported in one line and exits with 2', async (t) => {
  const cwd = t.testdir({ empty: '' });
  const cases: [string[], string][] = [
    [['chose'], "unknown command 'chose'"],
    [['choose', '--nope'], "unknown option '--nope'"],
    [['choose', '-p', 'x'], 'No choices'],
    [['choose', '-p', 'x', '--choices-file', 'empty'], 'No choices'],
    [['choose', '-p', 'x', ''], 'at least one token'],
    [['choose', 'a'], 'No prompt: standard input is empty'],
    [['choose', '-p', 'x', 'a', '--normalize', 'words'], 'Allowed choices are none, tokens'],
    [['choose', '-p', 'x', 'a', '--threads', '0'], 'Expected an integer of at least 1'],
    [['choose', '-p', 'x', 'a', '--context-size', '1'], 'for contextSize'],
    [['choose', '-p', 'x', 'a', '--gpu-layers', 'some'], 'gpu-layers'],
    [['choose', '-p', 'x', 'a', '--terminator', ''], 'for terminator'],
    [['choose', '-p', 'x', 'a', '--top', '0'], 'Expected an integer of at least 1'],
    [['choose', '-p', 'x', 'a', '--tolerance', 'small'], 'Expected a number'],
    [['choose', '-p', 'x', 'a', '--tolerance', '1'], 'for tolerance'],
    [['choose', '-p', 'x', 'a', '--search', 'bound', '--batching', 'sequential'], 'for search'],
    [['choose', '-p', 'x', 'a', '--json', '--dot'], 'cannot be used with'],
    [['choose', '-p', 'x', '--prompt-file', 'y', 'a'], 'cannot be used with'],
    [['choose', '-p', 'x', '--choices-file', 'y', 'a'], 'not both'],
    [['choose', '--choices-file', '-'], 'cannot both be read from standard input'],
    [['candidates', '-p', 'x', '-k', 'many'], 'Expected an integer'],
    [['tokenize', 'a', '-p', 'b'], 'not both'],
    [['tokenize', 'a', 'b'], 'too many arguments'],
  ];
  const results = await Promise.all(cases.map(([args]) => cli(args, { cwd })));
  for (const [index, [args, message]] of cases.entries()) {
    t.match(results[index], { code: 2, stdout: '' }, args.join(' '));
    t.match(results[index]?.stderr, new RegExp(`^autocog-lm: .*${message}`), args.join(' '));
  }
  const bare = await cli([]);
  t.match(bare, { code: 2, stdout: '' });
  t.match(bare.stderr, /^Usage: autocog-lm/);
});

t.test('a failure is reported in one line and exits with 1', async (t) => {
  const cwd = t.testdir({ 'not.gguf': 'hello', latin1: Buffer.from('caf\u00e9', 'latin1') });
  const cases: [string[], RegExp][] = [
    [['info', '-m', 'no.gguf'], /Cannot load no\.gguf: no such file$/],
    [['tokenize', 'a', '-m', 'not.gguf'], /Cannot load not\.gguf: it is not a GGUF file$/],
    [['choose', '--prompt-file', 'none', 'a'], /Cannot read none \(ENOENT: .*\)$/],
    [['choose', '--prompt-file', 'latin1', 'a'], /Cannot read latin1: it is not valid UTF-8$/],
    [['choose', '-p', prompt, 'a', '--context-size', '5'], /prompt of \d+ tokens .* context of 5$/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await cli(args, { cwd });
    t.match({ code, stdout }, { code: 1, stdout: '' }, args.join(' '));
    t.match(stderr, /^autocog-lm: .*\n$/, 'one line');
    t.match(stderr.trimEnd(), message);
  }
  const { code, stderr } = await cli(['info', '-m', 'no.gguf', '--verbose'], { cwd });
  t.equal(code, 1);
  t.match(stderr, /ModelLoadError: .*\n +at .*caused by: /s, '--verbose prints stacks and causes');
});

t.test('a closed pipe is not a failure', async (t) => {
  const { child, ended } = start(['candidates', '-p', prompt, '-k', '9999', '--json']);
  child.stdout.destroy();
  t.match(await ended, { code: 0, stderr: '' });
});

t.test('SIGINT exits with 130', { skip: process.platform === 'win32' }, async (t) => {
  t.test('during scoring', async (t) => {
    const args = ['choose', '-p', prompt, '--choices-file', '-', '--batching', 'sequential'];
    const { child, ended } = start([...args, '--threads', '1']);
    const choices = Array.from({ length: 30_000 }, (_, index) => ` ${index} and some more words`);
    // More than a pipe buffers: once everything is written, the command is reading.
    await new Promise<void>((resolve) => child.stdin.end(choices.join('\n'), resolve));
    await sleep(2000);
    child.kill('SIGINT');
    t.match(await ended, { code: 130, stdout: '', stderr: '' });
  });
  t.test('while reading the prompt', async (t) => {
    const { child, ended } = start(['candidates']);
    await new Promise<void>((resolve) => child.stdin.write('x'.repeat(2 ** 20), () => resolve()));
    child.kill('SIGINT');
    t.match(await ended, { code: 130, stdout: '', stderr: '' });
  });
});

// `script` of util-linux runs a command in a pseudo-terminal.
const script = '/usr/bin/script';
const skip = process.platform !== 'linux' || !existsSync(script);

t.test('a terminal gets colors and a progress bar', { skip }, async (t) => {
  const inTerminal = (args: readonly string[], env = {}): Promise<Ended> => {
    const words = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ');
    const child = spawn(script, ['-qec', words, '/dev/null'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...plainEnv, TERM: 'xterm-256color', ...env },
    });
    return new Promise((resolve) => {
      let stdout = '';
      child.stdout.on('data', (bytes) => {
        stdout += bytes;
      });
      child.on('close', (code) => resolve({ code, stdout, stderr: '' }));
    });
  };
  const { code, stdout } = await inTerminal(['choose', '-p', prompt, ...cities]);
  t.equal(code, 0);
  t.match(stdout, 'Loading default.gguf');
  t.match(stdout, `${esc}[32m" Paris"`);
  const plain = await inTerminal(['choose', '-p', prompt, ...cities], { NO_COLOR: '1' });
  t.match(plain.stdout, '" Paris"');
  t.notMatch(plain.stdout, `${esc}[3`, 'NO_COLOR is respected');
  const waiting = await inTerminal(['candidates']);
  t.match(waiting, { code: 2, stdout: 'No prompt' });
});

t.test('the default model is found from any working directory', async (t) => {
  const { stdout } = await cli(['info', '--json'], { cwd: t.testdir() });
  t.equal(JSON.parse(stdout).info.path, join(defaultModelPath));
});
