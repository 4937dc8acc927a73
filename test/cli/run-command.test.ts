// `autocog-lm run`, as a child process.

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { defaultModelPath } from 'autocog-lm';
import t from 'tap';

const main = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
// Each of these variables changes a program's output; tap passes loaders in NODE_OPTIONS.
const { CI, NO_COLOR, FORCE_COLOR, DEBUG, NODE_OPTIONS, ...plainEnv } = process.env;

function start(args: readonly string[], cwd?: string) {
  const child = spawn(process.execPath, [main, 'run', ...args], { cwd, env: plainEnv });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  child.stdin.on('error', () => {});
  const ended = new Promise<{ code: number | null } & typeof output>((resolve) => {
    child.on('close', (code) => resolve({ code, ...output }));
  });
  return { child, ended };
}

/** Runs the command with the given standard input. */
function run(args: readonly string[], input = '', cwd?: string) {
  const { child, ended } = start(args, cwd);
  child.stdin.end(input);
  return ended;
}

const model = ['--threads', '1'];
const random = ['--random', '7'];
const automaton = {
  actions: [
    { id: 'begin', type: 'text', text: 'The sky is', next: ['color'] },
    {
      ...{ id: 'color', type: 'choose', choices: [' blue', ' green', ' red'], width: 2 },
      next: ['why'],
    },
    { id: 'why', type: 'complete', maxTokens: 4, beams: 2, width: 1, vocabulary: { regex: 'a' } },
  ],
};
const loop = {
  actions: [
    { id: 'a', type: 'text', text: 'Dice:', next: ['roll'] },
    { id: 'roll', type: 'choose', choices: [' 1', ' 2', ' 3'], next: ['roll', 'roll', 'end'] },
    { id: 'end', type: 'text', text: '!' },
  ],
};
const text = JSON.stringify(automaton);

t.test('run prints the best thought, the tree with its scores, and the cost', async (t) => {
  const cwd = t.testdir({ 'form.json': text });
  const { code, stdout, stderr } = await run(['form.json', ...model], '', cwd);
  t.match({ code, stderr }, { code: 0, stderr: '' });
  t.match(stdout, /^The sky is blue.*\n\ntext +action +probability +log-prob +score +thought\n/);
  t.match(stdout, /^├── " blue" +color +\d+\.\d\d% +-\d+\.\d{4} +-\d+\.\d{4} +-\d+\.\d{4}$/m);
  t.match(stdout, /^└── " green" +color .* width$/m);
  t.match(stdout, / why .* \((eog|length)\) finished$/m);
  t.match(stdout, /^score -\d.*; 2 finished thoughts; all thoughts were followed$/m);
  t.match(stdout, /\d+ decoded in \d+ calls, /);
});

t.test('run reads stdin, and prints JSON or DOT', async (t) => {
  const { code, stdout } = await run(['-', ...model, '--json'], text);
  t.equal(code, 0);
  const result = JSON.parse(stdout);
  t.match(result, { model: defaultModelPath, end: 'exhausted', best: { score: Number } });
  t.ok(result.best.text.startsWith('The sky is blue'));
  t.equal(result.nodes[0].parent, -1);
  t.equal(result.nodes.filter(({ finished }: { finished: boolean }) => finished).length, 2);
  const dot = await run(['-', '--graphviz', ...random], text);
  t.match(dot, { code: 0, stderr: '', stdout: /^digraph ThoughtTree \{\n.*\}\n$/s });
});

t.test('a dry run needs no model, and depends on the seed alone', async (t) => {
  const scores = async (seed: string): Promise<unknown> => {
    const { stdout, stderr } = await run(['-', '--random', seed, '--json'], text);
    t.equal(stderr, '');
    const { random: given, best, nodes, model: none } = JSON.parse(stdout);
    t.match([given, none], [Number(seed), undefined]);
    return [best, nodes];
  };
  const [first, again, other] = [await scores('7'), await scores('7'), await scores('8')];
  t.same(first, again);
  t.notSame(first, other);
  const small = await run(['-', '--random', '7', '--context-size', '11'], text);
  t.match(small, { code: 1, stdout: '', stderr: /Action 'color' does not fit/ });
});

