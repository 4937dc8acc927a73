// What automata are refused, and how messages name the action and the field.

import { Automaton } from 'autocog-lm';
import t, { type Test } from 'tap';

const text = (id: string, next?: string[], body = 'a') => ({ id, type: 'text', text: body, next });
const choose = (fields: object) => ({
  id: 'answer',
  type: 'choose',
  choices: ['x', 'y'],
  ...fields,
});
const complete = (fields: object) => ({ id: 'answer', type: 'complete', maxTokens: 4, ...fields });
const after = (action: object) => ({ actions: [text('question', ['answer']), action] });
const named = (vocabularies: object) => ({ actions: [text('question')], vocabularies });

function refused(t: Test, json: unknown, name: string, message: string | RegExp): void {
  t.throws(() => Automaton.fromJSON(json), { name, message }, String(message));
}

t.test('values that are no automaton', async (t) => {
  refused(t, null, 'TypeError', 'Expected an object for the automaton, got null');
  refused(t, [], 'TypeError', 'Expected an object for the automaton, got an array of 0');
  refused(t, '{', 'TypeError', /^Expected JSON \(.*\) for the automaton, got "\{"$/);
  refused(t, {}, 'TypeError', 'Expected an array for actions, got undefined');
  refused(
    t,
    { actions: [] },
    'RangeError',
    /^Expected at least one action, the entry, for actions/,
  );
  refused(t, { actions: [null] }, 'TypeError', 'Expected an object for actions[0], got null');
  refused(
    t,
    { actions: new Array(1) },
    'TypeError',
    'Expected an object for actions[0], got undefined',
  );
  const one = { actions: [text('a')] };
  refused(t, { ...one, queue: 1 }, 'TypeError', /the keys of the automaton, got "queue"$/);
  refused(t, { ...one, metric: 'median' }, 'TypeError', /^Expected one of 'mean', .* for metric/);
  refused(t, { ...one, boundary: 'joint' }, 'TypeError', /^Expected one of .* for boundary/);
});

t.test('ids and successors', async (t) => {
  refused(
    t,
    { actions: [{ type: 'text' }] },
    'TypeError',
    /^Expected a string for actions\[0\]\.id/,
  );
  refused(
    t,
    { actions: [text('')] },
    'RangeError',
    /^Expected a non-empty id for actions\[0\]\.id/,
  );
  const twice = { actions: [text('a', ['b']), text('b'), text('a')] };
  refused(
    t,
    twice,
    'RangeError',
    /^Expected an id that no other action has .* for actions\[2\]\.id, got "a"$/,
  );
  const unknown = 'Expected the id of an action for actions[0] \'a\'.next[0], got "b"';
  refused(t, { actions: [text('a', ['b'])] }, 'RangeError', unknown);
  refused(t, { actions: [text('a', ['__proto__'])] }, 'RangeError', /got "__proto__"$/);
  const same = { actions: [text('a', ['b', 'b']), text('b')] };
  refused(
    t,
    same,
    'RangeError',
    "Expected distinct ids for actions[0] 'a'.next, got an array of 2",
  );
  const list = { actions: [{ ...text('a'), next: 'b' }, text('b')] };
  refused(t, list, 'TypeError', 'Expected an array for actions[0] \'a\'.next, got "b"');
});

t.test('paths', async (t) => {
  const apart = { actions: [text('a'), text('b', ['b', 'c']), text('c')] };
  refused(
    t,
    apart,
    'RangeError',
    /^Expected an action that can be reached from the entry 'a' for actions\[1\] 'b'/,
  );
  const trap = { actions: [text('a', ['b', 'c']), text('b', ['b']), text('c')] };
  refused(
    t,
    trap,
    'RangeError',
    /^Expected a path to an action without successors for actions\[1\] 'b'\.next/,
  );
  const idle = { actions: [text('a', ['b'], ''), text('b', ['a', 'c'], ''), text('c')] };
  refused(t, idle, 'RangeError', /^Expected no cycle of empty texts for actions\[0\] 'a'\.next/);
});

