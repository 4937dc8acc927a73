// One completion of a thought: a beam search over the allowed tokens until every beam has ended.
// `thought-search.ts` calls it; native/engine/automaton/completions.h implements the same.

import type { TokenSet } from '../automaton/token-sets.js';
import { hasBit } from '../common/bits.js';
import { concatenate } from '../common/token-arrays.js';
import type { Cost } from '../common/usage.js';
import { bestIndices } from '../generation/candidates.js';
import { StopFinder } from '../generation/stop-finder.js';
import { type Beam, beamScore, lengthOf, pick, repeats } from './beam.js';
import { trimForCompletion } from './boundary.js';
import type { Plan, PlannedCompletion } from './plan.js';
import type { Expansion, Expansions, SearchEngine } from './search-types.js';
import { extend, probabilitiesOf, type Scored, scoreOf, type Thought } from './thought.js';
import type { ThoughtNode, ThoughtStop } from './thought-node.js';

/** The best texts with which a thought continues, best first. */
export async function completeThought(
  engine: SearchEngine,
  plan: Plan,
  thought: Thought,
  signal: AbortSignal,
  cost: Cost,
): Promise<Expansions> {
  return new Completion(engine, plan, thought, signal, cost).run();
}

const begin: Beam = {
  ...{ tokens: [], logprobs: [], logprob: 0, text: '', pending: '', repeats: 0, stop: undefined },
  ahead: { logprob: 0, tokens: 0, text: '' },
};

class Completion {
  readonly #engine: SearchEngine;
  readonly #plan: Plan;
  readonly #thought: Thought;
  readonly #action: PlannedCompletion;
  readonly #signal: AbortSignal;
  readonly #cost: Cost;
  readonly #ends: ReadonlySet<number>;
  #start: Awaited<ReturnType<typeof trimForCompletion>>;
  /** The most tokens that a beam may have. */
  #limit = 0;

  constructor(engine: SearchEngine, plan: Plan, thought: Thought, signal: AbortSignal, cost: Cost) {
    this.#engine = engine;
    this.#plan = plan;
    this.#thought = thought;
    this.#action = thought.action as PlannedCompletion;
    this.#signal = signal;
    this.#cost = cost;
    this.#ends = new Set(engine.endOfGeneration);
    this.#start = { state: thought, prefix: '', replaced: 0 };
  }

