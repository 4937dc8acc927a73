// Grammars in `complete`: generated text is always derivable, errors are reported with their
// position, and the same seed generates the same text.

import {
  defaultModelPath,
  LLaMa,
  Model,
  type SamplerOptions,
  SamplerSettings,
  samplers,
} from 'autocog-lm';
import t, { type Test } from 'tap';
import { failure } from '../support/failures.js';
import { loadForm, oneThread } from '../support/forms.js';

const grammars: Record<string, string> = {
  words: 'root ::= ([a-z]+ " ")* [a-z]+ "."',
  list: '# a list\nroot ::= item{1,3}\nitem ::= "- " [^\\n]{1,8} "\\n"',
  choice: 'root ::= ("yes" | "no") ("," .{4,20})? "."',
  nested: 'root ::= "(" root? ")" | "[" root "]" | "x"',
  accents: 'root ::= [é-ü€😀]{2,5} "!"',
  date: 'root ::= [0-9]{4} "-" ("0" [1-9] | "1" [0-2])',
};

const settings: SamplerOptions[] = [
  { temperature: 0 },
  { temperature: 0, repeatPenalty: 1.3, dryMultiplier: 1 },
  {},
  { temperature: 2, topK: 0, topP: 1, minP: 0 },
  { temperature: Infinity, topK: 0, topP: 1, minP: 0 },
  { mirostat: 2, mirostatTau: 3 },
  { temperature: 1, xtcProbability: 1, typicalP: 0.5, topNSigma: 2 },
];

async function proveDerivable(t: Test, model: Model): Promise<void> {
  await using lm = new LLaMa(model, { ...oneThread, contextSize: 512 });
  let ended = 0;
  for (const [name, grammar] of Object.entries(grammars)) {
    for (const [index, options] of settings.entries()) {
      const sampler = new SamplerSettings({ ...options, seed: index });
      const run = { grammar, sampler, maxTokens: 60 };
      const { text, stopReason, tokens } = await lm.complete('Answer:', run);
      const again = await lm.complete('Answer:', run);
      t.same([again.text, [...again.tokens]], [text, [...tokens]], `${name} again`);
      if (stopReason !== 'eog') continue;
      ended++;
      t.ok(await model.matchesGrammar(grammar, text), `${name} derives ${JSON.stringify(text)}`);
    }
  }
  t.ok(ended > settings.length * 3, `${ended} texts ended`);
}

for (const type of ['F16', 'Q8_0', 'Q4_0']) {
  t.test(`text from ${type} weights is derivable and reproducible`, async (t) => {
    await proveDerivable(t, await loadForm(t, type));
  });
}

