// The interactive chat on plain streams: its input and its output. `interact-terminal.test.ts`
// tests it in a real terminal.

import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { type InteractOptions, interact, Thread, type ThreadOptions } from 'autocog-lm/chat';
import t from 'tap';
import { failure } from '../support/failures.js';
import { ScriptedLM } from '../support/scripted-lm.mjs';

const plain = {
  systemPrefix: 'S: ',
  systemSuffix: '\n',
  userPrefix: 'U: ',
  userSuffix: '\n',
  botPrefix: 'B: ',
  botSuffix: '\n',
} as const;

/** A chat that has ended. */
interface Transcript {
  thread: Thread;
  lm: ScriptedLM;
  printed: string;
}

/** Runs a chat on these lines of input. */
async function chat(
  answers: readonly (string | Error)[],
  lines: readonly string[],
  { thread: options, ...interaction }: InteractOptions & { thread?: ThreadOptions } = {},
): Promise<Transcript> {
  const lm = new ScriptedLM(answers, { contextSize: 1000 });
  const thread = new Thread(lm, { format: plain, ...options });
  const input = new PassThrough();
  const output = new PassThrough();
  const printing = textOf(output);
  input.end(lines.map((line) => `${line}\n`).join(''));
  await thread.interact({ input, output, ...interaction });
  output.end();
  return { thread, lm, printed: await printing };
}

const contents = ({ thread }: Transcript): string[] =>
  thread.messages.map(({ content }) => content);

t.test('lines are sent, answers are printed, and the end of the input ends the chat', async (t) => {
  const done = await chat([' Hello! ', 'Bye'], ['Hi', 'See you'], { header: 'Welcome' });
  t.equal(done.printed, 'Welcome\n  > Hello!\n  > Bye\n  > \n');
  t.same(contents(done), ['Hi', 'Hello!', 'See you', 'Bye']);
});

t.test('without stream, answers are printed when they are complete', async (t) => {
  const done = await chat([' Hello! '], ['Hi'], { stream: false });
  t.equal(done.printed, '  > Hello!\n  > \n');
});

t.test('a trailing backslash continues a line on the next', async (t) => {
  const done = await chat(['ok'], ['one\\', '  two\\', '', 'C:\\ three']);
  t.same(contents(done), ['one\n  two\n', 'ok', 'C:\\ three', 'ok']);
  t.match(done.printed, '  > ... ... ok\n');
});

t.test('an empty line sends nothing', async (t) => {
  const done = await chat(['ok'], ['', '   ', 'Hi', '']);
  t.same(contents(done), ['Hi', 'ok']);
});

t.test('< sets the prefix of the next answer', async (t) => {
  const done = await chat([' why not?', 'no'], ['<', 'Sure,', 'May I?', 'And now?']);
  t.same(contents(done), ['May I?', 'Sure, why not?', 'And now?', 'no']);
  t.match(done.printed, '  >   <   > Sure, why not?\n');
});

t.test('!! adds a system message', async (t) => {
  const done = await chat(['ok'], ['!!', 'Be brief', '!! Be kind', 'Hi', '!!', '']);
  t.same(
    done.thread.messages.map(({ role, content }) => [role, content]),
    [
      ['system', 'Be brief'],
      ['system', 'Be kind'],
      ['user', 'Hi'],
      ['bot', 'ok'],
    ],
  );
  t.equal(done.lm.prompts[0], 'S: Be brief\nS: Be kind\nU: Hi\nB:');
});

t.test('every command works as documented, after a separate ! or as !command', async (t) => {
  const run = async (command: string): Promise<Transcript> => {
    const answers = ['Hello', 'A new one'];
    const options = { thread: { system: 'Be brief', sampler: { temperature: 0 } } };
    const [separate, together] = [
      await chat(answers, ['Hi', '!', command], options),
      await chat(answers, ['Hi', `!${command}`], options),
    ];
    t.equal(separate.printed.replace('  >   ! ', '  > '), together.printed, command);
    t.same(separate.thread.messages, together.thread.messages, command);
    return together;
  };
  const outputOf = ({ printed }: Transcript): string =>
    printed.slice('  > Hello\n  > '.length, -'  > \n'.length);

  t.equal(outputOf(await run('reset')), 'The thread has been reset\n');
  t.same(contents(await run('reset')), ['Be brief']);
  t.same(contents(await run('restart')), ['Be brief']);
  t.equal(outputOf(await run('clear')), 'There is no screen to clear\n');
  t.equal(outputOf(await run('cls')), 'There is no screen to clear\n');
  const stats = '27 / 1000 tokens\n3% of context used\n3 messages\n';
  for (const name of ['stats', 'context', 'ctx']) t.equal(outputOf(await run(name)), stats);
  t.match(outputOf(await run('sampler')), /^maxTokens: -1\ntemperature: 0\ntopK: 40\n/);
  t.equal(outputOf(await run('string')), 'S: Be brief\nU: Hi\nB: Hello\n\n');
  const repr = await run('repr');
  t.same(JSON.parse(outputOf(repr)), JSON.parse(JSON.stringify(repr.thread)));
  t.equal(outputOf(await run('remove')), 'Removed the last bot message\n');
  t.same(contents(await run('remove')), ['Be brief', 'Hi']);
  t.equal(outputOf(await run('last')), 'bot: Hello\n');
  t.equal(outputOf(await run('summary')), 'A new one\n');
  t.same(contents(await run('summary')), ['Be brief', 'Hi', 'Hello']);
  for (const name of ['reroll', 're', 'swipe']) {
    const again = await run(name);
    t.equal(outputOf(again), 'A new one\n');
    t.same(contents(again), ['Be brief', 'Hi', 'A new one']);
  }
  t.equal(outputOf(await run('messages')), '0 system: Be brief\n1 user: Hi\n2 bot: Hello\n');
  for (const name of ['help', '?', ' HELP ']) {
    const help = outputOf(await run(name));
    for (const word of 'reset clear stats sampler string repr remove last summary reroll'.split(
      ' ',
    )) {
      t.match(help, new RegExp(`^  ${word}\\b.* {2}\\w`, 'm'));
    }
    t.match(help, /messages.*exit.*help.*\^C.*<.*!!/s);
  }
  t.equal(outputOf(await run('dance')), 'Unknown command "dance"; try !help\n');
});

