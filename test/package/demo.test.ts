// The demo and the example, run as the README describes.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';

/** The output of a program in the package. */
const node = async (path: string, ...args: string[]): Promise<string> => {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  return (await promisify(execFile)(process.execPath, [file, ...args])).stdout;
};

t.test('the demo shows all its sections, and its answers are correct', async (t) => {
  const stdout = await node('examples/demo.mjs', '--threads', '1');
  t.match(stdout, /^autocog-lm \S+ \(llama\.cpp .*\)\n.*default\.gguf: [\d,]+ parameters/);
  const winners = [...stdout.matchAll(/^│ +1 │ "(.*?)"/gm)].map((match) => match[1]);
  t.same(winners, [' Paris', ' blue', ' 7', ' negative', ' Brussels', ' Thursday']);
  t.match(stdout, /choice +│ probability │ log-prob │ tokens/, 'a table of choices');
  t.match(stdout, /^[│ ] {3}[├└]── "/m, 'a tree with nested branches');
  t.match(stdout, /token +│ +id │ probability │/, 'the top next tokens');
  t.match(stdout, /prompt │ cached │ decoded │ calls │/, 'usage');
});

t.test('the demo command and the demo example print the same', async (t) => {
  // Times differ, and so does the width of their column.
  const withoutTimes = (text: string): string =>
    text.replace(/\d+\.\d+ m?s/g, '').replace(/[─ ]+/g, ' ');
  t.equal(
    withoutTimes(await node('dist/esm/cli/main.js', 'demo', '--threads', '1')),
    withoutTimes(await node('examples/demo.mjs', '--threads', '1')),
  );
});

t.test('the example chooses Paris', async (t) => {
  t.match(await node('examples/choose.mjs'), /^The capital of France is Paris\n/);
});

t.test('the examples of automata run, and draw their trees', async (t) => {
  const run = (name: string, ...args: string[]): Promise<string> => {
    return node('dist/esm/cli/main.js', 'run', `examples/automata/${name}.json`, ...args);
  };
  const best = {
    form: 'The capital of Austria is Vienna.\nThe colour of the sky is blue.\n3 + 4 = 7',
    'two-steps':
      'Q: What is the capital of France?\nA: Paris\nQ: Is Paris the capital of France?\nA: Yes',
    reasons: 'Review: The food was terrible. Nobody should try it.\nSentiment: negative',
    dice: 'The first die shows 1, the second 2',
  };
  for (const [name, text] of Object.entries(best)) {
    t.ok((await run(name)).startsWith(`${text}\n\n`), name);
  }
  const dice = JSON.parse(await run('dice', '--json', '--random', '6'));
  t.match(dice.best.text, /^The first die shows [1-6], the second [1-6]$/);
  t.match(await run('form', '--graphviz'), /^digraph/);
});

t.test(
  'the example of two bindings streams the same text from both, until it is stopped',
  async (t) => {
    const chunks = [
      '  25% " P"',
      '  50% "aris"',
      '  75% "."',
      ' 100% " Is"',
      ' 100% ended by length',
    ];
    const prompt = 'The capital of France is';
    t.same((await node('examples/two-bindings.mjs')).trimEnd().split('\n'), [
      'default.gguf: 689280 parameters, F16',
      'llama: Loaded default',
      ...[`LlamaBinding: ${prompt}`, ...chunks, '  = Paris. Is'],
      ...[`OpenAIBinding: ${prompt}`, ...chunks, '  = Paris. Is'],
      'llama: Applied contextSize',
      'settings changed: context',
      ...['LlamaBinding: The sky is', '  25% " blue"', '  = blue'],
    ]);
  },
);