t.test('with the default model', async (t) => {
  await using model = await Model.load(defaultModelPath);
  await using lm = new LLaMa(model, oneThread);

  await t.test('an error is reported with its position before generation', async (t) => {
    const mistakes = [
      [
        'root ::= [a-z',
        "Line 1, column 14: expected ']' at the end of a class, got the end of the text",
      ],
      [
        'root ::= "a"\n\n  item ::= foo',
        "Line 3, column 12: expected a rule for 'foo', which is used here, got 'foo'",
      ],
      [
        'root ::= "é" root2',
        "Line 1, column 14: expected a rule for 'root2', which is used here, got 'root2'",
      ],
      ['root ::= root "a" | "b"', 'Line 1, column 1: expected no left recursion, got root → root'],
      [
        'start ::= "a"',
        "Line 1, column 1: expected a rule for the start symbol 'root', got 'start ::= \"a\"'",
      ],
      ['root ::= "a\0"', 'Line 1, column 12: expected a text without null characters, got one'],
    ] as const;
    for (const [grammar, message] of mistakes) {
      const expected = { name: 'TypeError', code: 'INVALID_ARGUMENT', message };
      t.match(await failure(lm.complete('a', { grammar })), expected);
      t.throws(() => model.checkGrammar(grammar), expected);
      await t.rejects(model.matchesGrammar(grammar, 'a'), expected);
    }
    for (const grammar of [5, null, {}, ['root']]) {
      t.match(await failure(lm.complete('a', { grammar: grammar as never })), {
        code: 'INVALID_ARGUMENT',
      });
      t.throws(() => model.checkGrammar(grammar as never), { code: 'INVALID_ARGUMENT' });
    }
    t.match(await failure(lm.complete('a', { grammar: ' \n' })), { code: 'OUT_OF_RANGE' });
    await t.rejects(model.matchesGrammar('root ::= "a"', 5 as never), { code: 'INVALID_ARGUMENT' });
    t.equal((await lm.complete('a', { grammar: 'root ::= "b"' })).text, 'b');
  });

  await t.test(
    'hostile grammars are rejected or matched without harm to the process',
    async (t) => {
      const deep = `root ::= ${'('.repeat(100_000)}"a"${')'.repeat(100_000)}`;
      t.match(await failure(lm.complete('a', { grammar: deep })), {
        message: /at most 256 groups/,
      });
      const large = `root ::= "${'a'.repeat(100_000)}"{2000}`;
      t.match(await failure(lm.complete('a', { grammar: large })), { message: /4194304 elements/ });
      const endless = 'root ::= g root "x" | "y"\ng ::= h\nh ::= "a" | ';
      t.match(await failure(lm.complete('a', { grammar: endless })), { message: /left recursion/ });
      t.match(await failure(lm.complete('a', { grammar: 'root ::= "a"{5,3}' })), {
        message: /repetitions/,
      });
      const doubling = 'root ::= "a" root "b" | "a" root "c" | "a"';
      const { text } = await lm.complete('a', {
        grammar: doubling,
        maxTokens: 40,
        sampler: samplers.RandomSampling.with({ seed: 1 }),
      });
      t.match(text, /^a+[bc]*$/);
    },
  );

  await t.test('a grammar that allows no token is an error', async (t) => {
    const nothing = 'root ::= "a" [^\\x00-\\U0010FFFF]';
    const error = await failure(
      lm.complete('a', { grammar: nothing, sampler: { temperature: 0 } }),
    );
    t.match(error, {
      name: 'LMError',
      code: 'DECODE_FAILED',
      message: /No token is left to sample/,
    });
    const none = await lm.complete('a', { grammar: 'root ::= ""' });
    t.same([none.text, none.stopReason, none.tokens.length], ['', 'eog', 0]);
  });

  await t.test('the reported seed reproduces a text; without a seed texts differ', async (t) => {
    const run = { sampler: samplers.SimpleSampling, maxTokens: 30 };
    const first = await lm.complete('Once', run);
    t.type(first.seed, 'number');
    const again = await lm.complete('Once', {
      ...run,
      sampler: run.sampler.with({ seed: first.seed }),
    });
    t.same(
      [again.text, again.seed, [...again.tokens]],
      [first.text, first.seed, [...first.tokens]],
    );
    const others = await Promise.all(Array.from({ length: 5 }, () => lm.complete('Once', run)));
    t.ok(new Set(others.map(({ text }) => text)).size > 1);
    t.ok(new Set(others.map(({ seed }) => seed)).size > 1);
    t.equal((await lm.complete('Once', { maxTokens: 3 })).seed, undefined);
    const last = await lm.complete('Once', { ...run, sampler: { seed: 2 ** 32 - 1 } });
    const lastAgain = await lm.complete('Once', { ...run, sampler: { seed: 2 ** 32 - 1 } });
    t.same([last.text, last.seed], [lastAgain.text, 2 ** 32 - 1]);
  });

  await t.test('a logit bias forbids and prefers tokens', async (t) => {
    const greedy = { temperature: 0 };
    const { tokens } = await lm.complete('The capital of', { maxTokens: 1, sampler: greedy });
    const best = tokens[0] as number;
    const without = await lm.complete('The capital of', {
      maxTokens: 20,
      sampler: { ...greedy, logitBias: { [best]: -Infinity } },
    });
    t.notOk(without.tokens.includes(best));
    const only = await lm.complete('The capital of', {
      maxTokens: 5,
      sampler: { logitBias: { 77: 1000 } },
    });
    t.same([...only.tokens], [77, 77, 77, 77, 77]);
    const outside = { logitBias: { [model.vocab.size]: 1 } };
    t.match(await failure(lm.complete('a', { sampler: outside })), {
      name: 'RangeError',
      code: 'OUT_OF_RANGE',
    });
    const everything = Object.fromEntries(
      Array.from({ length: model.vocab.size }, (_, id) => [id, -Infinity]),
    );
    t.match(await failure(lm.complete('a', { sampler: { logitBias: everything } })), {
      code: 'DECODE_FAILED',
    });
  });

  await t.test('a grammar can refer to tokens by text and by id', async (t) => {
    const [token = 0] = model.tokenizeSync(' the');
    const { tokens } = await lm.complete('a', { grammar: `root ::= <[${token}]>{3}` });
    t.same([...tokens], [token, token, token]);
    const not = await lm.complete('a', {
      grammar: `root ::= !<[${token}]>{4}`,
      sampler: samplers.RandomSampling,
    });
    t.equal(not.tokens.length, 4);
    t.notOk(not.tokens.includes(token));
    t.throws(() => model.checkGrammar('root ::= <nonsense>'), {
      message: /text that is a single token/,
    });
  });

  await t.test('a closed model rejects grammar checks', async (t) => {
    const closed = await Model.load(defaultModelPath);
    await closed.close();
    t.throws(() => closed.checkGrammar('root ::= "a"'), { code: 'CLOSED' });
    await t.rejects(closed.matchesGrammar('root ::= "a"', 'a'), { code: 'CLOSED' });
  });
});
