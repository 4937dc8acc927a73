// Every architecture that the vendored llama.cpp can make a model of: its scores are those of
// brute force, or the LM says that it cannot have them and why. None ends the process.

import t, { type Test } from 'tap';
import { type Attempt, modelNames, type Trial, tryModels } from './support/architectures.js';
import { report } from './support/tools.js';

/** Of which so many can be scored; more would be a gain, fewer a loss. */
const modelCount = 157;
const leastScored = 110;

/**
 * ggml computes GELU by a table of 16-bit floats: in models that use it, the last digit of a
 * value now and then decides between two entries.
 */
const withTables = new Set([
  ...['bloom', 'codeshell', 'falcon', 'gemma', 'gemma2', 'gemma3', 'gemma3n', 'gemma4', 'gpt2'],
  ...['gptneox', 'grok', 'mpt', 'phi2', 'pockettts', 'spark2_5', 'starcoder', 'starcoder2'],
]);

/** They know as many positions as they were trained with. */
const withPositions = new Set(['gpt2', 'mpt', 'starcoder']);

/** At least three times what was observed. */
function boundOf(architecture: string): number {
  if (withTables.has(architecture)) return 4e-3;
  // It goes through its layers many times.
  if (architecture === 'hrm_text') return 3e-4;
  return 3e-5;
}

/** What a token moves that is seen and should not be, or the other way round, is far more. */
const leastRatio = 20;

const prefix = 'NotSupportedError: This model cannot be used for scoring: ';

function checkAttempt(t: Test, what: string, attempt: Attempt): void {
  if (attempt.outcome === 'failed') {
    t.fail(`${what}: ${attempt.reason}`, { cause: attempt.cause });
    return;
  }
  if (attempt.outcome === 'refused') {
    const reason = attempt.reason.slice(prefix.length);
    t.ok(attempt.reason.startsWith(prefix) && reason.length > 10, `${what} is refused: ${reason}`);
    return;
  }
  const [worst, sensitivity] = [Number(attempt.worst), Number(attempt.sensitivity)];
  const bound = boundOf(attempt.architecture);
  t.ok(worst <= bound, `${what} is scored right: ${worst} is within ${bound}`, {
    ways: attempt.ways,
  });
  t.ok(sensitivity >= leastRatio * worst, `${what}: an error would show, as ${sensitivity}`);
  const { limit, architecture } = attempt;
  if (limit === undefined) t.notOk(withPositions.has(architecture), `${what} has no limit`);
  else t.match(limit, /the positions that this model knows, for contextSize/, `${what}: ${limit}`);
  t.ok(attempt.count >= 1000, `${what}: there are ${attempt.count} values`);
}

/** The models by what came of them, for people. */
function summarise(trials: readonly Trial[]): string[] {
  const first = trials.flatMap(({ name, attempts: [attempt], death }) => {
    const outcome = death === undefined ? (attempt?.outcome ?? 'failed') : 'died';
    return [{ name, outcome, attempt }];
  });
  const ofOutcome = (wanted: string) => first.filter(({ outcome }) => outcome === wanted);
  const counts = ['scored', 'refused', 'failed', 'died'].map(
    (outcome) => `${ofOutcome(outcome).length} ${outcome}`,
  );
  const reasons = new Map<string, string[]>();
  for (const { name, attempt } of ofOutcome('refused')) {
    if (attempt?.outcome !== 'refused') continue;
    const reason = attempt.reason.slice(prefix.length);
    reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  }
  const scored = trials.flatMap(({ name, attempts, fromServer }) =>
    attempts.flatMap((attempt) =>
      attempt.outcome === 'scored' ? [{ name, fromServer, ...attempt }] : [],
    ),
  );
  const row = ({ name, picked, worst, sensitivity, fromServer }: (typeof scored)[number]) => {
    const server = picked === undefined ? [fromServer ?? Number.NaN] : [];
    const figures = [worst, sensitivity, ...server].map((value) =>
      Number(value).toExponential(1).padStart(9),
    );
    return `  ${(picked === undefined ? name : `${name}, sparse`).padEnd(28)}${figures.join('')}`;
  };
  return [
    `architectures: ${trials.length} models: ${counts.join(', ')}`,
    ...[...reasons].flatMap(([reason, names]) => [
      `refused, as ${reason}:`,
      `  ${names.join(', ')}`,
    ]),
    'scored: furthest from brute force; what one wrong token moves; furthest from llama-server',
    ...scored.map(row),
  ];
}

t.test('every architecture', async (t) => {
  const names = await modelNames();
  t.equal(names.length, modelCount, 'the release has the architectures that it had');
  const trials = await tryModels(names, 2);
  await report('architectures', summarise(trials));
  for (const { name, attempts, death, fromServer } of trials) {
    if (death !== undefined) {
      t.fail(`${name} ended its process`, { death });
      continue;
    }
    for (const attempt of attempts) {
      const { picked, architecture } = attempt;
      checkAttempt(t, picked === undefined ? name : `${name}, sparse,`, attempt);
      if (attempt.outcome !== 'scored' || picked !== undefined) continue;
      const off = fromServer ?? Number.NaN;
      t.ok(off <= boundOf(architecture), `${name}: llama-server agrees within ${off}`);
    }
  }
  const scored = trials.filter(({ attempts: [attempt] }) => attempt?.outcome === 'scored');
  t.ok(scored.length >= leastScored, `${scored.length} models are scored`);
});
