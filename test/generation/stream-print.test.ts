// streamPrint: printing a completion to a stream.

import { Writable } from 'node:stream';
import t from 'tap';
import { failure, wrongKind } from '../support/failures.js';
import { ScriptedLM } from '../support/scripted-lm.mjs';

/** A slow stream that records its input; it may fail. */
function slowly(fail?: Error) {
  const parts: string[] = [];
  let writing = 0;
  let maxPending = 0;
  const file = {
    write(text: string, done: (error?: Error) => void): boolean {
      maxPending = Math.max(maxPending, ++writing);
      setTimeout(() => {
        writing--;
        parts.push(text);
        done(fail);
      }, 3);
      return true;
    },
  };
  return { file: file as unknown as Writable, parts, maxPending: () => maxPending };
}

t.test('it prints the text and an end, and resolves with the text', async (t) => {
  const lm = new ScriptedLM(['Grüße!']);
  const { file, parts, maxPending } = slowly();
  t.equal(await lm.streamPrint('x', { file }), 'Grüße!');
  t.equal(parts.join(''), 'Grüße!\n', 'everything is written when it resolves');
  t.ok(parts.length > 4, 'piece by piece');
  t.ok(maxPending() > 1, 'it does not wait for each');
});

t.test('end, flush and the options of complete', async (t) => {
  const lm = new ScriptedLM(['one two']);
  const { file, parts, maxPending } = slowly();
  t.equal(await lm.streamPrint('x', { file, end: '', flush: true, stop: ' ' }), 'one');
  t.same(parts, ['o', 'n', 'e']);
  t.equal(maxPending(), 1, 'each write finishes before the next');
  const ended = slowly();
  await lm.streamPrint('x', { file: ended.file, end: '<end>', maxTokens: 1 });
  t.same(ended.parts, ['o', '<end>']);
});

t.test('a stream that fails ends the generation', async (t) => {
  for (const flush of [false, true]) {
    const lm = new ScriptedLM(['a text that is never completed'], { delay: 4 });
    const reason = new Error('disk full');
    const { file, parts } = slowly(reason);
    t.equal(await failure(lm.streamPrint('x', { file, flush })), reason);
    t.ok(parts.length < 10);
  }
  const destroyed = new Writable({ write: (_chunk, _encoding, done) => done() });
  destroyed.on('error', () => {});
  destroyed.destroy();
  const lm = new ScriptedLM(['x']);
  t.match(await failure(lm.streamPrint('x', { file: destroyed })), {
    code: 'ERR_STREAM_DESTROYED',
  });
});

t.test('errors of the LM and of the caller are reported', async (t) => {
  const lm = new ScriptedLM([new Error('no power')]);
  const { file } = slowly();
  t.match(await failure(lm.streamPrint('x', { file })), { code: 'RETRIES_EXHAUSTED' });
  const cases: [object | null, object][] = [
    [{ file: 1 }, wrongKind('a writable stream', 'file', '1')],
    [{ end: 1 }, wrongKind('a string', 'end', '1')],
    [{ flush: 1 }, wrongKind('a boolean', 'flush', '1')],
    [null, wrongKind('an object', 'options', 'null')],
    [
      { file, fil: 1 },
      { code: 'INVALID_ARGUMENT', message: /got "fil"$/ },
    ],
  ];
  for (const [options, expected] of cases) {
    t.match(await failure(lm.streamPrint('x', options as object)), expected);
  }
  const reason = new Error('enough');
  t.equal(await failure(lm.streamPrint('x', { file, signal: AbortSignal.abort(reason) })), reason);
});
