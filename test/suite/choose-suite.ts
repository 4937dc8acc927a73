// choose, for any ChoiceLM: checked against greedy alone.

import type { Choice, ChooseOptions } from 'autocog-lm';
import type { Test } from 'tap';
import { checkAgainstOracle, checkArithmetic, logprobsOf } from './choose-checks.js';
import { at, endOf, join, promptOf, softmax, sum } from './oracle.js';
import { has, type Subject } from './subject.js';
import { near, testWith } from './with-lm.js';

export function chooseSuite(t: Test, subject: Subject): void {
  const { make, prompt, choices, tolerance } = subject;
  const same = (t: Test, found: Choice, expected: Choice, what: string): void => {
    for (const [index, logprob] of logprobsOf(expected).entries()) {
      near(t, at(found.choices, index).logprob, logprob, tolerance, `${what}, choice ${index}`);
    }
  };

  testWith(t, make, 'choose picks the most likely choice according to greedy', async (t, lm) => {
    const choice = await lm.choose(prompt, choices);
    checkArithmetic(t, choice);
    await checkAgainstOracle(t, lm, choice, tolerance);
    t.same(choice.boundary, {
      kind: 'separate',
      tokens: await promptOf(lm, prompt),
      merges: undefined,
    });
    const scores = choice.choices.map(({ score }) => score);
    t.same(scores, logprobsOf(choice));
    for (const [index, probability] of softmax(scores).entries()) {
      near(t, at(choice.choices, index).probability, probability, 1e-9, `probability ${index}`);
    }
    near(t, choice.mass, sum(logprobsOf(choice).map(Math.exp)), 1e-9, 'mass');
    const [first, second] = scores.slice().sort((a, b) => b - a) as [number, number];
    near(t, choice.margin, first - second, 1e-9, 'margin');
    t.match(choice, { search: 'exhaustive', certified: choices.length });
    t.ok(choice.choices.every(({ exact }) => exact));
    const optional = ['interval', 'priorLogprob', 'ranks', 'endLogprob'];
    t.notOk(optional.some((key) => choice.choices.some((scored) => key in scored)));
    t.notOk('massInterval' in choice);
    t.equal(choice.usage.promptTokens, choice.boundary.tokens.length);
    t.ok(choice.timings.totalMs >= choice.timings.tokenizeMs);
  });

  testWith(
    t,
    make,
    'choose returns equal results for token ids and for duplicates',
    async (t, lm) => {
      const tokens = await Promise.all(
        choices.map((text) => lm.tokenize(text, { continuation: true })),
      );
      const plain = await lm.choose(prompt, choices);
      const ids = await lm.choose(await promptOf(lm, prompt), [
        ...tokens,
        at(tokens, 1),
        at(tokens, 0),
      ]);
      checkArithmetic(t, ids);
      same(t, ids, plain, 'by ids');
      const { rank: _, index: __, ...original } = at(ids.choices, 1);
      t.match(ids.choices[choices.length], original, 'a duplicate equals its original');
      near(t, ids.mass, plain.mass, 1e-4, 'mass counts duplicates once');
      near(t, ids.margin, plain.margin, 2 * tolerance, 'so does margin');
      near(t, ids.probability, plain.probability, 1e-3, 'so do probabilities');
      t.equal(ids.tree.size, plain.tree.size);
      t.equal(at(ids.choices, 0).text, await lm.detokenize(at(tokens, 0), { continuation: true }));
    },
  );

  testWith(
    t,
    make,
    'a choice may be a prefix of another, and never scores lower',
    async (t, lm) => {
      const [first] = choices;
      const choice = await lm.choose(prompt, [first + first, first, first + choices[1]]);
      checkArithmetic(t, choice);
      const [long, short] = logprobsOf(choice) as [number, number];
      t.ok(short >= long);
      const alone = await lm.choose(prompt, [first]);
      near(t, short, alone.logprob, tolerance, 'an inner node');
      t.equal(alone.probability, 1);
      t.equal(alone.margin, Infinity);
      const nodes = choice.tree.nodes();
      const inner = nodes.filter(({ choices }) => choices.length > 0);
      t.same(inner.flatMap(({ choices }) => choices).sort(), [0, 1, 2]);
    },
  );

  testWith(t, make, 'each normalization divides by its own length', async (t, lm) => {
    const texts = [...choices, 'é😀'];
    const lengths = {
      none: texts.map(() => 1),
      tokens: await Promise.all(
        texts.map(async (text) => (await lm.tokenize(text, { continuation: true })).length),
      ),
      bytes: texts.map((text) => Buffer.byteLength(text)),
      chars: texts.map((text) => [...text].length),
    };
    for (const normalize of ['none', 'tokens', 'bytes', 'chars'] as const) {
      const choice = await lm.choose(prompt, texts, { normalize });
      checkArithmetic(t, choice);
      for (const [index, { logprob, score }] of choice.choices.entries()) {
        near(t, score, logprob / at(lengths[normalize], index), 1e-12, `${normalize} of ${index}`);
      }
    }
  });

  testWith(t, make, "terminator 'eog' adds the probability of an end token", async (t, lm) => {
    const texts = [...choices, ''];
    const plain = await lm.choose(prompt, choices);
    const choice = await lm.choose(prompt, texts, { terminator: 'eog' });
    checkArithmetic(t, choice);
    const tokens = await promptOf(lm, prompt);
    for (const [index, scored] of choice.choices.entries()) {
      const end = await endOf(lm, join(tokens, scored.tokens));
      near(t, scored.endLogprob ?? Number.NaN, end, tolerance, `the end of ${index}`);
      const before = plain.choices[index]?.logprob ?? 0;
      near(t, scored.logprob, before + end, 2 * tolerance, `all of ${index}`);
    }
    t.ok(choice.mass <= 1);
    const ends = choice.tree.nodes().filter(({ end }) => end !== undefined);
    t.equal(ends.length, texts.length, 'only at the ends of choices');
    const normalized = await lm.choose(prompt, texts, { terminator: 'eog', normalize: 'tokens' });
    for (const { logprob, score, tokens } of normalized.choices) {
      near(t, score, logprob / (tokens.length + 1), 1e-12, 'the end counts as a token');
    }
  });

  testWith(t, make, 'a text terminator is scored after each choice', async (t, lm) => {
    const terminator = choices[2];
    const suffix = await lm.tokenize(terminator, { continuation: true });
    const choice = await lm.choose(prompt, ['', choices[0], choices[1]], { terminator });
    checkArithmetic(t, choice);
    await checkAgainstOracle(t, lm, choice, tolerance);
    t.same(at(choice.choices, 0).tokens, suffix, 'an empty choice scores the terminator alone');
    t.same(
      at(choice.choices, 1).tokens,
      join(await lm.tokenize(choices[0], { continuation: true }), suffix),
    );
    t.equal(at(choice.choices, 1).endLogprob, undefined);
    await t.rejects(lm.choose(prompt, choices, { terminator: '' }), { name: 'RangeError' });
  });

  testWith(t, make, 'an empty choice is rejected without a terminator', async (t, lm) => {
    const empty = { name: 'RangeError', message: /choices\[1\]/ };
    await t.rejects(lm.choose(prompt, ['a', '']), empty);
    await t.rejects(lm.choose(prompt, [Int32Array.of(1), new Int32Array(0)]), empty);
    const options = { terminator: 'eog', normalize: 'bytes' } as const;
    await t.rejects(lm.choose(prompt, ['a', ''], options), empty);
  });

  testWith(t, make, 'shuffling choices and adding others changes nothing', async (t, lm) => {
    const plain = await lm.choose(prompt, choices);
    const others = ['z', `${choices[0]}q`, 'zebra', 'zoo', ...choices.map((text) => text + text)];
    const mixed = await lm.choose(prompt, [...others, ...choices].reverse());
    checkArithmetic(t, mixed);
    for (const { text, logprob } of plain.choices) {
      const found = at(
        mixed.choices.filter((choice) => choice.text === text),
        0,
      );
      near(t, found.logprob, logprob, tolerance, text);
    }
  });

  testWith(
    t,
    make,
    'all next tokens together have the probability of their prefix',
    async (t, lm) => {
      const size = (await lm.greedy(prompt)).length;
      const every = Array.from({ length: size }, (_, token) => token);
      const first = await lm.choose(
        prompt,
        every.map((token) => Int32Array.of(token)),
      );
      near(t, first.mass, 1, 1e-4, 'after the prompt');
      const parent = at(await lm.tokenize(choices[0], { continuation: true }), 0);
      const below = every.map((token) => Int32Array.of(parent, token));
      const second = await lm.choose(prompt, below);
      const probability = Math.exp(at(first.choices, parent).logprob);
      near(t, second.mass / probability, 1, 1e-3, 'after a token');
    },
  );

  testWith(t, make, 'sequential batching returns the same results as a tree', async (t, lm) => {
    const texts = [...choices, choices[0] + choices[1], choices[0]];
    const joint = has(subject, 'boundaries') ? [{ boundary: 'joint' } as const] : [];
    const sets: ChooseOptions[] = [{}, { terminator: 'eog' }, ...joint];
    for (const options of sets) {
      const tree = await lm.choose(prompt, texts, options);
      const sequential = await lm.choose(prompt, texts, { ...options, batching: 'sequential' });
      checkArithmetic(t, sequential);
      same(t, sequential, tree, JSON.stringify(options));
      const [less, more] = [tree, sequential].map(
        ({ usage }) => usage.decodedTokens + usage.cachedTokens,
      );
      t.ok((less ?? 0) <= (more ?? 0), 'and is no cheaper');
    }
  });

  if (has(subject, 'boundaries')) jointSuite(t, subject);

  testWith(t, make, 'the tree has every score, and shows it', async (t, lm) => {
    const choice = await lm.choose(prompt, choices);
    const nodes = choice.tree.nodes();
    for (const { index, logprob } of choice.choices) {
      const end = at(
        nodes.filter((node) => node.choices.includes(index)),
        0,
      );
      near(t, end.cumulative ?? Number.NaN, logprob, 1e-9, `choice ${index}`);
      t.match(choice.tree.toGraphviz(), `choice ${index}`);
    }
    t.equal(JSON.parse(JSON.stringify(choice.tree)).nodes.length, choice.tree.size + 1);
  });

  testWith(t, make, 'invalid choices are rejected', async (t, lm) => {
    const rejected = (bad: unknown, name: string) =>
      t.rejects(lm.choose(prompt, bad as never), { name });
    await rejected([], 'RangeError');
    await rejected('abc', 'TypeError');
    await rejected(undefined, 'TypeError');
    await rejected(['a', Int32Array.of(1)], 'TypeError');
    await rejected([Int32Array.of(1), 'a'], 'TypeError');
    await rejected([[1, 2]], 'TypeError');
    await rejected([3], 'TypeError');
    await rejected([Int32Array.of(-1)], 'RangeError');
  });

  testWith(t, make, 'unknown options and invalid values are rejected', async (t, lm) => {
    const rejected = (options: object, name: string, message = /./) =>
      t.rejects(lm.choose(prompt, choices, options as never), { name, message });
    await rejected({ normalise: 'tokens' }, 'TypeError', /normalize.*normalise/);
    await rejected({ normalize: 'words' }, 'TypeError', /'none', 'tokens'/);
    await rejected({ boundary: 'merged' }, 'TypeError', /'separate', 'joint', 'healed'/);
    await rejected({ batching: true }, 'TypeError');
    await rejected({ terminator: 3 }, 'TypeError');
    await rejected({ prior: 3 }, 'TypeError', /a string for prior, got 3/);
    await rejected({ merges: 'yes' }, 'TypeError', /merges/);
    await rejected({ details: 1 }, 'TypeError', /details/);
    await rejected({ search: 'best' }, 'TypeError', /'auto', 'exhaustive', 'bound'/);
    await rejected({ search: 'bound', batching: 'sequential' }, 'TypeError', /for search/);
    await rejected({ top: '1' }, 'TypeError', /top/);
    await rejected({ top: 0 }, 'RangeError', /top/);
    await rejected({ top: 1.5 }, 'RangeError', /top/);
    await rejected({ tolerance: '0' }, 'TypeError', /tolerance/);
    await rejected({ tolerance: -0.1 }, 'RangeError', /tolerance/);
    await rejected({ tolerance: 1 }, 'RangeError', /below 1 for tolerance/);
    await rejected({ tolerance: Number.NaN }, 'RangeError', /tolerance/);
    await t.rejects(lm.choose(prompt, choices, null as never), { name: 'TypeError' });
  });
}

