// `calibrate`: it finds the temperature and bias that made the rows, is honest about what it has not
// seen, and its value is what `decide` takes.

import {
  type Calibration,
  calibrate,
  defaultModelPath,
  type LabelledRow,
  LLaMa,
  reliabilityDiagram,
} from 'autocog-lm';
import t from 'tap';
import { heldOutDecisions } from '../../models/questions.mjs';
import { at, softmax } from '../suite/oracle.js';
import { near } from '../suite/with-lm.js';
import { oneThread } from '../support/forms.js';

/** A small generator of random numbers, for reproducible rows. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

type Bias = readonly [number, number, number];

/** Rows whose right answers are drawn from softmax(scores / temperature + bias). */
function rowsOf(count: number, temperature: number, bias: Bias = [0, 0, 0]): LabelledRow[] {
  const random = randomFrom(7);
  const names = ['a', 'b', 'c'];
  return Array.from({ length: count }, () => {
    const scores = names.map(() => 12 * random() - 6);
    const p = softmax(scores.map((score, index) => score / temperature + at(bias, index)));
    const draw = random();
    const truth = draw < at(p, 0) ? 'a' : draw < at(p, 0) + at(p, 1) ? 'b' : 'c';
    const options = names.map((name, index) => ({ name, score: at(scores, index) }));
    return {
      decision: { method: 'text', answers: { q: { type: 'choice', options } } },
      truth: { q: truth },
    };
  });
}

t.test('it finds the temperature of overconfident answers', async (t) => {
  const { calibration, report } = calibrate(rowsOf(2000, 3));
  near(t, calibration.types.choice?.temperature ?? 0, 3, 0.3, 'temperature');
  const [group] = report.groups;
  t.match(group, { name: 'choice', answers: 2000, kept: true });
  t.equal(report.after.accuracy, report.before.accuracy, 'a temperature changes no answer');
  t.ok(
    report.after.ece < 0.03 && report.before.ece > 0.1,
    `${report.before.ece} → ${report.after.ece}`,
  );
  t.ok(report.after.logLoss < report.before.logLoss && report.after.brier < report.before.brier);
  t.equal(report.after.bins.length, 10);
  t.equal(
    report.after.bins.reduce((sum, { count }) => sum + count, 0),
    2000,
  );
});

t.test('it finds a bias', async (t) => {
  const { calibration, report } = calibrate(rowsOf(3000, 2, [2, 0, -1]), { bias: true });
  const { temperature, bias } = calibration.types.choice ?? { temperature: 0 };
  near(t, temperature, 2, 0.25, 'temperature');
  near(t, (bias?.a ?? 0) - (bias?.b ?? 0), 2, 0.3, 'a − b');
  near(t, (bias?.b ?? 0) - (bias?.c ?? 0), 1, 0.3, 'b − c');
  t.ok(report.after.accuracy > report.before.accuracy);
});

t.test('a scale that does not help on held-out answers is left out', async (t) => {
  const { calibration, report } = calibrate(rowsOf(12, 1), { bias: true, by: 'question' });
  t.same(calibration, { version: 1, method: 'text', types: {}, questions: {} });
  t.equal(report.groups[0]?.kept, false);
  t.same(report.after, report.before);
});

t.test('a threshold reaches the requested precision', async (t) => {
  const { report } = calibrate(rowsOf(2000, 3), { precision: 0.9 });
  const { threshold = 0, precision = 0, coverage = 0 } = report.threshold ?? {};
  t.ok(
    precision >= 0.9 && coverage > 0.1 && coverage < 1,
    `${threshold}: ${precision}, ${coverage}`,
  );
  const hopeless = rowsOf(50, 1).map((row) => ({ ...row, truth: { q: 'a' } }));
  const never = hopeless.filter(({ decision }) => {
    const [a, b] = decision.answers.q?.options ?? [];
    return (a?.score ?? 0) < (b?.score ?? 0);
  });
  t.equal(calibrate(never).report.threshold, undefined);
});

t.test('answers that are all right or all impossible do not break it', async (t) => {
  const sure = rowsOf(20, 1).map(({ decision, truth }) => {
    const options = ['a', 'b', 'c'].map((name) => ({
      name,
      score: name === truth.q ? -0.1 : -Infinity,
    }));
    return {
      decision: { ...decision, answers: { q: { type: 'choice', options } as const } },
      truth,
    };
  });
  const { report } = calibrate(sure, { bias: true });
  for (const value of [report.before.logLoss, report.after.ece, report.after.brier]) {
    t.ok(Number.isFinite(value));
  }
  const copy = JSON.parse(JSON.stringify(sure));
  t.same(calibrate(copy), calibrate(sure), 'rows may come from JSON');
});

/** The rows with other scores. */
const rescored = (
  rows: readonly LabelledRow[],
  scoreOf: (score: number, isRight: boolean, row: number) => number,
): LabelledRow[] =>
  rows.map(({ decision, truth }, row) => {
    const options = at([decision.answers.q?.options ?? []], 0).map(({ name, score }) => {
      return { name, score: scoreOf(score, name === truth.q, row) };
    });
    return { decision: { ...decision, answers: { q: { type: 'choice', options } } }, truth };
  });

t.test('right answers that are impossible do not pull the scale', async (t) => {
  const rows = rowsOf(400, 3);
  for (const bias of [false, true]) {
    const scaleOf = (given: LabelledRow[]) => at(calibrate(given, { bias }).report.groups, 0).scale;
    const without = scaleOf(rows.filter((_, row) => row % 10 !== 0));
    for (const shift of [0, 5, -50]) {
      const { temperature } = scaleOf(
        rescored(rows, (score, isRight, row) =>
          isRight && row % 10 === 0 ? -Infinity : score + shift,
        ),
      );
      near(t, temperature, without.temperature, 1e-6, `shifted by ${shift}`);
    }
  }
});

