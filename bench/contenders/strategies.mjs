// In which steps node-llama-cpp can evaluate a tree: it shares no token between sequences and
// keeps no row of logits, so that the prompt's last token is evaluated anew each time. A task
// is one controlledEvaluate: `sequence` goes back to `keep` tokens after the prompt (−1: before
// its last), then evaluates `nodes` (0: the prompt's last token), of which the first `known`
// need not tell anything. What is in `once` is done before, and counts for no run.

/** The root, and then each choice's inner tokens: what a person would write. */
function perChoice({ paths }) {
  const tasks = paths.map((path) => ({ sequence: 0, keep: 0, nodes: path.slice(0, -1), known: 0 }));
  return { sequences: 1, tasks: [root, ...tasks.filter(({ nodes }) => nodes.length > 0)] };
}

/** Each choice's inner tokens, for a part of many choices that share one root. */
function sample(tree) {
  const { sequences, tasks } = perChoice(tree);
  const [first, ...others] = tasks;
  return { sequences, once: [first], tasks: others };
}

/** The root, and then each inner node once, going back no further than needed. */
function depthFirst(tree) {
  let before = [];
  const tasks = innerPaths(tree).map((path) => {
    const keep = common(before, path);
    before = path;
    return { sequence: 0, keep, nodes: path.slice(keep), known: 0 };
  });
  return { sequences: 1, tasks: [root, ...tasks] };
}

/** Each path in a sequence of its own, which has evaluated the prompt, too: one batch for all. */
function parallel(tree) {
  let before = [];
  const tasks = innerPaths(tree).map((path, sequence) => {
    const known = common(before, path);
    before = path;
    return { sequence, keep: 0, nodes: path, known };
  });
  const [first, ...others] = tasks;
  const withRoot = { ...first, keep: -1, nodes: [0, ...first.nodes] };
  return { sequences: tasks.length, tasks: [withRoot, ...others] };
}

const root = { sequence: 0, keep: -1, nodes: [0], known: 0 };

function common(a, b) {
  const end = b.findIndex((node, at) => node !== a[at]);
  return end < 0 ? b.length : end;
}

/** The paths to those inner nodes that have no inner node below them, in depth-first order. */
function innerPaths({ parents }) {
  const inner = new Set(parents);
  const above = new Set([...inner].map((node) => parents[node]));
  const ends = [...inner].filter((node) => node > 0 && !above.has(node)).sort((a, b) => a - b);
  return ends.map((end) => {
    const path = [];
    for (let node = end; node > 0; node = parents[node]) path.unshift(node);
    return path;
  });
}

export const strategies = { perChoice, sample, depthFirst, parallel };
