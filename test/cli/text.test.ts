// The commands that generate text, `complete` and `chat`, run as child processes.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { defaultModelPath } from 'autocog-lm';
import t from 'tap';
import { keys, noTerminal, Terminal } from '../support/terminal.js';

const main = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
// Each of these variables changes a program's output; tap passes loaders in NODE_OPTIONS.
const { CI, NO_COLOR, FORCE_COLOR, DEBUG, NODE_OPTIONS, ...plainEnv } = process.env;

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command with one thread. */
function run([command = '', ...args]: string[], input = '', cwd?: string): Promise<Ended> {
  const words = [main, command, '--threads', '1', ...args];
  const child = spawn(process.execPath, words, { cwd, env: plainEnv });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...output })));
}

t.test('complete continues a prompt from an argument, a flag or stdin', async (t) => {
  const prompt = 'The capital of France is';
  const expected = { code: 0, stdout: ' Paris\n', stderr: '' };
  t.same(await run(['complete', prompt, '--stop', '.']), expected);
  t.same(await run(['complete', '-p', prompt, '--stop', 'x', '--stop', '.']), expected);
  t.same(await run(['complete', '--stop', '.'], `${prompt}\n`), expected);
});

t.test('complete --json prints the complete result', async (t) => {
  const { stdout } = await run(['complete', '--json', '--max-tokens', '2', 'The sky is']);
  const result = JSON.parse(stdout);
  t.match(result, { model: defaultModelPath, prompt: 'The sky is', stopReason: 'length' });
  t.equal(result.tokens.length, 2);
  t.equal(result.logprobs.length, 2);
  t.type(result.performance.tokensPerSecond, 'number');
});

t.test('complete follows a grammar and a schema', async (t) => {
  const cwd = t.testdir({
    'word.gbnf': 'root ::= " green" | " grey"',
    'schema.json': '{ "enum": ["red"] }',
    'bad.gbnf': 'root ::= (',
    'bad.json': '{',
  });
  const complete = (...args: string[]) => run(['complete', '-p', 'The sky is', ...args], '', cwd);
  t.match((await complete('--grammar-file', 'word.gbnf')).stdout, /^ gr(een|ey)\n$/);
  t.equal((await complete('--json-schema-file', 'schema.json')).stdout, '"red"\n');
  const both = await complete('--grammar-file', 'word.gbnf', '--json-schema-file', 'schema.json');
  t.match(both, { code: 2, stdout: '', stderr: /cannot be used with/ });
  t.match(await complete('--grammar-file', 'bad.gbnf'), { code: 2, stdout: '' });
  t.match(await complete('--json-schema-file', 'bad.json'), {
    code: 1,
    stderr: /^autocog-lm: The schema is not valid JSON \(.*\)\n$/,
  });
});

t.test('complete applies the sampling options', async (t) => {
  const sample = async (...args: string[]): Promise<string> =>
    (await run(['complete', '--max-tokens', '12', ...args, 'My'])).stdout;
  const hot = ['--temperature', '2', '--top-k', '0', '--top-p', '1', '--min-p', '0'];
  const [first, again, other] = [
    await sample(...hot, '--seed', '1'),
    await sample(...hot, '--seed', '1'),
    await sample(...hot, '--seed', '2'),
  ];
  t.equal(first, again);
  t.not(first, other);
  t.equal(await sample('--temperature', '0'), await sample());
  t.equal(await sample(...hot, '--top-k', '1', '--seed', '3'), await sample());
});

t.test('invalid usage exits with 2', async (t) => {
  const cases: [string[], RegExp][] = [
    [['complete', 'a', '-p', 'b'], /Pass the prompt as an argument or with a flag, not both/],
    [['complete', 'a', '--temperature', 'hot'], /Expected a number/],
    [['complete', 'a', '--temperature', '-1'], /Expected .* for temperature, got -1/],
    [['complete', 'a', '--max-tokens', '0'], /at least 1/],
    [['chat', '--format', 'vikuna'], /Expected the name of a known format for format/],
    [['chat', '--format', 'chatml', '--template-file', 'x'], /cannot be used with/],
  ];
  for (const [args, message] of cases) {
    t.match(await run(args), { code: 2, stdout: '', stderr: message }, args.join(' '));
  }
});

t.test('chat works over pipes', async (t) => {
  const options = ['--temperature', '0', '--system', 'Answer with one word.'];
  const input = 'What is the capital of France?\n!stats\n!messages\n';
  const { code, stdout, stderr } = await run(['chat', ...options], input);
  t.match({ code, stderr }, { code: 0, stderr: '' });
  t.match(
    stdout,
    /^Chatting with default\.gguf\. .*\n {2}> Paris\n {2}> \d+ \/ 512 tokens\n\d% of context used\n3 messages\n {2}> 0 system: Answer with one word\.\n1 user: What.*\n2 bot: Paris\n {2}> \n$/,
  );
  const whole = await run(['chat', '--no-stream', '--no-header', ...options], input);
  t.match(whole.stdout, /^ {2}> Paris\n/);
});

t.test('chat accepts a system message, a template and a format', async (t) => {
  const cwd = t.testdir({
    system: 'Answer with one word.\n',
    'template.jinja': '{% for m in messages %}[{{ m.content }}]{% endfor %}',
  });
  const chat = async (...args: string[]): Promise<string> =>
    (
      await run(
        ['chat', '--no-header', '--max-tokens', '1', ...args],
        'Hi\n!remove\n!string\n',
        cwd,
      )
    ).stdout;
  t.match(await chat('--system-file', 'system'), 'system\nAnswer with one word.<|im_end|>');
  t.match(await chat('--template-file', 'template.jinja'), '  > [Hi]\n');
  t.match(await chat('--format', 'vicuna_common', '--system', ''), '  > USER: Hi\n');
});

t.test('chat in a terminal', { skip: noTerminal }, async (t) => {
  const terminal = new Terminal([
    process.execPath,
    main,
    'chat',
    '--threads',
    '1',
    '--temperature',
    '0',
  ]);
  await terminal.until('Chatting with default.gguf');
  await terminal.until('  > ');
  terminal.type(`What is the capital of France?${keys.enter}`);
  await terminal.until('\u001b[36mParis\u001b[0m');
  await terminal.until('  > ');
  terminal.type(keys.interrupt);
  t.equal(await terminal.ended, 0);
});
