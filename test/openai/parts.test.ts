// Parts of the class OpenAI that no server exercises: retry delays, events split anywhere, and
// samplers as request fields.

import { samplers } from 'autocog-lm';
import fc from 'fast-check';
import t from 'tap';
import { samplingOf } from '../../lib/openai/completion/sampling.js';
import { Failure } from '../../lib/openai/http/failure.js';
import { parseRetryAfter, retryDelay } from '../../lib/openai/http/retry.js';
import { EventReader } from '../../lib/openai/http/server-events.js';
import { SamplerSettings } from '../../lib/sampling/sampler-settings.js';

t.test("the retry delay is the server's, in any format, or grows exponentially", async (t) => {
  const now = Date.UTC(2026, 0, 1);
  const date = new Date(now + 7000).toUTCString();
  t.equal(parseRetryAfter(undefined, '3', now), 3000);
  t.equal(parseRetryAfter(undefined, '0.5', now), 500);
  t.equal(parseRetryAfter('20', '3', now), 20);
  t.equal(parseRetryAfter(undefined, date, now), 7000);
  t.equal(parseRetryAfter(undefined, date, now + 60_000), 0, 'a past date means no delay');
  for (const nothing of [undefined, null, '', 'soon'])
    t.equal(parseRetryAfter(nothing, nothing), undefined);
  const policy = { retries: 9, delta: 1000, growth: 2 };
  const after = (retryAfterMs?: number) => new Failure('', { isRetryable: true, retryAfterMs });
  t.same(
    [1, 2, 3, 4, 20].map((count) => retryDelay(policy, count, after())),
    [1000, 2000, 4000, 8000, 60_000],
  );
  t.equal(retryDelay(policy, 3, after(0)), 0);
  t.equal(retryDelay(policy, 1, after(3_600_000)), 60_000, 'no longer than a minute');
});

const eventsOf = (parts: readonly Uint8Array[]): string[] => {
  const reader = new EventReader();
  return [...parts, undefined].flatMap((bytes) => [...reader.push(bytes)]);
};

t.test('events do not depend on where their bytes are split', async (t) => {
  const text =
    ': hello\r\n\r\ndata: {"é":"😀"}\n\ndata:two\rdata: lines\r\revent: x\r\ndata: 漢\r\n\r\nid\n\ndata: last';
  const expected = ['{"é":"😀"}', 'two\nlines', '漢', 'last'];
  const bytes = Buffer.from(text);
  t.same(eventsOf([bytes]), expected);
  for (let cut = 0; cut <= bytes.length; cut++) {
    t.same(eventsOf([bytes.subarray(0, cut), bytes.subarray(cut)]), expected, `cut at ${cut}`);
  }
  const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 30 });
  fc.assert(
    fc.property(cuts, (cuts) => {
      const ends = [...cuts, bytes.length].sort((a, b) => a - b);
      const parts = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
      return `${eventsOf(parts)}` === `${expected}`;
    }),
  );
  t.same(eventsOf([Buffer.from('error: {"message":"no"}\n\n')]), ['{"error":{"message":"no"}}']);
  t.throws(() => eventsOf([Buffer.from('ata: {}\n\n')]), { message: /not a line of an event/ });
});

t.test('samplers as request fields', async (t) => {
  const fields = (...args: Parameters<typeof samplingOf>) => samplingOf(...args).fields;
  t.same(fields(undefined, undefined), { temperature: 0 });
  t.same(fields(undefined, 0.7), { temperature: 0.7 });
  t.same(fields({ topP: 0.5 }, undefined), { temperature: 0 }, 'the top token is in every nucleus');
  t.same(fields({ topP: 0.5, temperature: undefined }, 1), { temperature: 1, top_p: 0.5 });
  t.same(fields({ temperature: 0.3, seed: 5 }, 1), { temperature: 0.3, seed: 5 });
  const penalties = {
    frequencyPenalty: 0.5,
    presencePenalty: -0.5,
    logitBias: { 4: 2, 5: -Infinity },
  };
  const expected = {
    temperature: 0,
    frequency_penalty: 0.5,
    presence_penalty: -0.5,
    logit_bias: { 4: 2, 5: -100 },
  };
  t.same(fields(penalties, undefined), expected);
  t.same(fields(samplers.GreedyDecoding, undefined), { temperature: 0 });
  t.same(fields(samplers.SimpleSampling, undefined), { temperature: 1 });
  t.throws(() => fields(samplers.DefaultSampling, undefined), { code: 'NOT_SUPPORTED' });
  t.throws(() => fields(new SamplerSettings(), undefined), { message: /topK/ });
  t.equal(
    samplingOf({ seed: 5 }, undefined).seed,
    undefined,
    'the seed does not matter for greedy decoding',
  );
  t.equal(samplingOf({ seed: 5 }, 1).seed, 5);
  t.ok(samplingOf({ temperature: 0 }, undefined).isTemperatureExplicit);
  t.ok(samplingOf(undefined, 0).isTemperatureExplicit);
  t.notOk(samplingOf({ topP: 0.5 }, undefined).isTemperatureExplicit);
});
