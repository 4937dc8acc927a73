// Automaton as a value: copies, defaults, cycles, simplification, drawing; and its builder.

import { type Action, Automaton, AutomatonBuilder, type AutomatonJSON } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';
import { resolveAction } from '../../lib/automaton/resolve-action.js';

const form: AutomatonJSON = {
  actions: [
    { id: 'question', type: 'text', text: 'The sky is', next: ['colour'] },
    { id: 'colour', type: 'choose', choices: [' blue', ' red'], next: ['because', 'end'] },
    { id: 'because', type: 'text', text: ', because', next: ['reason'] },
    { id: 'reason', type: 'complete', maxTokens: 8, stop: '.', vocabulary: 'words', next: ['end'] },
    { id: 'end', type: 'text', text: '.' },
  ],
  vocabularies: { words: { union: [{ regex: '^[a-z ]+$' }, { ids: [3] }] } },
  metric: 'sum',
  boundary: 'healed',
};

t.test('JSON makes an automaton, which makes equal JSON', async (t) => {
  const automaton = Automaton.fromJSON(form);
  t.same(automaton.toJSON(), form);
  t.same(JSON.parse(JSON.stringify(automaton)), form);
  t.same(Automaton.fromJSON(JSON.stringify(form)).toJSON(), form);
  t.equal(Automaton.fromJSON(automaton), automaton);
  t.equal(automaton.entry.id, 'question');
  t.equal(automaton.action('reason'), automaton.actions[3]);
  t.throws(() => automaton.action('toString'), { name: 'RangeError' });
  const { metric, boundary } = Automaton.fromJSON({
    actions: [{ id: 'a', type: 'text', text: '' }],
  });
  t.same([metric, boundary], ['mean', 'separate']);
});

t.test('an automaton neither changes nor shares what it was made from', async (t) => {
  const given = structuredClone(form) as unknown as { actions: { next: string[] }[] };
  const automaton = Automaton.fromJSON(given);
  (given.actions[1] as { next: string[] }).next[0] = 'elsewhere';
  given.actions.length = 1;
  t.same(automaton.toJSON(), form);
  const isFrozen = (value: unknown): boolean =>
    typeof value !== 'object' ||
    value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isFrozen));
  t.ok(isFrozen(automaton));
});

t.test('cycles are the sets of actions that lead to each other', async (t) => {
  const json = (edges: Record<string, string[]>) => ({
    actions: Object.entries(edges).map(([id, next]) => ({ id, type: 'text', text: id, next })),
  });
  const acyclic = Automaton.fromJSON(json({ a: ['b', 'c'], b: ['c'], c: [] }));
  t.same([acyclic.hasCycle, acyclic.cycles], [false, []]);
  const cyclic = Automaton.fromJSON(
    json({ a: ['b'], b: ['c', 'd'], c: ['b', 'c'], d: ['e'], e: ['e', 'f'], f: [] }),
  );
  t.same([cyclic.hasCycle, cyclic.cycles], [true, [['b', 'c'], ['e']]]);
  const length = 20_000;
  const long = Array.from({ length }, (_, index): Action => {
    const next = index + 1 < length ? [`${index + 1}`] : [];
    return { id: `${index}`, type: 'text', text: 'a', next };
  });
  t.equal(Automaton.fromJSON({ actions: long }).hasCycle, false);
  t.equal(Automaton.fromJSON({ actions: long }).simplify().actions.length, 1);
});

t.test('defaults of actions depend on the metric', async (t) => {
  const choose = { id: 'a', type: 'choose', choices: ['x', 'y'] } as const;
  t.same(resolveAction(choose, 'mean'), {
    ...choose,
    next: [],
    width: 2,
    threshold: 0,
    normalize: 'tokens',
    terminator: { kind: 'none' },
  });
  t.match(resolveAction({ ...choose, width: 5, terminator: '.' }, 'sum'), {
    width: 2,
    normalize: 'none',
    terminator: { kind: 'text', text: '.' },
  });
  const complete = { id: 'b', type: 'complete', maxTokens: 3 } as const;
  t.same(resolveAction(complete, 'bytes'), {
    ...complete,
    next: [],
    beams: 1,
    ahead: 0,
    width: 1,
    threshold: 0,
    normalize: 'bytes',
    stop: [],
    vocabulary: undefined,
    repetition: 0,
    diversity: 0,
  });
  t.match(resolveAction({ ...complete, beams: 4, stop: '\n', normalize: 'chars' }, 'sum'), {
    width: 4,
    stop: ['\n'],
    normalize: 'chars',
  });
  t.match(resolveAction({ id: 'c', type: 'text', text: '' }, 'mean'), {
    evaluate: false,
    next: [],
  });
});

/** Every sequence of texts and other steps, up to a number of steps. */
function languageOf(automaton: Automaton, limit: number): Set<string> {
  const found = new Set<string>();
  const walk = (id: string, path: string, steps: number): void => {
    const action = automaton.action(id);
    const { next = [] } = action;
    if (action.type === 'text') {
      const shown = path + (action.evaluate && action.text ? `<${action.text}>` : action.text);
      if (next.length === 0) found.add(shown);
      for (const successor of next) walk(successor, shown, steps);
      return;
    }
    if (steps === 0) return;
    const outcomes = action.type === 'choose' ? action.choices : [`[${action.id}]`];
    for (const [index, outcome] of outcomes.entries()) {
      const shown = `${path}{${outcome}}`;
      if (next.length === 0) found.add(shown);
      const isEach = action.type === 'choose' && next.length > 1;
      for (const successor of isEach ? [next[index] as string] : next) {
        walk(successor, shown, steps - 1);
      }
    }
  };
  walk(automaton.entry.id, '', limit);
  return found;
}

