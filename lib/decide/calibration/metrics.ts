// How good probabilities are. Pure arithmetic; `lib/decide/calibration/calibrate.ts` reports them.

/** A bin of answers whose largest probability is between two values. */
export interface ReliabilityBin {
  low: number;
  high: number;
  /** How many answers. */
  count: number;
  /** Their mean largest probability; NaN for none. */
  confidence: number;
  /** How many of them are right, as a share; NaN for none. */
  accuracy: number;
}

/** How good the probabilities of a set of answers are. */
export interface CalibrationMetrics {
  /** How often the most likely option is right. */
  accuracy: number;
  /** Mean of Σ (pᵢ − yᵢ)² over the options, where y is 1 for the right one: 0 to 2. */
  brier: number;
  /** Expected calibration error: the mean distance of accuracy and confidence over the bins. */
  ece: number;
  /** Mean of −ln p of the right option; p is at least 1e-12. */
  logLoss: number;
  /** The table of a reliability diagram: bins of equal width. */
  bins: ReliabilityBin[];
}

/** A threshold that reaches a precision. */
export interface Threshold {
  /** Act on answers whose largest probability is at least this. */
  threshold: number;
  /** How many of them are right, as a share. */
  precision: number;
  /** How many of all answers they are, as a share. */
  coverage: number;
}

/** The probabilities of an answer's options, and which of them is right. */
export interface Judged {
  probabilities: readonly number[];
  truth: number;
}

const largest = (values: readonly number[]): number =>
  values.reduce((max, each) => Math.max(max, each), -Infinity);

const isRight = ({ probabilities, truth }: Judged): boolean =>
  probabilities.indexOf(largest(probabilities)) === truth;

const meanOf = <T>(list: readonly T[], read: (each: T) => number): number =>
  list.reduce((sum, each) => sum + read(each), 0) / list.length;

/** The metrics of answers; at least one. */
export function metricsOf(judged: readonly Judged[], bins: number): CalibrationMetrics {
  const table = Array.from({ length: bins }, (_, index): ReliabilityBin => {
    const [low, high] = [index / bins, (index + 1) / bins];
    const own = judged.filter(({ probabilities }) => {
      return Math.min(bins - 1, Math.floor(largest(probabilities) * bins)) === index;
    });
    const confidence = meanOf(own, ({ probabilities }) => largest(probabilities));
    return {
      low,
      high,
      count: own.length,
      confidence,
      accuracy: meanOf(own, (each) => +isRight(each)),
    };
  });
  const gaps = table.map(({ count, confidence, accuracy }) => {
    return count === 0 ? 0 : count * Math.abs(accuracy - confidence);
  });
  return {
    accuracy: meanOf(judged, (each) => +isRight(each)),
    brier: meanOf(judged, ({ probabilities, truth }) =>
      probabilities.reduce((sum, p, option) => sum + (p - +(option === truth)) ** 2, 0),
    ),
    ece: gaps.reduce((sum, gap) => sum + gap, 0) / judged.length,
    logLoss: meanOf(judged, ({ probabilities, truth }) => {
      return -Math.log(Math.max(1e-12, probabilities[truth] as number));
    }),
    bins: table,
  };
}

/** The lowest threshold from which on at least so many answers are right; undefined if none is. */
export function thresholdFor(judged: readonly Judged[], precision: number): Threshold | undefined {
  const ranked = judged
    .map((each) => ({ top: largest(each.probabilities), right: isRight(each) }))
    .sort((a, b) => b.top - a.top);
  let right = 0;
  let best: Threshold | undefined;
  for (const [index, each] of ranked.entries()) {
    right += +each.right;
    // Equal probabilities are on the same side of a threshold.
    if (ranked[index + 1]?.top === each.top) continue;
    const share = right / (index + 1);
    if (share < precision) continue;
    best = { threshold: each.top, precision: share, coverage: (index + 1) / ranked.length };
  }
  return best;
}
