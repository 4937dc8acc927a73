// AutoCog's files of automata: read, and written back equal.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type Action, Automaton, AutomatonBuilder } from 'autocog-lm';
import t from 'tap';

/** A file of every kind of action, vocabulary and extra field, in AutoCog's form. */
const file = {
  metadata: { format: 'fta', model_id: 'rng' },
  provenance: { sta: '0'.repeat(64) },
  queue: { metric: ['deepest', 'perplexity'], stop: { ge: ['terminals', 1] } },
  actions: [
    { uid: 'prompt', type: 'text', text: 'Say: ', evaluate: false, successors: ['pick'] },
    {
      uid: 'pick',
      type: 'choose',
      field: 2,
      indices: [0, 1],
      threshold: 0.1,
      width: 2,
      choices: ['a', 'b'],
      successors: ['gen', 'more'],
    },
    {
      uid: 'gen',
      type: 'complete',
      field: 3,
      indices: [],
      length: 3,
      beams: 2,
      ahead: 1,
      width: 1,
      threshold: 0.5,
      vocab: 'vocab_word',
      stop: 'vocab_stop',
      repetition: 0.5,
      diversity: 0.25,
      successors: ['end'],
    },
    { uid: 'more', type: 'complete', length: 5, stop_text: '<|eot_id|>', successors: ['last'] },
    {
      uid: 'last',
      type: 'complete',
      length: 5,
      stop_text: '',
      vocab: 'vocab_ab',
      successors: ['end'],
    },
    { uid: 'end', type: 'text', text: '', field: 4, successors: [] },
  ],
  vocabs: {
    vocab_word: {
      kind: 'diff',
      operands: [
        {
          kind: 'union',
          operands: [
            { kind: 'regex', strings: ['^[a-z]+$'] },
            { kind: 'tokenize', strings: ['1', '2'] },
          ],
        },
        { kind: 'complement', operands: [{ kind: 'regex', strings: ['[a-m]'] }] },
      ],
    },
    vocab_ab: {
      kind: 'intersect',
      operands: [
        { kind: 'regex', strings: ['a'] },
        { kind: 'regex', strings: ['b'] },
      ],
    },
    vocab_stop: { kind: 'tokenize', strings: ['<|eot_id|>', '\n'] },
  },
};

t.test('a file of AutoCog is read', async (t) => {
  const automaton = Automaton.fromAutoCog(file);
  t.same(automaton.actions, [
    { id: 'prompt', type: 'text', text: 'Say: ', evaluate: false, next: ['pick'] },
    {
      id: 'pick',
      type: 'choose',
      choices: ['a', 'b'],
      width: 2,
      threshold: 0.1,
      normalize: 'tokens',
      next: ['gen', 'more'],
    },
    {
      id: 'gen',
      type: 'complete',
      maxTokens: 3,
      beams: 2,
      ahead: 1,
      width: 1,
      threshold: 0.5,
      normalize: 'tokens',
      // AutoCog parses control tokens in the texts of its sets.
      stop: [{ control: '<|eot_id|>' }, { tokens: { tokens: ['\n'] } }],
      vocabulary: 'vocab_word',
      repetition: 0.5,
      diversity: 0.25,
      next: ['end'],
    },
    {
      id: 'more',
      type: 'complete',
      maxTokens: 5,
      normalize: 'tokens',
      stop: [{ control: '<|eot_id|>' }],
      next: ['last'],
    },
    {
      id: 'last',
      type: 'complete',
      maxTokens: 5,
      normalize: 'tokens',
      vocabulary: 'vocab_ab',
      next: ['end'],
    },
    { id: 'end', type: 'text', text: '', next: [] },
  ]);
  t.same(automaton.vocabularies.vocab_word, {
    difference: [
      { union: [{ regex: '^[a-z]+$' }, { tokens: ['1', '2'] }] },
      { complement: { regex: '[a-m]' } },
    ],
  });
  t.same(Automaton.fromAutoCog({ ...file, queue: undefined, queue_metric: 'sum' }).metric, 'sum');
});

t.test('what was read is written back equal', async (t) => {
  const original = structuredClone(file);
  const automaton = Automaton.fromAutoCog(file);
  t.strictSame(automaton.toAutoCog(), original);
  t.equal(JSON.stringify(automaton.toAutoCog()), JSON.stringify(original), 'in the same order');
  t.strictSame(Automaton.fromAutoCog(JSON.stringify(file)).toAutoCog(), original);
  const proto =
    '{"actions":[{"uid":"a","type":"text","text":""}],"vocabs":{"__proto__":{"kind":"regex","strings":["a"]}}}';
  t.equal(JSON.stringify(Automaton.fromAutoCog(proto).toAutoCog()), proto);
  const legacy = { queue_metric: 'sum', actions: [{ uid: 'a', type: 'text', text: 'x' }] };
  t.strictSame(Automaton.fromAutoCog(legacy).toAutoCog(), legacy);
  (automaton.toAutoCog().metadata as { format: string }).format = 'changed';
  t.strictSame(automaton.toAutoCog(), original, 'what is written is a copy');
  t.strictSame(file, original);
});