t.test('the options are those of evaluate', async (t) => {
  const of = async (...args: string[]) =>
    JSON.parse((await run(args, JSON.stringify(loop))).stdout);
  const limits: [string[], string][] = [
    [['--max-thoughts', '9'], 'maxThoughts'],
    [['--max-tokens', '9'], 'maxTokens'],
    [['--stop-after', '2'], 'stopAfter'],
    [['--metric', 'sum', '--until', 'best', '--max-thoughts', '500'], 'best'],
  ];
  for (const [args, end] of limits) {
    t.equal((await of('-', ...random, '--json', ...args)).end, end, args.join(' '));
  }
  const healed = await of('-', ...random, '--json', '--boundary', 'healed', '--max-thoughts', '9');
  t.ok(healed.nodes.some(({ replaced }: { replaced: number }) => replaced > 0));
});

t.test("--autocog reads AutoCog's automata, and writes its trees", async (t) => {
  const file = {
    actions: [
      { uid: 'p', type: 'text', text: '2+2=', successors: ['c'] },
      {
        uid: 'c',
        type: 'choose',
        choices: ['4', '5'],
        threshold: 0,
        width: 1,
        successors: ['e', 'e'],
      },
      { uid: 'e', type: 'text', text: '', successors: [] },
    ],
  };
  const input = JSON.stringify(file);
  const { code, stdout } = await run(['-', '--autocog', '--json', ...random], input);
  t.equal(code, 0);
  const tree = JSON.parse(stdout);
  t.match(tree, { action: 0, text: '2+2=', logprob: 0, pruned: false, length: 5 });
  t.match(tree.children, [
    { action: 1, pruned: false, children: [{ action: 2, tokens: [] }] },
    { action: 1, pruned: true, children: [] },
  ]);
  t.match(await run(['-', '--autocog', ...random], input), { code: 0, stdout: /^2\+2=[45]\n/ });
  t.match(await run(['-', ...random], input), { code: 2, stderr: /the keys of actions\[0\]|id/ });
});

t.test('mistakes are reported in one line, before the model loads', async (t) => {
  const cwd = t.testdir({ bad: '{', form: text, loop: JSON.stringify(loop), latin: '\u00ff' });
  const unknown = ['-m', 'no.gguf'];
  const cases: [string[], number, RegExp][] = [
    [['none.json', ...unknown], 1, /Cannot read none\.json/],
    [['bad', ...unknown], 2, /Expected JSON .* for the automaton/],
    [['latin', '--autocog', ...unknown], 2, /Expected JSON/],
    [['form', ...unknown], 1, /Cannot load no\.gguf/],
    [['form', '--metric', 'max'], 2, /Allowed choices are mean, sum, bytes/],
    [['form', '--max-thoughts', '0'], 2, /at least 1/],
    [['form', '--random', '-1'], 2, /at least 0/],
    [['form', '--random', '4294967296'], 2, /for seed/],
    [['form', '--random', '1', '-m', 'x'], 2, /cannot be used with/],
    [['form', '--random', '1', '--threads', '2'], 2, /cannot be used with/],
    [['form', '--random', '1', '--until', 'best'], 2, /for until/],
    [['form', '--json', '--graphviz'], 2, /cannot be used with/],
    [
      ['loop', ...random],
      2,
      /Expected maxThoughts, maxTokens or stopAfter, as 'roll' is in a cycle/,
    ],
    [[], 2, /missing required argument 'automaton'/],
  ];
  const results = await Promise.all(cases.map(([args]) => run(args, '', cwd)));
  for (const [index, [args, code, message]] of cases.entries()) {
    t.match(results[index], { code, stdout: '', stderr: message }, args.join(' '));
    t.match(results[index]?.stderr, /^autocog-lm: /);
  }
});

t.test('^C prints what is known so far', { skip: process.platform === 'win32' }, async (t) => {
  const interrupt = async (engine: readonly string[], delay: number) => {
    const { child, ended } = start(['-', ...engine, '--max-thoughts', '1000000', '--json']);
    child.stdin.end(JSON.stringify(loop));
    await sleep(delay);
    child.kill('SIGINT');
    return ended;
  };
  for (const engine of [model, random]) {
    // On a busy machine, a process may still be loading: then the signal ends it without an exit code.
    let result = await interrupt(engine, 2500);
    if (result.code === null) result = await interrupt(engine, 20_000);
    const { code, stdout, stderr } = result;
    t.equal(code, 130, engine.join(' '));
    t.equal(stderr, 'autocog-lm: interrupted; this is what was known so far\n');
    const { end, nodes, best } = JSON.parse(stdout);
    t.equal(end, 'abort');
    t.ok(nodes.length > 3);
    t.match(best.text, /^Dice:.*!$/);
  }
});
