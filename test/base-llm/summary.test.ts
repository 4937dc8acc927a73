// Summaries of texts that do not fit in the context.

import type { LLaMa } from 'autocog-lm';
import { LocalLLM, type SummaryProgress } from 'autocog-lm/base-llm';
import t from 'tap';
import { failure } from '../support/failures.js';
import { oneThread } from '../support/forms.js';
import { ScriptedLM } from '../support/scripted-lm.mjs';
import { loadLLM } from './llms.js';

const instruction = 'Summarize the following text in a few sentences:\n\n';

t.test('all of the text is summarized, in parts that fit, and then the summaries', async (t) => {
  const texts = {
    sentences: 'Rome is old. Paris, too! '.repeat(60),
    paragraphs: 'Rome is old\n\nParis is big\n\n'.repeat(50),
    'one word': 'x'.repeat(1500),
    characters: '𝕏'.repeat(400),
    Chinese: '罗马很古老。巴黎很大。'.repeat(60),
    blank: `a${' '.repeat(1500)}b`,
  };
  for (const [name, text] of Object.entries(texts)) {
    const lm = new ScriptedLM(['short'], { contextSize: 400 });
    const llm = new LocalLLM(lm, { format: 'blank', systemPrompt: '' });
    const progress: SummaryProgress[] = [];
    t.equal(
      await llm.generateSummary(text, { onProgress: (step) => progress.push(step) }),
      'short',
    );
    const parts = lm.prompts.map((prompt) => prompt.slice(instruction.length));
    for (const prompt of lm.prompts) {
      t.ok(prompt.startsWith(instruction) && Buffer.byteLength(prompt) <= 300, name);
      t.notMatch(prompt, /\ufffd/, `${name}: no character is cut`);
    }
    const [{ total = 0 } = {}] = progress;
    t.ok(total > 1, name);
    const whole = parts.slice(0, total).join('');
    t.equal(whole.replace(/\s/g, ''), text.replace(/\s/g, ''), `${name}: nothing is lost`);
    t.equal(parts[total]?.split('\n')[0], 'short', 'the second pass');
    t.same(progress.at(-1), { pass: progress.at(-1)?.pass, done: 1, total: 1 });
    t.equal(progress.length, lm.prompts.length);
  }
});

t.test('a text that fits is one prompt, with the limit of the options', async (t) => {
  const llm = await loadLLM(t, { maxTokens: 7, stopToken: 'never' });
  await llm.generateSummary('Rome is the capital of Italy.');
  t.ok((llm.lastGeneration?.tokens ?? 9) <= 7);
});

t.test('a model summarizes a text far longer than its context', async (t) => {
  const llm = await loadLLM(t, {}, { ...oneThread, contextSize: 256 });
  const lm = (await llm.open()) as LLaMa;
  const text = 'Rome is the capital of Italy. '.repeat(400);
  t.ok((await lm.countTokens(text)) > 10 * lm.contextSize);
  const passes: SummaryProgress[] = [];
  t.type(await llm.generateSummary(text, { onProgress: (step) => passes.push(step) }), 'string');
  t.ok((passes.at(-1)?.pass ?? 0) > 1);
  llm.setMaxLength(64);
  await llm.generateSummary('Rome is the capital of Italy. '.repeat(10));
  t.ok((llm.lastGeneration?.promptTokens ?? 99) < 64, 'maxLength counts, too');
});

t.test('summaries that do not get shorter end, and so does a tiny context', async (t) => {
  class Verbose extends ScriptedLM {
    override async complete(...args: Parameters<ScriptedLM['complete']>) {
      return { ...(await super.complete(...args)), text: 'and so on '.repeat(310) };
    }
  }
  const verbose = new LocalLLM(new Verbose(['x'], { contextSize: 4000 }), { format: 'blank' });
  const endless = failure(verbose.generateSummary('Rome is old. '.repeat(1000)));
  t.match(await endless, { name: 'ContextOverflowError', message: /summaries/ });
  const tiny = new LocalLLM(new ScriptedLM(['x'], { contextSize: 40 }), { format: 'blank' });
  await t.rejects(tiny.generateSummary('Rome is old.'), { name: 'ContextOverflowError' });
});

t.test('an exception of onProgress and an abort end it', async (t) => {
  const llm = new LocalLLM(new ScriptedLM(['x'], { contextSize: 400 }), { format: 'blank' });
  const thrown = new Error('It throws');
  const text = 'Rome is old. '.repeat(100);
  let steps = 0;
  const onProgress = () => {
    if (++steps === 2) throw thrown;
  };
  t.equal(await failure(llm.generateSummary(text, { onProgress })), thrown);
  t.equal(steps, 2);
  const controller = new AbortController();
  const { signal } = controller;
  const aborting = { signal, onProgress: () => controller.abort(thrown) };
  t.equal(await failure(llm.generateSummary(text, aborting)), thrown);
});
