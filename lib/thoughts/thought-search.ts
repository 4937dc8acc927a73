// The search over thoughts in TypeScript, for any ChoiceLM: a frontier of open thoughts, of which all
// whose next actions are of the best one's kind advance in each round. LLaMa searches natively
// instead, with the same results: native/engine/automaton/thought_search.h.

import { NotSupportedError } from '../common/errors.js';
import { noCost } from '../common/usage.js';
import { Pace } from '../common/yield-to-event-loop.js';
import { placeText } from './boundary.js';
import { completeThought } from './complete-step.js';
import type { EvaluateRequest } from './evaluate-options.js';
import { scoreThoughts } from './paths-step.js';
import type { Plan, PlannedAction } from './plan.js';
import type { Expansions, SearchEngine, Thoughts } from './search-types.js';
import type { Scored, Thought } from './thought.js';
import type { ThoughtNode } from './thought-node.js';
import type { EvaluationEnd } from './thought-tree.js';

/**
 * Runs a plan.
 *
 * @param stopped ends the search with what was found so far when it aborts
 */
export async function searchThoughts(
  engine: SearchEngine,
  plan: Plan,
  request: EvaluateRequest,
  stopped: AbortSignal,
): Promise<Thoughts> {
  if (engine.encoderDecoder) {
    throw new NotSupportedError(
      'Automata of an encoder-decoder require a search of its own, which this LM does not have',
    );
  }
  const search = new ThoughtSearch(engine, plan, request, stopped);
  return search.run();
}

class ThoughtSearch {
  readonly #engine: SearchEngine;
  readonly #plan: Plan;
  readonly #request: EvaluateRequest;
  readonly #stopped: AbortSignal;
  readonly #cost = noCost();
  readonly #finished = new Set<ThoughtNode>();
  readonly #pace = new Pace();
  #open: Thought[] = [];
  #kept = 0;
  #tokens = 0;
  #rounds = 0;
  #best: ThoughtNode | undefined;
  /** Whether texts were left out, as there were enough thoughts or the search was stopped. */
  #isCut = false;

  constructor(engine: SearchEngine, plan: Plan, request: EvaluateRequest, stopped: AbortSignal) {
    this.#engine = engine;
    this.#plan = plan;
    this.#request = request;
    this.#stopped = stopped;
  }

