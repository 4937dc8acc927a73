// Many questions, many options, and states that do not fit.

import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import {
  type ChoiceQuestion,
  ContextOverflowError,
  type DecideOptions,
  type DecisionView,
  defaultModelPath,
  LLaMa,
  renderDecision,
} from 'autocog-lm';
import t from 'tap';
import { at, sum } from '../suite/oracle.js';
import { near } from '../suite/with-lm.js';
import { oneThread } from '../support/forms.js';

const lm = await LLaMa.load(defaultModelPath, oneThread);
t.teardown(() => lm.close());

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `item ${i}`);
const question = (criteria: readonly string[], instructions = 'Which?'): ChoiceQuestion => ({
  type: 'choice',
  instructions,
  criteria,
});

t.test('400 questions are one call', async (t) => {
  const questions = Object.fromEntries(
    named(400).map((name) => [name, question(['yes', 'no'], `Is it ${name}?`)]),
  );
  const { answers, usage } = await lm.decide('The sky is blue.', questions);
  t.equal(Object.keys(answers).length, 400);
  for (const { probabilities } of Object.values(answers)) {
    near(t, sum(Object.values(probabilities as Record<string, number>)), 1, 1e-9, 'sum');
  }
  t.ok(usage.decodeCalls < 100, `${usage.decodeCalls} calls`);
});

t.test('2, 255 and 5,000 options', async (t) => {
  for (const count of [2, 255, 5000]) {
    const names = named(count);
    const { answers } = await lm.decide('It is item 1.', { q: question(names) });
    const { options, probabilities, mass } = answers.q;
    t.equal(options.length, count);
    near(t, sum(Object.values(probabilities)), 1, 1e-9, `${count} options`);
    t.ok(mass > 0 && mass <= 1);
  }
});

t.test('labels of 2 and 30 options, and no more lines than may be', async (t) => {
  await using wide = await LLaMa.load(defaultModelPath, { ...oneThread, contextSize: 512 });
  for (const count of [2, 30]) {
    const names = named(count).map((name) => name.slice(5));
    const { answers } = await wide.decide('It is 1.', { q: question(names) }, { method: 'labels' });
    t.equal(answers.q.orders.length, count);
    near(t, sum(Object.values(answers.q.probabilities)), 1, 1e-9, `${count} labels`);
    t.ok(answers.q.mass <= 1 && answers.q.spread > 0);
  }
  const many = { q: question(named(363)) };
  const balanced = lm.decide('x', many, { method: 'labels' });
  await t.rejects(balanced, { name: 'RangeError', message: /at most 361/ });
  await t.rejects(lm.decide('x', many, { method: 'labels', orders: 1 }), ContextOverflowError);
});

t.test('labels of many questions can be aborted while they are rendered', async (t) => {
  const ask = (count: number, options: DecideOptions) => {
    const many = named(count).map((name) => [name, question(named(255))] as const);
    return lm.decide('x', many, { method: 'labels', ...options });
  };
  const controller = new AbortController();
  let rendered = 0;
  const render = (view: DecisionView) => {
    rendered += 1;
    return renderDecision(view);
  };
  const running = ask(16, { signal: controller.signal, render });
  setTimeout(() => controller.abort(), 20);
  await t.rejects(running, { name: 'AbortError' });
  await setTimeoutPromise(20);
  const before = rendered;
  await setTimeoutPromise(20);
  t.ok(rendered === before && rendered < 16 * 255, `${rendered} prompts were rendered`);
  await t.rejects(ask(17, {}), { name: 'RangeError', message: /1105425 lines of options/ });
  await t.rejects(ask(9, { prior: true }), { name: 'RangeError', message: /for orders/ });
});

/** A state of about so many tokens. */
const words = (count: number): string => Array.from({ length: count }, (_, i) => i % 10).join(' ');

t.test('a state that does not fit is refused before anything is decoded', async (t) => {
  const size = lm.contextSize;
  const ask = (state: string) =>
    lm.decide(state, { q: question(['yes', 'not at all']) }, { details: true });
  const { answers } = await ask('1');
  const [{ prompt, answers: paths } = {}] = answers.q.orders;
  const deepest = Math.max(...(paths ?? []).map(({ length }) => length)) - 1;
  const room = size - (prompt as Int32Array).length - deepest;
  await lm.clear();
  const exact = `1${' blue'.repeat(room)}`;
  const fitting = await ask(exact);
  const length = at(fitting.answers.q.orders, 0).prompt?.length ?? 0;
  t.equal(length + deepest, size, 'the last token that fits');
  await lm.clear();
  await t.rejects(ask(`${exact} blue`), {
    name: 'ContextOverflowError',
    message: /The state and question "q" take \d+ tokens, .* exceed the context of 512 by 1/,
  });
  const { usage } = await lm.decide('', { q: question(['yes', 'no']) });
  t.equal(usage.cachedTokens, 0, 'nothing was decoded');
});

t.test('it is truncated if the caller asks for that, and only as far as necessary', async (t) => {
  const questions = { q: question(['yes', 'no']), longer: question(['a', 'b'], words(100)) };
  const whole = await lm.decide('short', questions, { onOverflow: 'truncate' });
  t.equal(whole.truncated, 0);
  const state = words(900);
  const cut = await lm.decide(state, questions, { onOverflow: 'truncate', details: true });
  t.ok(cut.truncated > 0 && cut.truncated < state.length);
  const lengths = Object.values(cut.answers).map(({ orders }) => orders[0]?.prompt?.length ?? 0);
  t.ok(Math.max(...lengths) > lm.contextSize - 4, `${lengths} of ${lm.contextSize}`);
  const kept = await lm.decide(state.slice(0, state.length - cut.truncated), questions);
  t.same(kept.answers.q.probabilities, cut.answers.q.probabilities, 'its end is cut off');
  const talk = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: words(300) },
    { role: 'assistant', content: 'ok' },
    { role: 'user', content: words(100) },
  ];
  const short = await lm.decide(talk, questions, { onOverflow: 'truncate', details: true });
  const text = await lm.detokenize(short.answers.q.orders[0]?.prompt as Int32Array);
  t.match(text, 'Be brief.');
  t.notMatch(text, 'ok');
  t.match(text, words(100), 'a conversation loses its oldest messages');
  const long = { q: question(['yes', 'no'], words(900)) };
  await t.rejects(lm.decide('x', long, { onOverflow: 'truncate' }), ContextOverflowError);
});

t.test('a closed LM, and one closed while it decides', async (t) => {
  const other = await LLaMa.load(defaultModelPath, oneThread);
  const running = other.decide('x', { q: question(named(2000)) });
  const failed = t.rejects(running, { code: 'CLOSED' });
  await other.close();
  await failed;
  await t.rejects(other.decide('x', { q: question(['a', 'b']) }), { code: 'CLOSED' });
});

t.test('calls may overlap', async (t) => {
  const ask = (state: string) => lm.decide(state, { q: question(['yes', 'no']) });
  const states = ['It is.', 'It is not.', 'Perhaps.'];
  const together = await Promise.all(states.map(ask));
  for (const [index, state] of states.entries()) {
    const { answers } = await ask(state);
    const found = at(together, index).answers.q.probabilities;
    near(t, found.yes as number, answers.q.probabilities.yes as number, 0.02, state);
  }
});