t.test('a simpler automaton has the same paths', async (t) => {
  const size = 7;
  const action = fc.record({
    type: fc.constantFrom('text', 'text', 'text', 'choose', 'complete'),
    text: fc.constantFrom('', '', 'a', 'b'),
    evaluate: fc.boolean(),
    next: fc.uniqueArray(fc.nat(size - 1), { maxLength: 2 }),
  });
  let smaller = 0;
  let valid = 0;
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(action, { minLength: size, maxLength: size }), (drafts) => {
        const actions = drafts.map(({ type, text, evaluate, next: given }, index) => {
          // Texts lead forward, so that walking the paths ends.
          const next = given
            .filter((successor) => type !== 'text' || successor > index)
            .map((successor) => `${successor}`);
          const id = `${index}`;
          if (type === 'text') return { id, type, text, evaluate, next };
          if (type === 'choose') return { id, type, choices: ['x', 'y'], next };
          return { id, type, maxTokens: 1, next };
        });
        const seen = new Set(['0']);
        for (const id of seen)
          for (const successor of actions[Number(id)]?.next ?? []) seen.add(successor);
        let automaton: Automaton;
        try {
          automaton = Automaton.fromJSON({ actions: actions.filter(({ id }) => seen.has(id)) });
        } catch {
          return;
        }
        valid++;
        const simple = automaton.simplify();
        if (simple.actions.length < automaton.actions.length) smaller++;
        const expected = languageOf(automaton, 4);
        const found = languageOf(simple, 4);
        t.same([...found].sort(), [...expected].sort());
        if (simple.simplify().actions.length !== simple.actions.length)
          throw new Error('not simple');
      }),
      { numRuns: 600, seed: 7 },
    ),
  );
  t.ok(valid > 100 && smaller > 50, `${smaller} of ${valid} became smaller`);
});

t.test('simplification merges texts, and drops empty ones', async (t) => {
  const automaton = new AutomatonBuilder()
    .text('a', 'What is ')
    .text('b', '2+2')
    .text('c', '? ')
    .choose('d', ['3', '4'], { next: ['e', 'f'] })
    .text('e', '', { next: [] })
    .text('f', '', { next: [] })
    .build();
  t.same(automaton.simplify().actions, [
    { id: 'a', type: 'text', text: 'What is 2+2? ', next: ['d'] },
    { id: 'd', type: 'choose', choices: ['3', '4'] },
  ]);
  const mixed = new AutomatonBuilder()
    .choose('d', ['3', '4'], { next: ['e', 'f'] })
    .text('e', '', { next: [] })
    .text('f', '!')
    .build();
  t.equal(
    mixed.simplify().actions.length,
    3,
    'a choice that ends stays apart from one that continues',
  );
  const scored = new AutomatonBuilder().text('a', 'a').text('b', 'b', { evaluate: true }).build();
  t.equal(scored.simplify().actions.length, 2, 'scored text stays apart');
});

t.test('the builder leads each action to the next, or where it is told', async (t) => {
  const automaton = new AutomatonBuilder({ metric: 'sum', boundary: 'healed' })
    .text('question', 'The sky is')
    .choose('colour', [' blue', ' red'], { next: ['because', 'end'] })
    .text('because', ', because')
    .complete('reason', { maxTokens: 8, stop: '.', vocabulary: 'words' })
    .text('end', '.')
    .vocabulary('words', { union: [{ regex: '^[a-z ]+$' }, { ids: [3] }] })
    .build();
  t.same(automaton.toJSON(), form);
  const loop = new AutomatonBuilder()
    .text('line', '- ')
    .complete('item', { maxTokens: 5, next: ['line', 'end'] })
    .text('end', '\n', { next: [] })
    .build();
  t.same(loop.cycles, [['line', 'item']]);
  const builder = new AutomatonBuilder();
  // @ts-expect-error there is no such option
  t.throws(() => new AutomatonBuilder({ metrics: 'sum' }), { name: 'TypeError' });
  t.throws(() => builder.build(), { name: 'RangeError', message: /at least one action/ });
  // @ts-expect-error the id is an argument
  t.throws(() => builder.text('b', 'x', { id: 'c' }), { message: /^Expected no id, which/ });
  t.throws(() => builder.text('b', 'x', null as never), { name: 'TypeError' });
  // @ts-expect-error the id is taken
  t.throws(() => builder.text('a', 'x').text('a', 'y').build(), { message: /no other action has/ });
});

t.test('the compiler and the builder refuse successors that are not defined', async (t) => {
  const builder = new AutomatonBuilder().text('a', 'x', { next: 'b' });
  // @ts-expect-error b is not defined
  t.throws(() => builder.build(), { name: 'RangeError', message: /got "b"$/ });
  t.doesNotThrow(() => builder.text('b', 'y').build());
  const ids: string[] = ['p', 'q'];
  let dynamic: AutomatonBuilder<string, string> = new AutomatonBuilder();
  for (const id of ids) dynamic = dynamic.text(id, id);
  t.equal(dynamic.build().actions.length, 2);
  // @ts-expect-error completions have no choices
  t.throws(() => new AutomatonBuilder().complete('a', { maxTokens: 1, choices: [] }).build(), {
    message: /got "choices"$/,
  });
});

t.test('Graphviz shows actions, successors and what chose them', async (t) => {
  const drawn = Automaton.fromJSON(form).toGraphviz();
  t.match(drawn, /^digraph Automaton \{\n/);
  t.match(drawn, 'n0 [label="question: text\\n\\"The sky is\\"", style=bold];');
  t.match(drawn, 'n1 -> n2 [label="\\" blue\\""];');
  t.match(drawn, 'n4 [label="end: text\\n\\".\\"", peripheries=2];');
  t.match(drawn, 'of words');
});
