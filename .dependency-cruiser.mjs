// The rooms of lib and which may use which: `npm run check:rooms`. docs/architecture.md says what each room is for; this
// file is the rule. Types count as much as values: a circle of types is a circle for the reader.

/** Room of the core -> the rooms below it that it may use. */
const mayUse = {
  common: [],
  tree: ['common'],
  choose: ['tree', 'common'],
  sampling: ['common'],
  grammar: ['common'],
  regex: ['common'],
  automaton: ['choose', 'tree', 'regex', 'common'],
  generation: ['sampling', 'grammar', 'common'],
  thoughts: ['automaton', 'regex', 'choose', 'generation', 'tree', 'common'],
  native: ['thoughts', 'automaton', 'generation', 'sampling', 'tree', 'common'],
  model: ['native', 'common'],
  context: ['model', 'native', 'common'],
  embedding: ['context', 'model', 'native', 'common'],
  'chat-template': ['model', 'generation', 'common'],
  decide: ['chat-template', 'choose', 'tree', 'common'],
};
const core = Object.keys(mayUse);

/** Rooms of the core that stand between the classes: they know what every LM is. */
const knowLM = ['chat-template', 'decide'];

/** Files of lib itself, from the top down: each may use what stands below it, and every room of the core. */
const hierarchy = [
  'index',
  'llama',
  'llama-session',
  'llama-options',
  'random-lm',
  'choice-lm',
  'greedy-lm',
  'lm',
];

/** Entries -> the entries that each may use, by their front door alone. */
const entries = {
  cli: ['chat', 'serve'],
  serve: [],
  chat: [],
  binding: ['openai', 'transformers'],
  'ai-sdk': [],
  'base-llm': [],
  openai: [],
  transformers: [],
};

const names = (list) => `(${list.join('|')})`;
const others = (list, own) => list.filter((name) => name !== own);

const rooms = core.map((room) => ({
  name: `room-${room}`,
  comment: `lib/${room} uses ${mayUse[room].join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^lib/${room}/` },
  to: {
    path: '^lib/',
    pathNot: [
      `^lib/${names([room, ...mayUse[room]])}/`,
      `^lib/${knowLM.includes(room) ? 'lm' : '-'}\\.ts$`,
    ],
  },
}));

const files = hierarchy.map((file, index) => ({
  name: `top-${file}`,
  comment: `lib/${file}.ts uses what stands below it`,
  severity: 'error',
  from: { path: `^lib/${file}\\.ts$` },
  to: {
    path: '^lib/',
    pathNot: [`^lib/${names(core)}/`, `^lib/${names([...hierarchy.slice(index + 1), '-'])}\\.ts$`],
  },
}));

const doors = Object.entries(entries).flatMap(([entry, used]) => [
  {
    name: `entry-${entry}`,
    comment: `lib/${entry} uses the core${used.map((name) => `, ${name}`).join('')}`,
    severity: 'error',
    from: { path: `^lib/${entry}/` },
    to: {
      path: `^lib/${names([...others(Object.keys(entries), entry).filter((name) => !used.includes(name)), '-'])}/`,
    },
  },
  {
    name: `door-${entry}`,
    comment: `other entries use lib/${entry} by its index, and read its options`,
    severity: 'error',
    from: { path: '^lib/', pathNot: `^lib/${entry}/` },
    to: {
      path: `^lib/${entry}/`,
      pathNot: '/(index|options)\\.ts$',
    },
  },
]);

export default {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphan', severity: 'error', from: { orphan: true }, to: {} },
    {
      name: 'every-file-has-a-room',
      comment: 'a file of lib is of the hierarchy, or stands in a room that this file knows',
      severity: 'error',
      from: { path: '^lib/' },
      to: {
        path: '^lib/',
        pathNot: `^lib/(${names(hierarchy)}\\.ts$|${names([...core, ...Object.keys(entries)])}/)`,
      },
    },
    ...rooms,
    ...files,
    ...doors,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|native)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.build.json' },
  },
};
