// For every architecture that the vendored llama.cpp can build a model of: the scores equal those
// of brute force, or the LM refuses the model with a reason. None aborts the process.

import t, { type Test } from 'tap';
import { type Attempt, modelNames, type Trial, tryModels } from './support/architectures.js';
import { report } from './support/tools.js';

const modelCount = 157;
/** The minimum number of models that can be scored; fewer would be a regression. */
const minScored = 137;

/**
 * ggml computes GELU with a table of 16-bit floats: in models that use it, a rounding difference
 * may select the neighboring entry.
 */
const withGeluTable = new Set([
  ...['bloom', 'codeshell', 'falcon', 'gemma', 'gemma2', 'gemma3', 'gemma3n', 'gemma4', 'gpt2'],
  ...['gptneox', 'grok', 'mpt', 'phi2', 'pockettts', 'spark2_5', 'starcoder', 'starcoder2', 't5'],
]);

/** Architectures with learned position embeddings, which end at the training context. */
const withLearnedPositions = new Set(['gpt2', 'mpt', 'starcoder']);

/** The bound of differences: at least three times the largest observed. */
function boundOf(architecture: string): number {
  if (withGeluTable.has(architecture)) return 4e-3;
  // It runs its layers several times.
  if (architecture === 'hrm_text') return 3e-4;
  return 3e-5;
}

/**
 * The minimum ratio of sensitivity to the largest difference: if attention saw a wrong token, or
 * missed one, the scores would change by far more than the differences observed.
 */
const minRatio = 20;

const prefix = 'NotSupportedError: This model cannot be used for scoring: ';

function checkAttempt(t: Test, label: string, attempt: Attempt): void {
  if (attempt.outcome === 'failed') {
    t.fail(`${label}: ${attempt.reason}`, { cause: attempt.cause });
    return;
  }
  if (attempt.outcome === 'refused') {
    const reason = attempt.reason.slice(prefix.length);
    t.ok(attempt.reason.startsWith(prefix) && reason.length > 10, `${label} is refused: ${reason}`);
    return;
  }
  const [worst, sensitivity] = [Number(attempt.worst), Number(attempt.sensitivity)];
  const bound = boundOf(attempt.architecture);
  t.ok(worst <= bound, `${label} is scored correctly: ${worst} is within ${bound}`, {
    ways: attempt.ways,
  });
  t.ok(
    sensitivity >= minRatio * worst,
    `${label}: a wrong attention mask would change scores by ${sensitivity}`,
  );
  const { limit, architecture } = attempt;
  if (limit === undefined) t.notOk(withLearnedPositions.has(architecture), `${label} has no limit`);
  else t.match(limit, /the positions that this model knows, for contextSize/, `${label}: ${limit}`);
  t.ok(attempt.count >= 1000, `${label}: ${attempt.count} values are compared`);
}

/** A human-readable summary of the models by outcome. */
function summarize(trials: readonly Trial[]): string[] {
  const first = trials.flatMap(({ name, attempts: [attempt], death }) => {
    const outcome = death === undefined ? (attempt?.outcome ?? 'failed') : 'died';
    return [{ name, outcome, attempt }];
  });
  const withOutcome = (name: string) => first.filter(({ outcome }) => outcome === name);
  const counts = ['scored', 'refused', 'failed', 'died'].map(
    (outcome) => `${withOutcome(outcome).length} ${outcome}`,
  );
  const reasons = new Map<string, string[]>();
  for (const { name, attempt } of withOutcome('refused')) {
    if (attempt?.outcome !== 'refused') continue;
    const reason = attempt.reason.slice(prefix.length);
    reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  }
  const scored = trials.flatMap(({ name, attempts, fromProgram }) =>
    attempts.flatMap((attempt) =>
      attempt.outcome === 'scored' ? [{ name, fromProgram, ...attempt }] : [],
    ),
  );
  const row = ({ name, picked, worst, sensitivity, fromProgram }: (typeof scored)[number]) => {
    const program = picked === undefined ? [fromProgram ?? Number.NaN] : [];
    const figures = [worst, sensitivity, ...program].map((value) =>
      Number(value).toExponential(1).padStart(9),
    );
    return `  ${(picked === undefined ? name : `${name}, sparse`).padEnd(28)}${figures.join('')}`;
  };
  return [
    `architectures: ${trials.length} models: ${counts.join(', ')}`,
    ...[...reasons].flatMap(([reason, names]) => [
      `refused, because ${reason}:`,
      `  ${names.join(', ')}`,
    ]),
    'scored: difference from brute force; effect of one wrong token; difference from llama-server, of T5 from encode-decode',
    ...scored.map(row),
  ];
}

t.test('every architecture', async (t) => {
  const names = await modelNames();
  t.equal(names.length, modelCount, 'the number of architectures has not changed');
  const trials = await tryModels(names, 2);
  await report('architectures', summarize(trials));
  for (const { name, attempts, death, fromProgram } of trials) {
    if (death !== undefined) {
      t.fail(`${name} aborted its process`, { death });
      continue;
    }
    for (const attempt of attempts) {
      const { picked, architecture } = attempt;
      checkAttempt(t, picked === undefined ? name : `${name}, sparse,`, attempt);
      if (attempt.outcome !== 'scored' || picked !== undefined) continue;
      // llama-server reads the logits of another token than it requests: see decoding_rules.cc.
      if (architecture === 'cogvlm') continue;
      const off = fromProgram ?? Number.NaN;
      t.ok(off <= boundOf(architecture), `${name}: llama.cpp's program agrees within ${off}`);
    }
  }
  const scored = trials.filter(({ attempts: [attempt] }) => attempt?.outcome === 'scored');
  t.ok(scored.length >= minScored, `${scored.length} models are scored`);
});