  async run(): Promise<Thoughts> {
    const plan = this.#plan;
    const root = rootOf(plan);
    this.#cost.usage.promptTokens = plan.prompt.length;
    const nothing: Scored = { logprob: 0, tokens: 0, bytes: 0 };
    const values = new Float64Array(plan.prompt.length).fill(NaN);
    await this.#follow(root, { context: plan.prompt, values, scored: nothing }, plan.entries);
    let end: EvaluationEnd | undefined;
    for (;;) {
      end = this.#endReached();
      if (end !== undefined) break;
      const group = this.#nextGroup();
      const results = await this.#advance(group);
      if (results === undefined) {
        this.#open = this.#open.concat(group);
        end = 'abort';
        break;
      }
      for (const [index, expansions] of results.entries()) {
        await this.#attach(group[index] as Thought, expansions);
        if (this.#pace.isDue) await this.#pace.pause();
      }
      this.#rounds++;
      this.#report();
    }
    for (const { node } of this.#open) {
      if (node.children.length === 0) node.pruned = 'abandoned';
    }
    return { root, finished: this.#finished, end, ...this.#cost };
  }

  #endReached(): EvaluationEnd | undefined {
    const { stopAfter, maxThoughts, maxTokens, until } = this.#request;
    if (this.#stopped.aborted) return 'abort';
    if (this.#finished.size >= stopAfter) return 'stopAfter';
    if (this.#open.length === 0 && !this.#isCut) return 'exhausted';
    if (until === 'best' && this.#best !== undefined && !this.#isCut) {
      const { pathScore } = this.#best;
      if (this.#open.every(({ node }) => pathScore >= node.pathScore)) return 'best';
    }
    if (this.#kept >= maxThoughts) return 'maxThoughts';
    if (this.#tokens >= maxTokens) return 'maxTokens';
    return undefined;
  }

  /** Takes the thoughts that advance next, best first, out of the frontier. */
  #nextGroup(): Thought[] {
    this.#open.sort((a, b) => {
      const [own, other] = [a.node.pathScore, b.node.pathScore];
      return own === other ? 0 : own > other ? -1 : 1;
    });
    const { kind } = (this.#open[0] as Thought).action;
    const group: Thought[] = [];
    const waiting: Thought[] = [];
    // A round ends where the thoughts that it may keep reach the limit.
    let kept = this.#kept;
    for (const thought of this.#open) {
      const { action } = thought;
      if (action.kind !== kind || kept >= this.#request.maxThoughts) {
        waiting.push(thought);
        continue;
      }
      kept += action.width;
      group.push(thought);
    }
    this.#open = waiting;
    return group;
  }

  /** The results of each thought's action; undefined after an abort. */
  async #advance(group: readonly Thought[]): Promise<Expansions[] | undefined> {
    try {
      if (group[0]?.action.kind === 'paths') {
        return await scoreThoughts(this.#engine, this.#plan, group, this.#stopped, this.#cost);
      }
      const results: Expansions[] = [];
      for (const thought of group) {
        if (this.#pace.isDue) await this.#pace.pause();
        this.#stopped.throwIfAborted();
        const each = await completeThought(
          this.#engine,
          this.#plan,
          thought,
          this.#stopped,
          this.#cost,
        );
        results.push(each);
      }
      return results;
    } catch (error) {
      if (this.#stopped.aborted) return undefined;
      throw error;
    }
  }

  async #attach({ node }: Thought, expansions: Expansions): Promise<void> {
    if (expansions === 'context' || expansions.length === 0) {
      if (node.children.length === 0) node.pruned = 'abandoned';
      return;
    }
    // Another action that follows the node may not have fitted.
    delete node.pruned;
    for (const each of expansions) {
      node.children.push(each.node);
      this.#tokens += each.tokens;
      if (each.thought !== undefined) await this.#follow(each.node, each.thought, each.next);
    }
  }

  /** Opens a thought for each action that follows a node, after the texts that need no scores. */
  async #follow(
    node: ThoughtNode,
    state: Omit<Thought, 'action' | 'node'>,
    next: readonly number[],
  ): Promise<void> {
    this.#kept++;
    if (next.length === 0) {
      this.#finished.add(node);
      if (this.#best === undefined || node.pathScore > this.#best.pathScore) this.#best = node;
      return;
    }
    for (const [position, index] of next.entries()) {
      const action = this.#plan.actions[index] as PlannedAction;
      if (action.kind === 'completion' || action.scored) {
        this.#open.push({ node, ...state, action });
        continue;
      }
      // Texts that fork again and again would be more than any round adds.
      if (position > 0 && this.#cutsTexts()) continue;
      if (this.#pace.isDue) await this.#pace.pause();
      const placed = await placeText(this.#engine, this.#plan, action, state);
      const child = nodeOf(action.id, node, placed);
      node.children.push(child);
      if (placed.state.context.length > (this.#engine.contextSize ?? Infinity)) {
        child.pruned = 'abandoned';
        continue;
      }
      await this.#follow(child, placed.state, action.next);
    }
  }

  #cutsTexts(): boolean {
    const cuts = this.#kept >= this.#request.maxThoughts || this.#stopped.aborted;
    this.#isCut ||= cuts;
    return cuts;
  }

  #report(): void {
    this.#request.onProgress?.({
      rounds: this.#rounds,
      open: this.#open.length,
      finished: this.#finished.size,
      tokens: this.#tokens,
      bestScore: this.#best?.pathScore,
    });
  }
}

/** The node of an automaton's beginning. */
export function rootOf({ root, rootText, prompt, actions }: Plan): ThoughtNode {
  return {
    action: root < 0 ? '' : (actions[root] as PlannedAction).id,
    text: rootText,
    tokens: prompt,
    logprobs: new Float64Array(prompt.length),
    ...{ logprob: 0, score: 0, probability: 1, pathScore: 0, pathLogprob: 0, replaced: 0 },
    ...{ decodedTokens: 0, children: [] },
  };
}

/** The node of a text that is not scored. */
function nodeOf(
  action: string,
  parent: ThoughtNode,
  { text, tokens, replaced }: Awaited<ReturnType<typeof placeText>>,
): ThoughtNode {
  const { pathScore, pathLogprob } = parent;
  return {
    ...{ action, text, tokens, logprobs: new Float64Array(tokens.length) },
    ...{ logprob: 0, score: 0, probability: 1, pathScore, pathLogprob, replaced },
    ...{ decodedTokens: 0, children: [] },
  };
}
