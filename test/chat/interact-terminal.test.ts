// The interactive chat in a real terminal: keys, colors and ^C.

import t from 'tap';
import { keys, noTerminal, Terminal } from '../support/terminal.js';

const esc = '\u001b';
const fixture = 'test/fixtures/chat.mjs';

const start = (answers: readonly string[], options = {}, env = {}): Terminal =>
  new Terminal([process.execPath, fixture, JSON.stringify(answers), JSON.stringify(options)], env);

/** The messages that a chat ended with. */
async function messagesOf(terminal: Terminal): Promise<unknown> {
  await terminal.ended;
  const line = /messages (\[.*\])/.exec(terminal.printed)?.[1];
  return line === undefined ? terminal.printed : JSON.parse(line);
}

t.test('a chat at a terminal', { skip: noTerminal }, async (t) => {
  t.test('user, bot, notes and errors have their own colors', async (t) => {
    const terminal = start(['Hello', 'Bye'], { header: 'Welcome' });
    t.match(await terminal.until('Welcome'), `${esc}[90m`);
    t.match(await terminal.until('  > '), `${esc}[0m`);
    terminal.type(`Hi${keys.enter}`);
    await terminal.until(`${esc}[36m`);
    t.equal(await terminal.until(`${esc}[0m`), 'Hello');
    await terminal.until(`  > ${esc}[32m`);
    terminal.type(`!last${keys.enter}`);
    t.match(await terminal.until('bot: Hello'), `${esc}[33m`);
    await terminal.until('  > ');
    terminal.type(`!dance${keys.enter}`);
    t.match(await terminal.until('Unknown command'), `${esc}[91m`);
    await terminal.until('  > ');
    terminal.type(keys.end);
    t.same(await messagesOf(terminal), ['Hi', 'Hello']);
    t.equal(await terminal.ended, 0);
  });

  t.test('there are no colors when they are disabled', async (t) => {
    for (const [options, env] of [
      [{ color: false }, {}],
      [{}, { NO_COLOR: '1' }],
      [{}, { TERM: 'dumb' }],
    ]) {
      const terminal = start(['Hello'], options, env);
      await terminal.until('  > ');
      terminal.type(`Hi${keys.enter}`);
      await terminal.until('Hello');
      await terminal.until('  > ');
      terminal.type(`!exit${keys.enter}`);
      await terminal.ended;
      for (const color of [32, 36, 33, 90, 91]) t.notMatch(terminal.printed, `${esc}[${color}m`);
    }
  });

  t.test('^C during an answer stops it, and ENTER regenerates it', async (t) => {
    const long = 'one two three four five six seven eight nine ten';
    const terminal = start([long, 'Another answer']);
    await terminal.until('  > ');
    terminal.type(`Count${keys.enter}`);
    await terminal.until('two');
    terminal.type(keys.interrupt);
    t.notMatch(await terminal.until('Stopped'), 'ten');
    await terminal.until('  > ');
    terminal.type(`!messages${keys.enter}`);
    await terminal.until('1 bot: one two');
    await terminal.until('  > ');
    terminal.type(keys.enter);
    await terminal.until('Another answer');
    await terminal.until('  > ');
    terminal.type(keys.enter);
    await terminal.until('  > ');
    terminal.type(keys.end);
    t.same(
      await messagesOf(terminal),
      ['Count', 'Another answer'],
      'the second ENTER sends nothing',
    );
  });

  t.test('after ^C the user can send another message instead', async (t) => {
    const terminal = start(['one two three four five six seven', 'Yes?']);
    await terminal.until('  > ');
    terminal.type(`Count${keys.enter}`);
    await terminal.until('one two');
    terminal.type(keys.interrupt);
    await terminal.until('  > ');
    terminal.type(`Wait${keys.enter}`);
    await terminal.until('Yes?');
    await terminal.until('  > ');
    terminal.type(keys.end);
    const [first, partial, ...rest] = (await messagesOf(terminal)) as string[];
    t.equal(first, 'Count');
    t.match(partial, /^one two/);
    t.notMatch(partial, /seven/);
    t.same(rest, ['Wait', 'Yes?']);
  });

  t.test(
    '^C at the main prompt ends the chat; at any other it returns to the main prompt',
    async (t) => {
      for (const [lead, prompt] of [
        ['', ''],
        ['half a line', 'half a line'],
        [`and\\${keys.enter}`, '... '],
        [`!${keys.enter}`, '  ! '],
        [`!!${keys.enter}`, ' !! '],
        [`<${keys.enter}`, '  < '],
      ] as const) {
        const terminal = start(['x']);
        await terminal.until('  > ');
        terminal.type(lead);
        await terminal.until(prompt);
        if (/[!<]/.test(lead)) {
          terminal.type(keys.interrupt);
          await terminal.until('  > ');
        }
        terminal.type(keys.interrupt);
        t.equal(await terminal.ended, 0);
        t.same(await messagesOf(terminal), []);
      }
    },
  );

  t.test('^C stops a summary, too', async (t) => {
    const terminal = start(['Hi', 'a long summary that takes its time to be written down']);
    await terminal.until('  > ');
    terminal.type(`Hello${keys.enter}`);
    await terminal.until('Hi');
    await terminal.until('  > ');
    terminal.type(`!summary${keys.enter}`);
    await new Promise((resolve) => setTimeout(resolve, 150));
    terminal.type(keys.interrupt);
    t.match(await terminal.until('Stopped'), `${esc}[91m`);
    await terminal.until('  > ');
    terminal.type(`!clear${keys.enter}`);
    await terminal.until(`${esc}[2J${esc}[3J${esc}[H`);
    await terminal.until('  > ');
    terminal.type(keys.interrupt);
    t.same(await messagesOf(terminal), ['Hello', 'Hi']);
  });

  t.test('a model cannot send control characters to the terminal', async (t) => {
    const terminal = start([`${esc}[2Jcleared\u0007\u009b31m\tred`]);
    await terminal.until('  > ');
    terminal.type(`Hi${keys.enter}`);
    await terminal.until(`${esc}[36m`);
    t.equal(await terminal.until(`${esc}[0m`), '[2Jcleared31m\tred');
    await terminal.until('  > ');
    terminal.type(`!last${keys.enter}`);
    await terminal.until('bot: [2Jcleared31m\tred');
    terminal.type(keys.end);
    t.same(
      await messagesOf(terminal),
      ['Hi', `${esc}[2Jcleared\u0007\u009b31m\tred`],
      'the message itself is unchanged',
    );
  });

  t.test('lines can be edited, and recalled from the history', async (t) => {
    const terminal = start(['ok']);
    await terminal.until('  > ');
    terminal.type(`Helo\u0008lo Zürich 🏔${keys.enter}`);
    await terminal.until('ok');
    await terminal.until('  > ');
    terminal.type(`${keys.up}${keys.enter}`);
    await terminal.until('ok');
    await terminal.until('  > ');
    terminal.type(keys.end);
    t.same(await messagesOf(terminal), ['Hello Zürich 🏔', 'ok', 'Hello Zürich 🏔', 'ok']);
  });

  t.test('a line typed during an answer is sent next', async (t) => {
    const terminal = start(['one two three', 'second']);
    await terminal.until('  > ');
    terminal.type(`a${keys.enter}`);
    await terminal.until('one');
    terminal.type(`b${keys.enter}`);
    await terminal.until('second');
    await terminal.until('  > ');
    terminal.type(keys.end);
    t.same(await messagesOf(terminal), ['a', 'one two three', 'b', 'second']);
  });
});
