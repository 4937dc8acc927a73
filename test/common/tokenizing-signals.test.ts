// Whatever call tokenizes a text, its abort stops the tokenizer, too: a text of megabytes that nobody
// waits for any more would hold up those of others.

import { defaultModelPath, LLaMa, type TokenizeOptions } from 'autocog-lm';
import { Thread } from 'autocog-lm/chat';
import t from 'tap';
import { ToyLM } from '../suite/toy-lm.js';

/** Records the signals that tokenizing gets, apart from those of the search for a guard. */
class WatchedLM extends ToyLM {
  readonly signals: (AbortSignal | undefined)[] = [];

  override async tokenize(text: string, options: TokenizeOptions = {}) {
    if (!/^.? ?[a.7é]?$/u.test(text)) this.signals.push(options.signal);
    return super.tokenize(text, options);
  }
}

t.test("every call passes its signal on to the LM's tokenizer", async (t) => {
  const { signal } = new AbortController();
  const options = { signal };
  const prompt = 'a prompt';
  const words = ['one way', 'another'];
  const drain = async (items: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of items);
  };
  const calls: Record<string, (lm: WatchedLM) => Promise<unknown>> = {
    countTokens: (lm) => lm.countTokens(prompt, options),
    greedy: (lm) => lm.greedy(prompt, options),
    candidates: (lm) => lm.candidates(prompt, 2, options),
    complete: (lm) => lm.complete(prompt, { maxTokens: 1, signal }),
    completeMany: (lm) => lm.completeMany([prompt], { maxTokens: 1, signal }),
    stream: (lm) => drain(lm.stream(prompt, { maxTokens: 1, signal })),
    beamSearch: (lm) => lm.beamSearch(prompt, { beams: 2, maxTokens: 1, signal }),
    score: (lm) => lm.score(prompt, 'a continuation', options),
    choose: (lm) => lm.choose(prompt, words, options),
    joint: (lm) => lm.choose(prompt, words, { boundary: 'joint', signal }),
    healed: (lm) => lm.choose(prompt, words, { boundary: 'healed', signal }),
    prior: (lm) => lm.choose(prompt, words, { prior: 'a prior', signal }),
    terminator: (lm) => lm.choose(prompt, words, { terminator: 'the end', signal }),
    merges: (lm) => lm.choose(prompt, words, { merges: true, signal }),
  };
  for (const [name, call] of Object.entries(calls)) {
    const lm = new WatchedLM();
    await call(lm);
    t.ok(lm.signals.length > 0, `${name} tokenizes`);
    t.ok(
      lm.signals.every((each) => each === signal),
      name,
    );
  }
});

t.test('a thread passes on its own, too', async (t) => {
  const lm = new WatchedLM();
  const format = { userPrefix: 'User: ', botPrefix: 'Bot: ' };
  const thread = new Thread(lm, { format: { ...format } as never, maxTokens: 1 });
  await thread.send('a message', { signal: new AbortController().signal });
  t.ok(lm.signals.length > 0);
  t.ok(lm.signals.every((each) => each !== undefined));
});

t.test("an abort ends a LLaMa's tokenizing on every route", async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 256 });
  const long = 'The sky is blue, and the sun is warm. '.repeat(20_000);
  const routes: ((signal: AbortSignal) => Promise<unknown>)[] = [
    (signal) => lm.tokenize(long, { signal }),
    (signal) => lm.complete(long, { signal }),
    (signal) => lm.choose(long, ['a', 'b'], { signal }),
    (signal) => lm.choose('a', [long, 'b'], { signal }),
    (signal) => lm.score('a', long, { signal }),
    (signal) => lm.embed(long, { signal }),
  ];
  for (const [index, route] of routes.entries()) {
    const controller = new AbortController();
    const running = route(controller.signal);
    controller.abort();
    await t.rejects(running, { name: 'AbortError' }, `route ${index}`);
  }
  t.equal((await lm.complete('a', { maxTokens: 1 })).tokens.length, 1);
});