t.test('any number of rows, with as many biases as can be fitted', async (t) => {
  const [row] = rescored(rowsOf(1, 1), (score) => score);
  const one = { type: 'choice', options: [{ name: 'a', score: -1 }] } as const;
  const single: LabelledRow = {
    decision: { method: 'text', answers: { q: one } },
    truth: { q: 'a' },
  };
  const { report } = calibrate(Array.from({ length: 150_000 }, () => single));
  t.match(report.groups, [{ answers: 150_000, kept: false, scale: { temperature: 1 } }]);
  const options = Array.from({ length: 1001 }, (_, index) => ({ name: `${index}`, score: -1 }));
  const wide: LabelledRow = {
    decision: { method: 'text', answers: { q: { type: 'choice', options } } },
    truth: { q: '7' },
  };
  t.throws(() => calibrate([row as LabelledRow, wide], { bias: true }), {
    name: 'RangeError',
    message: /1004 different options/,
  });
});

t.test('the diagram is SVG', async (t) => {
  const { report } = calibrate(rowsOf(200, 3));
  const svg = reliabilityDiagram(report, 'a < b & "c"');
  t.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  t.match(svg, 'a &#60; b &#38; &#34;c&#34;');
  t.notMatch(svg, /NaN|undefined/);
  t.equal(svg.match(/<polyline/g)?.length, 2);
});

t.test('rows and options that are not valid are refused', async (t) => {
  const [row] = rowsOf(1, 1);
  const { report } = calibrate(rowsOf(5, 1));
  const broken: [unknown, string][] = [
    [undefined, 'TypeError'],
    [[], 'RangeError'],
    [[row], 'RangeError'],
    [[row, null], 'TypeError'],
    [[row, { ...row, truth: { q: 'd' } }], 'RangeError'],
    [[row, { ...row, truth: { q: 1 } }], 'TypeError'],
    [[row, { ...row, truth: { other: 'a' } }], 'TypeError'],
    [[row, { decision: { ...row?.decision, method: 'labels' }, truth: row?.truth }], 'RangeError'],
  ];
  const answered = (q: object) => [{ decision: { method: 'text', answers: { q } }, truth: {} }];
  const boolean = answered({ type: 'boolean', options: [{ name: 'Yes', score: -1 }] });
  const nothing = answered({ type: 'choice', options: [{ name: 'a', score: null }] });
  broken.push([[row, { ...boolean[0], truth: { q: true } }], 'RangeError']);
  broken.push([[row, { ...nothing[0], truth: { q: 'a' } }], 'RangeError']);
  for (const wrong of [undefined, {}, { before: report.before }]) {
    t.throws(() => reliabilityDiagram(wrong as typeof report), { name: 'TypeError' });
  }
  for (const [rows, name] of broken) {
    t.throws(() => calibrate(rows as LabelledRow[]), { name });
  }
  for (const options of [
    { by: 'row' },
    { folds: 1 },
    { bins: 0 },
    { precision: 0 },
    { extra: 1 },
  ]) {
    t.throws(() => calibrate(rowsOf(5, 1), options as object), /Expected/);
  }
});

t.test('decide applies it, and says so', async (t) => {
  await using lm = await LLaMa.load(defaultModelPath, oneThread);
  const rows: LabelledRow[] = [];
  for (const { state, question, answer } of heldOutDecisions(3, 24)) {
    const truth = question.type === 'boolean' ? answer === 'Yes' : answer;
    rows.push({ decision: await lm.decide(state, { q: question }), truth: { q: truth } });
  }
  const { report } = calibrate(rows, { folds: 4 });
  t.same(report.groups.map(({ name }) => name).sort(), ['boolean', 'choice']);
  const q = {
    type: 'choice',
    instructions: 'What is the capital of France?',
    criteria: ['Paris', 'Rome'],
  } as const;
  const calibration: Calibration = {
    version: 1,
    method: 'text',
    types: { choice: { temperature: 4 } },
    questions: { special: { temperature: 2, bias: { Rome: 1 } } },
  };
  const plain = (await lm.decide('', { q })).answers.q;
  const { answers } = await lm.decide('', { q, special: q }, { calibration });
  t.equal(plain.scale, undefined);
  t.same(answers.q.scale, { temperature: 4 });
  const [a, b] = plain.options.map(({ logprob }) => logprob) as [number, number];
  near(t, answers.q.probabilities.Paris, at(softmax([a / 4, b / 4]), 0), 1e-3, 'temperature');
  near(t, answers.special.probabilities.Rome, at(softmax([a / 2, b / 2 + 1]), 1), 1e-3, 'bias');
  const calibrated = [
    { decision: await lm.decide('', { q }, { calibration }), truth: { q: 'Paris' } },
  ];
  t.throws(() => calibrate([...rows, ...calibrated]), /without calibration/);
  await t.rejects(
    lm.decide('', { q }, { calibration, method: 'labels' }),
    /a calibration for 'labels'/,
  );
  for (const wrong of [
    {},
    { ...calibration, version: 2 },
    { ...calibration, types: { box: {} } },
  ]) {
    await t.rejects(lm.decide('', { q }, { calibration: wrong as Calibration }), /calibration/);
  }
  for (const temperature of [0, -1, 1e-320, 1e7]) {
    const extreme = { ...calibration, types: { choice: { temperature } } };
    await t.rejects(lm.decide('', { q }, { calibration: extreme }), { name: 'RangeError' });
  }
});