function jointSuite(t: Test, { make, prompt, choices, tolerance }: Subject): void {
  testWith(
    t,
    make,
    'a joint boundary scores the tokens of prompt and choice tokenized together',
    async (t, lm) => {
      const context = prompt.trimEnd();
      const texts = choices.map((text) => text.trimStart());
      const choice = await lm.choose(`${context} `, texts, { boundary: 'joint' });
      checkArithmetic(t, choice);
      await checkAgainstOracle(t, lm, choice, tolerance);
      t.equal(choice.boundary.kind, 'joint');
      t.same(
        choice.boundary.tokens,
        await promptOf(lm, context),
        'white space moves to the choice',
      );
      for (const { index, text, tokens } of choice.choices) {
        const joined = await promptOf(lm, `${context} ${text}`);
        t.same(join(choice.boundary.tokens, tokens), joined);
        const separated = join(
          await promptOf(lm, `${context} `),
          await lm.tokenize(text, { continuation: true }),
        );
        t.equal(choice.boundary.merges?.includes(index), `${separated}` !== `${joined}`);
        t.equal(text, texts[index], 'the text is unchanged');
      }
      const rejected = { name: 'TypeError' };
      const ids = [await lm.tokenize(at(texts, 0), { continuation: true })];
      await t.rejects(lm.choose(prompt, ids, { boundary: 'joint' }), rejected);
      await t.rejects(lm.choose(at(ids, 0), texts, { boundary: 'joint' }), rejected);
    },
  );
}
