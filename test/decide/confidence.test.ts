// Formulas of confidence: published values and what they have in common.

import { confidenceOf, confidences } from 'autocog-lm';
import t from 'tap';
import { near } from '../suite/with-lm.js';

const choices: [p: number[], reference: number, entropy: number, margin: number][] = [
  [[0.88, 0.12], 0.76, 0.4706, 0.76],
  [[0.0125, 0.9781, 0.0093], 0.9671, 0.8908, 0.9656],
  [[0.6, 0.3, 0.1], 0.4, 0.1827, 0.3],
  [[0.25, 0.25, 0.25, 0.25], 0, 0, 0],
];

const levels: [p: number[], reference: number, deviation: number][] = [
  [[0, 0.95, 0.05], 0.925, 0.7821],
  [[0, 0.57, 0.43], 0.355, 0.5049],
  [[0.0023, 0.116, 0.6753, 0.2064], 0.673, 0.6204],
  [[0.5, 0, 0.5], 0, 0],
  [[0.0765, 0.365, 0.211, 0.1901, 0.1574], 0.0501, 0.3896],
  [[0.2, 0.2, 0.2, 0.2, 0.2], 0, 0.2929],
];

t.test('of choices', async (t) => {
  for (const [p, reference, entropy, margin] of choices) {
    near(t, confidenceOf(p, 'reference', 'choice'), reference, 5e-4, `reference of ${p}`);
    near(t, confidenceOf(p, 'deviation', 'choice'), reference, 5e-4, `deviation of ${p}`);
    near(t, confidenceOf(p, 'entropy', 'choice'), entropy, 5e-4, `entropy of ${p}`);
    near(t, confidenceOf(p, 'margin', 'choice'), margin, 5e-4, `margin of ${p}`);
    t.equal(confidenceOf(p, 'max', 'choice'), Math.max(...p));
  }
});

t.test('of scores', async (t) => {
  for (const [p, reference, deviation] of levels) {
    near(t, confidenceOf(p, 'reference', 'score'), reference, 5e-4, `reference of ${p}`);
    near(t, confidenceOf(p, 'deviation', 'score'), deviation, 5e-4, `deviation of ${p}`);
  }
});

t.test('each is 1 for certainty, and between 0 and 1', async (t) => {
  for (const formula of confidences) {
    for (const type of ['choice', 'score', 'boolean'] as const) {
      t.equal(confidenceOf([1], formula, type), 1);
      t.equal(confidenceOf([0, 1], formula, type), 1);
      const value = confidenceOf([0.5, 0.2, 0.3], formula, type);
      t.ok(value >= 0 && value <= 1);
    }
  }
});

t.test('arguments that are not valid are refused', (t) => {
  const wrong: [unknown, unknown, unknown, string][] = [
    [undefined, 'max', 'choice', 'TypeError'],
    [[], 'max', 'choice', 'RangeError'],
    [[Number.NaN, 1], 'max', 'choice', 'RangeError'],
    [[-1, 2], 'max', 'choice', 'RangeError'],
    [['1'], 'max', 'choice', 'TypeError'],
    [[0.5, 0.5], 'maximum', 'choice', 'TypeError'],
    [[0.5, 0.5], 'max', 'noul', 'TypeError'],
  ];
  for (const [p, formula, type, name] of wrong) {
    t.throws(() => confidenceOf(p as [], formula as 'max', type as 'choice'), {
      name,
      message: /^Expected/,
    });
  }
  t.end();
});