const shared = '../shared/data/autocog';
const files = existsSync(shared)
  ? readdirSync(shared).filter((name) => /^(?!.*\.ftt\.).*\.json$/.test(name))
  : [];
t.test("AutoCog's own files are written back equal", { skip: files.length === 0 }, async (t) => {
  for (const name of files) {
    const json = JSON.parse(readFileSync(`${shared}/${name}`, 'utf8'));
    const automaton = Automaton.fromAutoCog(json);
    t.strictSame(automaton.toAutoCog(), json, name);
    const simple = automaton.simplify().toAutoCog();
    t.ok(simple.actions.length < json.actions.length, 'without its empty ends');
  }
});

t.test('an automaton of our own is written as AutoCog reads it', async (t) => {
  const automaton = new AutomatonBuilder({ metric: 'mean' })
    .text('prompt', 'Say: ')
    .choose('pick', ['a', 'b'])
    .complete('gen', {
      maxTokens: 3,
      stop: ['.', { control: '</s>' }, { tokens: 'digits' }],
      vocabulary: { regex: '^[a-z]+$' },
    })
    .vocabulary('digits', { union: [{ regex: '^1$' }, { regex: '^2$' }, { regex: '^3$' }] })
    .build();
  const written = automaton.toAutoCog();
  const [, pick, gen, end] = written.actions;
  t.match(pick, { successors: ['gen', 'gen'], width: 2, threshold: 0 });
  t.match(gen, {
    length: 3,
    beams: 1,
    ahead: 0,
    width: 1,
    stop_text: '.',
    successors: ['gen.end'],
  });
  t.same(end, { uid: 'gen.end', type: 'text', text: '', evaluate: false, successors: [] });
  const vocabs = written.vocabs ?? {};
  t.same(vocabs.digits, {
    kind: 'union',
    operands: [
      {
        kind: 'union',
        operands: [
          { kind: 'regex', strings: ['^1$'] },
          { kind: 'regex', strings: ['^2$'] },
        ],
      },
      { kind: 'regex', strings: ['^3$'] },
    ],
  });
  t.same(vocabs[gen?.vocab as string], { kind: 'regex', strings: ['^[a-z]+$'] });
  t.same(vocabs[gen?.stop as string], {
    kind: 'union',
    operands: [vocabs.digits, { kind: 'tokenize', strings: ['</s>'] }],
  });
  t.strictSame(Automaton.fromAutoCog(written).toAutoCog(), written);
});

t.test('what AutoCog does not have is refused', async (t) => {
  const write = (action: object, json: object = {}) => {
    const actions = [{ id: 'a', type: 'complete', maxTokens: 1, ...action }] as unknown as Action[];
    return () => Automaton.fromJSON({ actions, ...json }).toAutoCog();
  };
  t.throws(write({}, { boundary: 'healed' }), {
    code: 'NOT_SUPPORTED',
    message: /boundary 'healed'/,
  });
  t.throws(write({}, { metric: 'sum' }), { message: /normalization 'none', of actions\[0\] 'a'/ });
  t.throws(write({ vocabulary: { ids: [1] } }), {
    name: 'RangeError',
    message: /without token ids/,
  });
  t.throws(write({ stop: ['a', 'b'] }), {
    name: 'RangeError',
    message: /for actions\[0\] 'a'\.stop/,
  });
  const choose = { type: 'choose', maxTokens: undefined, choices: ['x'], terminator: 'eog' };
  t.throws(write(choose), { message: /terminator, of actions\[0\] 'a'/ });
});

t.test('invalid files are refused', async (t) => {
  const cases: [unknown, RegExp][] = [
    [[], /^Expected an object for the automaton/],
    [{}, /^Expected an array for actions/],
    [{ actions: [], extra: () => 1 }, /^Expected data \(.*\) for the automaton/],
    [{ actions: [{ type: 'text' }] }, /actions\[0\]\.uid/],
    [{ actions: [{ uid: 'a', type: 'toString' }] }, /actions\[0\] 'a'\.type/],
    [{ actions: [{ uid: 'a', type: 'text', text: 1 }] }, /actions\[0\] 'a'\.text/],
    [{ actions: [{ uid: 'a', type: 'complete', length: 1, stop: 'x' }] }, /actions\[0\] 'a'\.stop/],
    [{ actions: [{ uid: 'a', type: 'complete', length: 1, stop_text: 1 }] }, /'a'\.stop_text/],
    [{ actions: [{ uid: 'a', type: 'text', text: '', successors: 'b' }] }, /'a'\.next/],
    [{ actions: [], vocabs: { v: { kind: 'word' } } }, /^Expected one of .* for vocabs\.v\.kind/],
    [{ actions: [], vocabs: { v: { kind: 'regex', strings: [] } } }, /vocabs\.v\.strings/],
    [
      { actions: [], vocabs: { v: { kind: 'union', operands: [] } } },
      /2 elements for vocabs\.v\.operands/,
    ],
  ];
  for (const [json, message] of cases) t.throws(() => Automaton.fromAutoCog(json), { message });
});
