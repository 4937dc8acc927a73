// Random automata, and the comparison of two results of one.

import type { AutomatonJSON, ThoughtNode, ThoughtTree } from 'autocog-lm';
import fc from 'fast-check';

const words = [
  ' a',
  ' sky',
  ' is',
  ' blue',
  ' Paris',
  '.',
  '\n',
  ' 12',
  ' the capital',
  'é',
  '🙂',
  ' No',
];
const text = fc
  .array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''));
const normalize = fc.constantFrom(undefined, 'none', 'tokens', 'bytes', 'chars');
const threshold = fc.constantFrom(0, 0, 0.02, 0.2);

const fixed = fc.record({ type: fc.constant('text' as const), text, evaluate: fc.boolean() });
const choose = fc.record({
  type: fc.constant('choose' as const),
  choices: fc.uniqueArray(text, { minLength: 1, maxLength: 6 }),
  width: fc.integer({ min: 1, max: 3 }),
  threshold,
  normalize,
  terminator: fc.constantFrom('none', 'none', 'eog', '.'),
});
const complete = fc.record({
  type: fc.constant('complete' as const),
  maxTokens: fc.integer({ min: 1, max: 6 }),
  beams: fc.integer({ min: 1, max: 4 }),
  ahead: fc.constantFrom(0, 0, 1, 3),
  width: fc.integer({ min: 1, max: 2 }),
  threshold,
  normalize,
  stop: fc.constantFrom([], ['.'], ['\n', ' the'], ['e']),
  vocabulary: fc.constantFrom(
    undefined,
    undefined,
    { regex: '^[ a-z]+$' },
    { complement: { regex: 'e' } },
  ),
  repetition: fc.constantFrom(0, 0, 1),
  diversity: fc.constantFrom(0, 0, 0.3),
});

/** Automata of up to five levels, in each of which one or two actions stand side by side. */
export const randomAutomaton: fc.Arbitrary<AutomatonJSON> = fc
  .record({
    begin: fc.constantFrom('The sky', 'What is the capital of France?', 'x', ''),
    levels: fc.array(fc.array(fc.oneof(fixed, choose, complete), { minLength: 1, maxLength: 2 }), {
      minLength: 1,
      maxLength: 4,
    }),
    metric: fc.constantFrom('mean' as const, 'sum' as const, 'bytes' as const),
    boundary: fc.constantFrom('separate' as const, 'healed' as const),
  })
  .map(({ begin, levels, metric, boundary }) => {
    const ids = levels.map((level, depth) => level.map((_, index) => `${depth}.${index}`));
    const actions = levels.flatMap((level, depth) => {
      return level.map((action, index) => {
        const next = ids[depth + 1] ?? [];
        // All of one choice, or each its own, in turn.
        const perChoice = 'choices' in action && next.length === 2;
        const own = perChoice ? action.choices.map((_, nth) => next[nth % 2] as string) : next;
        return { id: ids[depth]?.[index] as string, ...action, next: own };
      });
    });
    const first = { id: 'begin', type: 'text' as const, text: begin, next: ids[0] as string[] };
    return reachable({ actions: [first, ...actions], metric, boundary });
  });

/** Without actions that no choice leads to. */
function reachable(json: AutomatonJSON): AutomatonJSON {
  const known = new Map(json.actions.map((action) => [action.id, action]));
  const seen = new Set(['begin']);
  for (const id of seen) for (const next of known.get(id)?.next ?? []) seen.add(next);
  return { ...json, actions: json.actions.filter(({ id }) => seen.has(id)) };
}

const near = (a: number, b: number, tolerance: number): boolean =>
  a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= tolerance;

/**
 * What differs between two trees; '' for nothing. A difference that begins with "tie:" may stem from
 * rounding: two results in another order whose scores are nearer than the tolerance.
 */
export function difference(a: ThoughtTree, b: ThoughtTree, tolerance: number): string {
  if (a.end !== b.end) return `end: ${a.end}, ${b.end}`;
  const pending: [ThoughtNode, ThoughtNode, string][] = [[a.root, b.root, '']];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [own, other, path] = next;
    const here = `${path}/${own.action} ${JSON.stringify(own.text)}`;
    if (
      own.action !== other.action ||
      own.text !== other.text ||
      `${own.tokens}` !== `${other.tokens}`
    ) {
      const isTie = near(own.score, other.score, 4 * tolerance);
      return `${isTie ? 'tie: ' : ''}${here}: ${other.action} ${JSON.stringify(other.text)}`;
    }
    for (const name of ['logprob', 'score', 'probability', 'pathScore', 'pathLogprob'] as const) {
      const length = Math.max(1, own.tokens.length + 4);
      if (!near(own[name], other[name], tolerance * length)) {
        return `${here}.${name}: ${own[name]}, ${other[name]}`;
      }
    }
    for (const [index, value] of own.logprobs.entries()) {
      if (!near(value, other.logprobs[index] as number, tolerance))
        return `${here}.logprobs[${index}]`;
    }
    const [facts, others] = [own, other].map(({ stop, replaced, pruned, children }) => {
      const ended = stop && [stop.reason, stop.text, [...stop.tokens]];
      return JSON.stringify([ended, replaced, pruned, children.length]);
    });
    if (facts !== others) {
      const isTie =
        own.pruned !== other.pruned && near(Math.exp(own.score), Math.exp(other.score), 1e-3);
      return `${isTie ? 'tie: ' : ''}${here}: ${facts}, ${others}`;
    }
    if (a.isFinished(own) !== b.isFinished(other)) return `${here}: finished`;
    for (const [index, child] of own.children.entries()) {
      pending.push([child, other.children[index] as ThoughtNode, here]);
    }
  }
  return '';
}
