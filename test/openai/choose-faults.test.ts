// `choose` of OpenAI with every kind of network and server failure, with each strategy: the result
// is either the same as without failures or a clear error. The proxy injects them in front of
// `autocog-lm serve`.

import { OpenAI, type OpenAIOptions, type Strategy } from 'autocog-lm/openai';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { startServing } from '../serve/serving.js';
import { at } from '../suite/oracle.js';
import { near } from '../suite/with-lm.js';
import { failure } from '../support/failures.js';
import { exact, loadForm } from '../support/forms.js';
import { type Fault, FaultProxy, transientFaults } from './fault-proxy.js';

const model = await loadForm(t, 'F32');
const prompt = 'The capital of France is';
/** Some are prefixes of others, so that no strategy finishes after one request. */
const choices = [' Paris', ' London', ' Paris is', ' Rome', ' Paris is a city'];
const strategies: readonly Strategy[] = ['echo', 'logprobs', 'bias', 'prompted'];

interface Fixture {
  proxy: FaultProxy;
  open(strategy: Strategy, more?: Partial<OpenAIOptions>): OpenAI;
}

async function withProxy(t: Test, use: (fixture: Fixture) => Promise<void>): Promise<void> {
  const { server } = await startServing(t, model, { alias: 'served' }, exact);
  await using proxy = await FaultProxy.start(server.url);
  const opened: OpenAI[] = [];
  const open = (strategy: Strategy, more: Partial<OpenAIOptions> = {}): OpenAI => {
    const { baseURL } = proxy;
    const fast = { delta: 0, timeout: 3000 };
    const lm = new OpenAI({ model: 'served', baseURL, strategy, ...fast, ...more });
    opened.push(lm);
    return lm;
  };
  await use({ proxy, open });
  await Promise.all(opened.map((lm) => lm.close()));
}

type RemoteResult = Awaited<ReturnType<OpenAI['choose']>>;

function same(t: Test, found: RemoteResult, expected: RemoteResult, what: string): void {
  t.same([found.index, found.numbers], [expected.index, expected.numbers], what);
  for (const [index, { logprob, rank }] of found.choices.entries()) {
    const own = at(expected.choices, index);
    t.equal(rank, own.rank);
    if (found.numbers !== 'none') near(t, logprob, own.logprob, 1e-3, `${index} of ${what}`);
  }
}

for (const strategy of strategies) {
  t.test(`transient failures are retried, with strategy ${strategy}`, (t) =>
    withProxy(t, async ({ proxy, open }) => {
      const patient = open(strategy);
      const expected = await patient.choose(prompt, choices);
      t.equal(expected.strategy, strategy);
      for (const fault of transientFaults) {
        const lm = fault.kind === 'stall' ? open(strategy, { timeout: 500, retries: 9 }) : patient;
        const before = proxy.seen.length;
        proxy.faults.push(fault);
        same(t, await lm.choose(prompt, choices), expected, JSON.stringify(fault));
        t.ok(proxy.faults.length === 0 && proxy.seen.length > before + 1);
      }
    }),
  );
}

t.test('any sequence of faults leads to the same choice, the probe included', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    const expected = new Map<Strategy, RemoteResult>();
    for (const strategy of strategies) {
      expected.set(strategy, await open(strategy).choose(prompt, choices));
    }
    const fault = fc.constantFrom<Fault>({ kind: 'none' }, ...transientFaults.filter(isFast));
    const property = fc.asyncProperty(
      fc.constantFrom(...strategies),
      fc.array(fault, { maxLength: 30 }),
      async (strategy, faults) => {
        proxy.faults.splice(0, Infinity, ...faults);
        await using lm = open(strategy, { retries: 40 });
        const found = await lm.choose(prompt, choices);
        proxy.faults.length = 0;
        same(t, found, expected.get(strategy) as RemoteResult, strategy);
      },
    );
    await fc.assert(property, { numRuns: 40 });
  }),
);

/** Stalls are slow, as they last until the timeout. */
const isFast = ({ kind }: Fault): boolean => kind !== 'stall';

t.test('permanent failures are errors, and aborting or closing ends the wait', (t) =>
  withProxy(t, async ({ proxy, open }) => {
    for (const strategy of strategies) {
      const lm = open(strategy, { retries: 2 });
      await lm.probe();
      proxy.rule = ({ path }) =>
        path.endsWith('completions') ? { kind: 'respond', status: 500 } : undefined;
      t.match(await failure(lm.choose(prompt, choices)), {
        name: 'RemoteError',
        code: 'REMOTE',
        status: 500,
        requestId: /^request-/,
      });
      proxy.rule = ({ path }) => (path.endsWith('completions') ? { kind: 'drop' } : undefined);
      t.match(await failure(lm.choose(prompt, choices)), {
        name: 'RemoteError',
        status: undefined,
      });
      proxy.rule = ({ path }) =>
        path.endsWith('completions') ? { kind: 'stall', part: 0.5 } : undefined;
      const controller = new AbortController();
      const { signal } = controller;
      const seen = proxy.seen.length;
      const [aborted, closed] = [lm.choose(prompt, choices, { signal }), lm.score(prompt, ' x')];
      const ends = Promise.all([failure(aborted), failure(closed)]);
      await proxy.until(() => proxy.seen.length > seen + 1);
      controller.abort(new Error('enough'));
      await lm.close();
      const [first, second] = await ends;
      t.match(first, { message: 'enough' });
      t.match(second, { name: 'ClosedError', code: 'CLOSED' });
      proxy.rule = () => undefined;
    }
  }),
);
