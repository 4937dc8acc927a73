// The LM of a LocalLLM: opened, exchanged and closed.

import { setTimeout as sleep } from 'node:timers/promises';
import { defaultModelPath, LLaMa, type LM } from 'autocog-lm';
import { LocalLLM, type OpenRequest } from 'autocog-lm/base-llm';
import t from 'tap';
import { failure } from '../support/failures.js';
import { oneThread } from '../support/forms.js';
import { ScriptedLM } from '../support/scripted-lm.mjs';
import { france, loadLLM } from './llms.js';

/** Opens scripted LMs, whose answers are the names of their models. */
function opener(delay = 0) {
  const requests: OpenRequest[] = [];
  const lms: ScriptedLM[] = [];
  const open = async (request: OpenRequest): Promise<LM> => {
    requests.push(request);
    await sleep(delay);
    if (request.modelName === 'bad') throw new Error('There is no such model');
    const lm = new ScriptedLM([`${request.modelName} ${request.device}`], { delay: 1 });
    lms.push(lm);
    return lm;
  };
  return { open, requests, lms };
}

t.test('it is opened at the first call, once for calls at a time', async (t) => {
  const { open, requests, lms } = opener(5);
  const llm = new LocalLLM(open, { modelName: 'a' });
  t.same(requests, []);
  t.same(await Promise.all([llm.run('x'), llm.countTokens('y')]), ['a undefined', 1]);
  t.same(requests, [{ modelName: 'a', device: undefined }]);
  await llm.close();
  t.ok(lms[0]?.closed);
});

t.test('a new name or device opens another one at the next call', async (t) => {
  const { open, lms } = opener();
  const llm = new LocalLLM(open, { modelName: 'a' });
  const running = llm.run('x');
  await sleep(5);
  llm.setModelName('b');
  llm.setDevice('gpu');
  const next = llm.run('y');
  await sleep(1);
  t.notOk(lms[0]?.closed, 'its call is still running');
  t.equal(await running, 'a undefined');
  t.equal(await next, 'b gpu');
  await sleep(1);
  t.same(
    lms.map(({ closed }) => closed),
    [true, false],
  );
  await Promise.all([llm.close(), llm.close()]);
  t.ok(lms[1]?.closed);
});

t.test('one that cannot be opened is tried again', async (t) => {
  const { open, requests } = opener();
  const llm = new LocalLLM(open, { modelName: 'bad' });
  await t.rejects(llm.run('x'), { message: 'There is no such model' });
  await t.rejects(llm.run('x'), { message: 'There is no such model' });
  t.equal(requests.length, 2);
  llm.setModelName('good');
  t.equal(await llm.run('x'), 'good undefined');
  await llm.close();
  const wrong = new LocalLLM((() => 'model') as never);
  await t.rejects(wrong.run('x'), { name: 'TypeError' });
  await wrong.close();
});

t.test('a function may return the LM that it returned before', async (t) => {
  const lm = new ScriptedLM(['x']);
  const llm = new LocalLLM(() => lm, { modelName: 'a' });
  await llm.run('x');
  llm.setModelName('b');
  t.equal(await llm.run('x'), 'x');
  await sleep(1);
  t.notOk(lm.closed);
  await llm.close();
  t.ok(lm.closed);
});

t.test('an LM that was given is neither closed nor exchanged', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, oneThread);
  const llm = new LocalLLM(lm);
  t.equal(llm.modelName, lm.model.info.path);
  for (const name of ['default', 'default.gguf', defaultModelPath]) {
    llm.setModelName(name);
    t.equal(await llm.run(france), 'Paris');
  }
  const refused = { name: 'NotSupportedError', code: 'NOT_SUPPORTED' };
  llm.setModelName('other');
  await t.rejects(llm.run(france), { ...refused, message: /not other: pass a function/ });
  llm.set({ modelName: 'default', device: 'cuda' });
  await t.rejects(llm.run(france), { ...refused, message: /runs on the CPU, not on cuda/ });
  llm.setDevice('CPU');
  t.equal(await llm.run(france), 'Paris');
  await llm.close();
  t.equal((await lm.complete('The capital of France is')).text.slice(0, 6), ' Paris');
});

t.test('after close, every call is a ClosedError', async (t) => {
  const llm = await loadLLM(t);
  const running = llm.run('Tell me about Rome.').catch((error) => error);
  await llm.close();
  t.match(await running, { code: 'CLOSED' });
  t.ok(llm.closed);
  const closed = { name: 'ClosedError', code: 'CLOSED' };
  const folder = t.testdir();
  for (const call of [
    () => llm.run('x'),
    () => llm.batchRun(['x']),
    () => llm.chat('x'),
    () => llm.sequences('x'),
    () => llm.countTokens('x'),
    () => llm.generateSummary('x'),
    () => llm.timeForGeneration('x'),
    () => llm.saveCheckpoint(folder),
    () => llm.loadCheckpoint('x'),
    () => llm.open(),
  ]) {
    t.match(await failure(call()), closed, String(call));
  }
  await llm.close();
});

t.test('closing while an LM is opened closes it', async (t) => {
  const { open, lms } = opener(5);
  const llm = new LocalLLM(open, { modelName: 'a' });
  const running = failure(llm.run('x'));
  await llm.close();
  t.match(await running, { code: 'CLOSED' });
  t.ok(lms[0]?.closed);
});

t.test('load checks its arguments', async (t) => {
  const wrong = { name: 'TypeError', code: 'INVALID_ARGUMENT' };
  for (const [options, context] of [
    [null, undefined],
    [3, undefined],
    [{}, null],
    [{}, { contextSise: 3 }],
    [{ modelName: 3 }, undefined],
  ]) {
    t.match(await failure(LocalLLM.load(options as never, context as never)), wrong);
  }
  await t.rejects(LocalLLM.load({ modelName: '/none.gguf' }), { code: 'MODEL_LOAD' });
  const device = { name: 'NotSupportedError', message: /^There is no device cuda; .* CPU$/ };
  await t.rejects(LocalLLM.load({ device: 'cuda' }, oneThread), device);
  const signal = AbortSignal.abort(new Error('enough'));
  await t.rejects(LocalLLM.load({}, { signal }), { message: 'enough' });
  for (const source of [undefined, null, {}, 'model.gguf']) {
    t.throws(() => new LocalLLM(source as never), wrong);
  }
});
