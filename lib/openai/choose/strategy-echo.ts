// Strategy `'echo'`: a server that echoes a prompt with the log-probability of each of its tokens
// has scored that prompt. So each path of the tree is sent once as a prompt, except those that are
// prefixes of another. `choose.ts` calls it.

import { NotSupportedError, RemoteError } from '../../common/errors.js';
import { logSumExp } from '../../common/log-softmax.js';
import { concatenate } from '../../common/token-arrays.js';
import type { Cost } from '../../common/usage.js';
import type { TreeScores, TreeTask } from '../../tree/tree-scoring.js';
import { noScores, pathTo } from '../../tree/tree-walk.js';
import type { ApiResult } from '../http/api.js';
import { type RemoteStep, readLogprobs } from '../http/logprobs.js';
import type { Requests } from './choose-requests.js';
import type { ServerFeatures } from './probe.js';
import type { RemoteEngine } from './remote-engine.js';
import { costsOf } from './shared-costs.js';
import { findTokens, namesOf } from './token-match.js';

/** A prompt to be echoed, and the node whose path it scores. */
interface EchoPath {
  task: number;
  /** The prompt and a path, followed by an end token if the end is to be scored. */
  tokens: Int32Array;
  /** The node of the path's last token. */
  node: number;
  isEnd: boolean;
}

/** The paths of a tree that are not a prefix of another. */
function pathsOf({ prompt, tree, request }: TreeTask, task: number): EchoPath[] {
  const paths: EchoPath[] = [];
  for (let node = 0; node < tree.tokens.length; node++) {
    const tokens = concatenate(prompt, pathTo(tree, node));
    if (request.endAt[node]) {
      for (const end of request.endTokens) {
        paths.push({ task, tokens: concatenate(tokens, Int32Array.of(end)), node, isEnd: true });
      }
    } else if (node > 0 && tree.parents[node + 1] !== node) {
      // In depth-first order a node is either the next node's parent or a leaf.
      paths.push({ task, tokens, node, isEnd: false });
    }
  }
  return paths;
}

/** Scores trees; all results are exact. */
export async function scoreByEcho(
  engine: Pick<RemoteEngine, 'textOf' | 'bytesOf'>,
  features: Pick<ServerFeatures, 'echo' | 'tokenPrompts'>,
  tasks: readonly TreeTask[],
  requests: Requests,
): Promise<(TreeScores & Cost)[]> {
  const scores = tasks.map(({ tree }) => noScores(tree));
  const paths = tasks.flatMap(pathsOf);
  const sequential = tasks.some(({ request }) => request.sequential);
  const ends = scores.map(() => new Map<number, number[]>());
  const read = async (result: ApiResult, index: number): Promise<void> => {
    const { task, tokens, node, isEnd } = paths[index] as EchoPath;
    const steps = await readEcho(engine, features, result, tokens);
    const { tree } = tasks[task] as TreeTask;
    let position = tokens.length - 1;
    const next = (): number => logprobAt(steps, position--);
    if (isEnd) {
      const known = ends[task]?.get(node) ?? [];
      ends[task]?.set(node, [...known, next()]);
    }
    for (let at = node; at > 0; at = tree.parents[at] as number) {
      (scores[task] as TreeScores).logprobs[at] = next();
    }
  };
  await requests.complete(
    paths.map(({ tokens }) => tokens),
    { echo: true, logprobs: 1, max_tokens: features.echo === 'alone' ? 0 : 1, temperature: 0 },
    { sequential, exact: false },
    read,
  );
  for (const [task, known] of ends.entries()) {
    for (const [node, logprobs] of known) {
      (scores[task] as TreeScores).ends[node] = Math.min(0, logSumExp(logprobs));
    }
  }
  const costs = costsOf(tasks, requests.cost);
  return scores.map((each, task) => ({ ...each, ...(costs[task] as Cost) }));
}

function logprobAt(steps: readonly RemoteStep[], position: number): number {
  const { logprob } = steps[position] as RemoteStep;
  if (!Number.isNaN(logprob)) return logprob;
  throw new RemoteError(`The server returned no log-probability for the echoed token ${position}`);
}

/** The echoed tokens, verified to be those that were sent. */
async function readEcho(
  engine: Pick<RemoteEngine, 'textOf' | 'bytesOf'>,
  { echo, tokenPrompts }: Pick<ServerFeatures, 'echo' | 'tokenPrompts'>,
  { logprobs }: ApiResult,
  tokens: Int32Array,
): Promise<RemoteStep[]> {
  const steps = readLogprobs(logprobs) ?? [];
  const { length } = tokens;
  const generated = echo === 'alone' ? 0 : 1;
  // A generated end-of-generation token may be missing from the response.
  if (steps.length < length || steps.length > length + generated) {
    if (!tokenPrompts) throw tokenizationMismatch();
    const [found, sent] = [steps.length, length];
    throw new RemoteError(`The server echoed ${found} tokens for a prompt of ${sent} tokens`);
  }
  const echoed = steps.slice(0, length);
  if (echoed.some(({ id }, position) => id !== undefined && id !== tokens[position])) {
    if (!tokenPrompts) throw tokenizationMismatch();
    throw new RemoteError('The server echoed other tokens than it was sent');
  }
  if (tokenPrompts) return echoed;
  const names = await namesOf(engine, tokens);
  // The first token may be one that the server adds to every text, under a name of its own.
  const isSame = names.every((name, position) => {
    const step = echoed[position] as RemoteStep;
    return (
      position === 0 || !Number.isNaN(findTokens([name], [{ ...step, logprob: 0 }])[0]?.logprob)
    );
  });
  if (!isSame) throw tokenizationMismatch();
  return echoed;
}

const tokenizationMismatch = (): NotSupportedError =>
  new NotSupportedError(
    'The server accepts no token ids, and it tokenizes the text into other tokens than the choices have',
  );