t.test('fields of an action', async (t) => {
  const cases: [object, string, string | RegExp][] = [
    [
      choose({ width: 0 }),
      'RangeError',
      "Expected an integer of at least 1 for actions[1] 'answer'.width, got 0",
    ],
    [
      choose({ width: '2' }),
      'TypeError',
      'Expected an integer for actions[1] \'answer\'.width, got "2"',
    ],
    [choose({ width: null }), 'TypeError', /'answer'\.width, got null$/],
    [
      choose({ threshold: 1.5 }),
      'RangeError',
      /^Expected a number between 0 and 1 for .*threshold, got 1.5$/,
    ],
    [choose({ threshold: Number.NaN }), 'RangeError', /threshold, got NaN$/],
    [choose({ normalize: 'words' }), 'TypeError', /'answer'\.normalize, got "words"$/],
    [choose({ terminator: '' }), 'RangeError', /'answer'\.terminator, got ""$/],
    [choose({ widht: 1 }), 'TypeError', /for the keys of actions\[1\] 'answer', got "widht"$/],
    [
      choose({ maxTokens: 1 }),
      'TypeError',
      /for the keys of actions\[1\] 'answer', got "maxTokens"$/,
    ],
    [
      choose({ type: 'pick' }),
      'TypeError',
      /^Expected one of 'text', .* for actions\[1\] 'answer'\.type/,
    ],
    [
      choose({ choices: [] }),
      'RangeError',
      /^Expected at least one choice for .*'answer'\.choices/,
    ],
    [choose({ choices: ['a', 1] }), 'TypeError', /'answer'\.choices\[1\], got 1$/],
    [
      choose({ choices: ['a', ''] }),
      'RangeError',
      /or a terminator, for actions\[1\] 'answer'\.choices\[1\]/,
    ],
    [
      choose({ choices: ['a', 'b', 'c'], next: ['question', 'question'] }),
      'RangeError',
      /one for each of the 3 choices for actions\[1\] 'answer'\.next/,
    ],
    [complete({ maxTokens: 0 }), 'RangeError', /'answer'\.maxTokens, got 0$/],
    [complete({ maxTokens: undefined }), 'TypeError', /'answer'\.maxTokens, got undefined$/],
    [complete({ beams: 65 }), 'RangeError', /between 1 and 64 for actions\[1\] 'answer'\.beams/],
    [complete({ ahead: -1 }), 'RangeError', /between 0 and 64 for actions\[1\] 'answer'\.ahead/],
    [complete({ repetition: -0.1 }), 'RangeError', /'answer'\.repetition/],
    [complete({ diversity: Infinity }), 'RangeError', /'answer'\.diversity/],
    [
      complete({ stop: '' }),
      'RangeError',
      'Expected a non-empty text for actions[1] \'answer\'.stop, got ""',
    ],
    [complete({ stop: ['a', ''] }), 'RangeError', /'answer'\.stop\[1\], got ""$/],
    [complete({ stop: {} }), 'TypeError', /^Expected either tokens or control for .*stop/],
    [complete({ stop: { control: '' } }), 'RangeError', /stop\.control/],
    [
      complete({ stop: { tokens: 'letters' } }),
      'RangeError',
      /'answer'\.stop\.tokens, got "letters"$/,
    ],
    [{ ...text('answer'), evaluate: 1 }, 'TypeError', /'answer'\.evaluate, got 1$/],
    [{ ...text('answer'), text: 1 }, 'TypeError', /'answer'\.text, got 1$/],
  ];
  for (const [action, name, message] of cases) refused(t, after(action), name, message);
});

t.test('vocabularies', async (t) => {
  const vocabulary = (value: unknown) => after(complete({ vocabulary: value }));
  const at = /for actions\[1\] 'answer'\.vocabulary/;
  refused(t, vocabulary({}), 'TypeError', at);
  refused(t, vocabulary({ regex: 'a', ids: [1] }), 'TypeError', at);
  refused(t, vocabulary(['a']), 'TypeError', at);
  refused(t, vocabulary({ words: ['a'] }), 'TypeError', /vocabulary, got "words"$/);
  refused(
    t,
    vocabulary({ tokens: [] }),
    'RangeError',
    /at least one element for .*vocabulary\.tokens/,
  );
  refused(t, vocabulary({ tokens: [''] }), 'RangeError', /vocabulary\.tokens\[0\]/);
  refused(t, vocabulary({ ids: [-1] }), 'RangeError', /vocabulary\.ids\[0\]/);
  refused(t, vocabulary({ union: [] }), 'RangeError', /vocabulary\.union/);
  refused(
    t,
    vocabulary({ union: ['digits'] }),
    'RangeError',
    /^Expected the name of a vocabulary for .*vocabulary\.union\[0\]/,
  );
  refused(
    t,
    vocabulary({ complement: { regex: '[' } }),
    'TypeError',
    /^Expected a regular expression \(.*\) for actions\[1\] 'answer'\.vocabulary\.complement\.regex/,
  );
  refused(
    t,
    vocabulary({ regex: '(?=a)' }),
    'NotSupportedError',
    /look-ahead at character 3, in actions\[1\] 'answer'\.vocabulary\.regex$/,
  );
  let deep: unknown = { regex: 'a' };
  for (let depth = 0; depth < 10_000; depth++) deep = { complement: deep };
  refused(t, vocabulary(deep), 'RangeError', /^Expected at most 100 nested expressions/);
  refused(t, vocabulary('constructor'), 'RangeError', /vocabulary, got "constructor"$/);
  refused(t, named([]), 'TypeError', /for vocabularies/);
  refused(t, named({ '': { regex: 'a' } }), 'RangeError', /the keys of vocabularies/);
  refused(
    t,
    named({ a: 'a' }),
    'RangeError',
    /^Expected a vocabulary that does not refer to itself for vocabularies\.a/,
  );
  const circle = { a: { union: [{ regex: 'a' }, 'b'] }, b: { complement: 'c' }, c: 'a' };
  refused(
    t,
    named(circle),
    'RangeError',
    'Expected a vocabulary that does not refer to itself for vocabularies.c, got "a"',
  );
  const chain = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, index) => [
      `v${index}`,
      index === 19_999 ? { regex: 'a' } : `v${index + 1}`,
    ]),
  );
  t.doesNotThrow(() => Automaton.fromJSON(named(chain)));
  const proto = JSON.parse('{"__proto__": {"regex": "a"}}');
  t.same(Object.keys(Automaton.fromJSON(named(proto)).vocabularies), ['__proto__']);
});
