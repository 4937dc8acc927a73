// `autocog-lm decide`, run as a child process: its tables, its JSON and its exit codes.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const main = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
const folder = t.testdir({
  'state.txt': 'The soup was cold.\n',
  'talk.json': JSON.stringify([{ role: 'user', content: 'The soup was cold.' }]),
  'broken.json': '{',
  'none.json': '{}',
  'twice.json': '{"tone":{"type":"boolean","instructions":"Is it?"},"tone":{}}',
  'questions.json': JSON.stringify([
    ['10', { type: 'choice', instructions: 'Which?', criteria: ['warm', 'cold\u001b[31m'] }],
    ['2', { type: 'score', criteria: ['bad', 'fair', 'good'] }],
    ['sure', { type: 'boolean', instructions: 'Was it cold?' }],
  ]),
  'calibration.json': JSON.stringify({
    version: 1,
    method: 'text',
    types: { boolean: { temperature: 3 } },
    questions: {},
  }),
});

function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const all = [main, 'decide', '--threads', '1', ...args];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, all, { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
    child.stdin?.end('The soup was cold.');
  });
}

t.test('it prints a table with bars per question, in order', async (t) => {
  const { code, stdout, stderr } = await run([
    '--state',
    'state.txt',
    '--questions',
    'questions.json',
  ]);
  t.equal(code, 0, stderr);
  t.match(stdout, /^"10": .*confidence \d\.\d\d, mass [\d.<]+%/);
  t.ok(
    stdout.indexOf('"10"') < stdout.indexOf('"2"') &&
      stdout.indexOf('"2"') < stdout.indexOf('"sure"'),
  );
  t.match(stdout, /"fair" .*[\d.]+% +-\d/);
  t.match(stdout, /% yes/);
  t.match(stdout, /█/);
  t.notMatch(stdout, '\u001b', 'no escape sequences of names');
});

t.test(
  'it prints JSON, from standard input, JSON states, with labels and calibrations',
  async (t) => {
    const questions = ['--questions', 'questions.json', '--json'];
    const plain = JSON.parse((await run(questions)).stdout);
    t.same(plain.names, ['10', '2', 'sure']);
    t.equal(Object.values(plain.answers['2'].probabilities as number[]).length, 3);
    const talk = JSON.parse((await run([...questions, '--state', 'talk.json'])).stdout);
    t.equal(talk.answers.sure.probability, plain.answers.sure.probability);
    const labels = [...questions, '--method', 'labels', '--orders', '2', '--prior'];
    const listed = JSON.parse((await run(labels)).stdout);
    t.equal(listed.answers['10'].orders.length, 2);
    t.type(listed.answers['10'].options[0].priorLogprob, 'number');
    const scaled = JSON.parse(
      (await run([...questions, '--calibration', 'calibration.json'])).stdout,
    );
    t.same(scaled.answers.sure.scale, { temperature: 3 });
  },
);

const wrong: [args: string[], code: number, message: RegExp][] = [
  [[], 2, /required option '--questions/],
  [['--questions', 'broken.json'], 2, /not valid JSON/],
  [['--questions', 'none.json'], 2, /at least one question/],
  [['--questions', 'twice.json'], 2, /have tone twice/],
  [['--questions', 'nowhere.json'], 1, /Cannot read nowhere\.json/],
  [['--questions', '-'], 2, /cannot both be read/],
  [['--questions', 'questions.json', '--orders', '2'], 2, /requires --method labels/],
  [['--questions', 'questions.json', '--orders', 'all'], 2, /'balanced'/],
  [['--questions', 'questions.json', '--state', 'broken.json'], 2, /not valid JSON/],
  [['--questions', 'questions.json', '--calibration', 'none.json'], 2, /calibration\.version/],
  [['--questions', 'questions.json', '--context-size', '8'], 1, /exceed the context/],
];

for (const [args, code, message] of wrong) {
  t.test(`${args.join(' ') || 'no options'}: exit code ${code}`, async (t) => {
    const ended = await run(args);
    t.equal(ended.code, code);
    t.match(ended.stderr, message);
    t.equal(ended.stdout, '');
  });
}

t.test('its help has examples', async (t) => {
  const { code, stdout } = await run(['--help']);
  t.equal(code, 0);
  t.match(stdout, 'autocog-lm decide --state letter.txt');
});