  async run(): Promise<Expansions> {
    const { beams } = this.#action;
    this.#start = await trimForCompletion(
      this.#engine,
      this.#plan,
      this.#action,
      this.#thought,
      this.#signal,
    );
    const { state, prefix, replaced } = this.#start;
    const maxTokens = this.#action.maxTokens + replaced;
    // The last token of a text is not decoded.
    const room = (this.#engine.contextSize ?? Infinity) - state.context.length + 1;
    const limit = Math.min(maxTokens, room);
    this.#limit = limit;
    if (limit < 1) return 'context';
    let kept: Beam[] = [{ ...begin, pending: prefix }];
    for (let length = 1; length <= limit; length++) {
      const pool: Beam[] = [];
      for (const beam of kept) {
        if (beam.stop !== undefined) pool.push(beam);
        else pool.push(...(await this.#extend(beam)));
      }
      if (pool.length > beams && length < limit) await this.#lookAhead(pool, limit);
      kept = pick(pool, beams, this.#action);
      if (kept.every(({ stop }) => stop !== undefined)) break;
    }
    for (const beam of kept) {
      if (beam.stop === undefined) this.#end(beam, limit < maxTokens ? 'context' : 'length');
    }
    return this.#expansions(pick(kept, kept.length, this.#action));
  }

  /** The most likely next tokens after a beam that are allowed, at most `count`. */
  async #next(
    { tokens, pending }: Beam,
    count: number,
  ): Promise<{ token: number; logprob: number }[]> {
    const context = concatenate(this.#start.state.context, Int32Array.from(tokens));
    const left = this.#limit - tokens.length;
    const allowed =
      pending === ''
        ? this.#action.allowed
        : await this.#engine.beginnings(pending, left, this.#signal);
    const { usage, timings } = this.#cost;
    const start = performance.now();
    const logprobs = await this.#engine.nextAllowed(context, allowed, this.#signal);
    timings.decodeMs += performance.now() - start;
    usage.decodeCalls++;
    usage.decodedTokens += context.length;
    this.#thought.node.decodedTokens += context.length;
    const masked = allowed === undefined ? logprobs : maskOf(logprobs, allowed);
    return Array.from(bestIndices(masked, count), (token) => {
      // Rounding can put a near-certain token slightly above 0.
      return { token, logprob: Math.min(0, masked[token] as number) };
    }).filter(({ logprob }) => logprob > -Infinity);
  }

  async #extend(beam: Beam): Promise<Beam[]> {
    const extended: Beam[] = [];
    for (const { token, logprob } of await this.#next(beam, this.#action.beams)) {
      extended.push(await this.#append(beam, token, logprob));
    }
    return extended;
  }

  async #append(beam: Beam, token: number, logprob: number): Promise<Beam> {
    const sum = beam.logprob + logprob;
    const { stopTokens, stops } = this.#action;
    const ahead = begin.ahead;
    const isStop = stopTokens !== undefined && hasBit(stopTokens, token);
    const reason = this.#ends.has(token) ? 'eog' : isStop ? 'token' : undefined;
    if (beam.pending === '' && reason !== undefined) {
      const ended = { ...beam, logprob: sum, ahead };
      this.#end(ended, reason, { token, logprob });
      return ended;
    }
    const tokens = [...beam.tokens, token];
    const { prefix } = this.#start;
    const whole = await this.#textOf(tokens);
    const text = whole.slice(prefix.length);
    const extended: Beam = {
      ...{ tokens, logprobs: [...beam.logprobs, logprob], logprob: sum, text, ahead },
      repeats: beam.repeats + (repeats(tokens) ? 1 : 0),
      ...{ pending: prefix.slice(whole.length), stop: undefined },
    };
    const finder = new StopFinder(stops);
    if (finder.extendTo(text)) this.#end(extended, 'text');
    return extended;
  }

  /** Ends a beam. A stop text that it contains counts, even if an earlier one was still possible. */
  #end(
    beam: Beam,
    reason: ThoughtStop['reason'],
    last: { token?: number; logprob?: number } = {},
  ): void {
    const finder = new StopFinder(this.#action.stops);
    finder.extendTo(beam.text);
    const { match } = finder;
    beam.stop = { reason: match === undefined ? reason : 'text', ...last };
    if (match === undefined) return;
    beam.stop.text = match.stop;
    beam.text = beam.text.slice(0, match.begin);
  }

  #textOf(tokens: readonly number[]): Promise<string> {
    return this.#engine.detokenize(Int32Array.from(tokens), this.#signal);
  }

  /** Continues each open beam greedily, for its rank. */
  async #lookAhead(pool: readonly Beam[], limit: number): Promise<void> {
    for (const beam of pool) {
      let own = beam;
      const count = Math.min(this.#action.ahead, limit - beam.tokens.length);
      for (let step = 0; step < count && own.stop === undefined; step++) {
        const [best] = await this.#next(own, 1);
        if (best === undefined) break;
        own = await this.#append(own, best.token, best.logprob);
      }
      if (own === beam) continue;
      beam.ahead = {
        logprob: own.logprob - beam.logprob,
        tokens: lengthOf(own) - lengthOf(beam),
        text: own.text.slice(beam.text.length),
      };
    }
  }

  async #expansions(beams: readonly Beam[]): Promise<Expansion[]> {
    const action = this.#action;
    const scores = beams.map((beam) => beamScore(beam, action));
    const probabilities = probabilitiesOf(scores);
    const expansions: Expansion[] = [];
    for (const [rank, beam] of beams.entries()) {
      const score = scores[rank] as number;
      const pruned =
        rank >= action.width
          ? ('width' as const)
          : rank > 0 && Math.exp(score) < action.threshold
            ? ('threshold' as const)
            : undefined;
      const { tokens, logprobs, stop } = await this.#split(beam);
      const before = this.#start.state.scored;
      const scored: Scored = {
        logprob: before.logprob + beam.logprob,
        tokens: before.tokens + lengthOf(beam),
        bytes: before.bytes + Buffer.byteLength(beam.text),
      };
      const node: ThoughtNode = {
        ...{ action: action.id, text: beam.text, tokens, logprobs, logprob: beam.logprob, score },
        probability: probabilities[rank] as number,
        pathScore: scoreOf(scored, this.#plan.metric),
        ...{ pathLogprob: scored.logprob, replaced: this.#start.replaced, stop },
        ...(pruned && { pruned }),
        ...{ decodedTokens: 0, children: [] },
      };
      const state = pruned ? undefined : { ...extend(this.#start.state, tokens, logprobs), scored };
      expansions.push({ node, thought: state, next: action.next, tokens: lengthOf(beam) });
    }
    return expansions;
  }

  /**
   * Splits a beam's tokens where its text ends. A token that the stop begins inside belongs to the
   * stop; the text before it is tokenized anew, and counts as certain.
   */
  async #split({
    tokens,
    logprobs,
    text,
    stop,
  }: Beam): Promise<{ tokens: Int32Array; logprobs: Float64Array; stop: ThoughtStop }> {
    const { reason, text: stopText, token, logprob } = stop as NonNullable<Beam['stop']>;
    const whole = this.#start.prefix + text;
    let count = tokens.length;
    let before = whole;
    if (stopText !== undefined) {
      for (; count > 0; count--) {
        before = await this.#textOf(tokens.slice(0, count));
        if (whole.startsWith(before)) break;
      }
      if (count === 0) before = '';
    }
    const rest = whole.slice(before.length);
    const [tail] = rest === '' ? [new Int32Array(0)] : await this.#engine.tokenizer.texts([rest]);
    const extra = token === undefined ? [] : [token];
    const extraLogprobs = logprob === undefined ? [] : [logprob];
    return {
      tokens: concatenate(Int32Array.from(tokens.slice(0, count)), tail as Int32Array),
      logprobs: Float64Array.of(
        ...logprobs.slice(0, count),
        ...new Float64Array((tail as Int32Array).length),
      ),
      stop: {
        reason,
        ...(stopText === undefined ? {} : { text: stopText }),
        tokens: Int32Array.of(...tokens.slice(count), ...extra),
        logprobs: Float64Array.of(...logprobs.slice(count), ...extraLogprobs),
      },
    };
  }
}

/** The log-probabilities, −Infinity for tokens that are not allowed. */
const maskOf = (logprobs: Float32Array, allowed: TokenSet): Float32Array =>
  logprobs.map((logprob, token) => (hasBit(allowed, token) ? logprob : -Infinity));
