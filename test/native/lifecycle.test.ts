// The table of lives: every method of LLaMa, Model and Embedder while the addon is imported, a context is
// built, open, busy, closing or closed, on the main thread and in a worker, followed by every way to end.

import { availableParallelism } from 'node:os';
import t, { type Test } from 'tap';
import { type Ending, runChild } from '../support/child.js';

const states = ['importing', 'opening', 'open', 'busy', 'closing', 'closed'] as const;
type State = (typeof states)[number];

/** Methods that subclasses and other parts of the package call. */
const internal = new Set(
  (
    'admit admitPrompt beamSearchImpl candidatesImpl checkFits checkRequest closeImpl ' +
    'evaluateImpl generateImpl generateMany greedyImpl holdsInOneBatch nextAllowed nextLogprobs ' +
    'packs promptTokens scoreTree scoreTrees textOf tokenizeDecoderTexts tokenizeEach ' +
    'tokenTexts tokenizePrompt tokenizePrompts tokenizeTexts close'
  ).split(' '),
);

interface Report {
  outcomes?: Record<string, string>;
  names?: Record<string, string[]>;
  code?: number;
  failure?: string;
  after?: number;
}

/** Calls that an open LM refuses: a file that does not exist, a model that does not rank. */
const failing: Record<string, string> = {
  'Model.loadAdapter': 'MODEL_LOAD',
  'Embedder.rerank': 'NOT_SUPPORTED',
};

/** What each method must do in a state. */
function expected(method: string, state: State): string[] {
  const whileOpen = failing[method] ?? 'ok';
  if (method === 'LLaMa.checkCompletion') return ['ok'];
  // Where the state is saved at the same time, it may load it or not.
  if (state === 'closed' || state === 'closing') return ['CLOSED'];
  if (method === 'LLaMa.loadState') return ['ok', 'STATE_MISMATCH'];
  return [whileOpen];
}

function checkOutcomes(t: Test, { outcomes = {}, names = {} }: Report, state: State): void {
  for (const [method, outcome] of Object.entries(outcomes)) {
    t.ok(expected(method, state).includes(outcome), `${method}: ${outcome}`);
  }
  const called = new Set(Object.keys(outcomes));
  const missing = Object.entries(names).flatMap(([name, methods]) =>
    methods.filter((each) => !internal.has(each) && !called.has(`${name}.${each}`)),
  );
  t.same(missing, [], 'every public method is called');
}

function checkEnd(t: Test, ending: Ending, place: string, state: State, end: string): void {
  const { stderr, signal } = ending;
  t.equal(signal, null, 'no signal ends the process', { stderr });
  const reports = ending.told as Report[];
  if (place === 'main') {
    t.equal(ending.code, { settle: 0, exit: 7, exception: 1 }[end], 'the exit code', { stderr });
  } else {
    t.equal(ending.code, 0, 'the process goes on', { stderr });
    t.match(reports.at(-1), { after: 1024 }, 'and another LM of it works');
    const worker = reports.find(({ code }) => code !== undefined);
    t.equal(worker?.code, { settle: 0, exit: 7, exception: 1, terminate: 1 }[end]);
    t.equal(worker?.failure, end === 'exception' ? 'thrown on purpose' : undefined);
  }
  if (end !== 'settle' || state === 'importing') return;
  const report = reports.find(({ outcomes }) => outcomes !== undefined);
  t.ok(report, 'all calls settle');
  checkOutcomes(t, report as Report, state);
}

t.jobs = Math.max(2, availableParallelism());
for (const place of ['main', 'worker']) {
  for (const state of states) {
    for (const end of ['settle', 'exit', 'exception', 'terminate']) {
      if (place === 'main' && end === 'terminate') continue;
      t.test(`${state} in a ${place} thread, then ${end}`, async (t) => {
        const ending = await runChild('lifecycle', place, state, end);
        checkEnd(t, ending, place, state, end);
      });
    }
  }
}