t.test('exit ends the chat, even with input left', async (t) => {
  for (const name of ['exit', 'quit']) {
    const done = await chat(['Hello'], ['Hi', `!${name}`, 'never sent']);
    t.same(contents(done), ['Hi', 'Hello']);
    t.equal(done.printed, '  > Hello\n  > ');
  }
});

t.test('commands on an empty thread print something, too', async (t) => {
  const { printed } = await chat(['x'], ['!remove', '!last', '!messages', '!string']);
  const expected = ['There are no messages', 'There are no messages', '(empty)', '(empty)'];
  t.equal(printed, `${expected.map((line) => `  > ${line}\n`).join('')}  > \n`);
});

t.test('a failed turn is reported, and the chat continues without it', async (t) => {
  const done = await chat([new Error('no power'), 'back'], ['Hi', 'Hello?']);
  t.match(done.printed, /no power\n {2}> back\n/);
  t.same(contents(done), ['Hello?', 'back']);
  const long = await chat(['ok'], ['x'.repeat(2000), 'Hi']);
  t.match(long.printed, /The latest messages take \d+ tokens/);
  t.same(contents(long), ['Hi', 'ok']);
});

t.test('it reports when messages no longer fit', async (t) => {
  const { printed } = await chat(['a'.repeat(300)], ['1', '2', '3', '4']);
  t.match(printed, /a\nThe 2 oldest messages no longer fit in the context\n/);
});

t.test('a closed LM or an abort ends the chat', async (t) => {
  const lm = new ScriptedLM(['x']);
  const thread = new Thread(lm, { format: plain });
  const streams = () => ({ input: new PassThrough(), output: new PassThrough().resume() });
  const controller = new AbortController();
  const waiting = failure(thread.interact({ ...streams(), signal: controller.signal }));
  const reason = new Error('enough');
  controller.abort(reason);
  t.equal(await waiting, reason);
  t.equal(await failure(interact(thread, { signal: AbortSignal.abort(reason) })), reason);
  const slow = new Thread(new ScriptedLM(['a long answer'], { delay: 5 }), { format: plain });
  const { input, output } = streams();
  const signal = AbortSignal.timeout(30);
  input.write('Hi\n');
  t.match(await failure(slow.interact({ input, output, signal })), { name: 'TimeoutError' });
  await lm.close();
  const closed = streams();
  closed.input.end('Hi\n');
  t.match(await failure(thread.interact(closed)), { code: 'CLOSED' });
});

t.test('invalid options are rejected', async (t) => {
  const thread = new Thread(new ScriptedLM(['x']), { format: plain });
  const cases: [object, string][] = [
    [{ color: 1 }, 'Expected a boolean for color, got 1'],
    [{ header: 1 }, 'Expected a string for header, got 1'],
    [{ stream: 'no' }, 'Expected a boolean for stream, got "no"'],
    [{ input: 1 }, 'Expected a readable stream for input, got 1'],
    [{ output: {} }, 'Expected a writable stream for output, got an object'],
    [{ terminal: 1 }, 'Expected a boolean for terminal, got 1'],
    [{ colour: true }, 'Expected only color, header, stream, input, output, terminal, signal'],
  ];
  for (const [options, message] of cases) {
    t.match(await failure(thread.interact(options)), { code: 'INVALID_ARGUMENT', message });
  }
});

t.test('a chat leaves no listeners on the streams', async (t) => {
  const input = new PassThrough();
  const output = new PassThrough().resume();
  const thread = new Thread(new ScriptedLM(['x']), { format: plain });
  for (let time = 0; time < 3; time++) {
    const ended = thread.interact({ input, output });
    input.write('Hi\n!exit\n');
    await ended;
  }
  t.equal(thread.messages.length, 6, 'one stream serves several chats in turn');
  t.ok(input.listenerCount('data') <= 1 && input.listenerCount('end') <= 1);
});
