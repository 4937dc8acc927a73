// Strategies for evaluating a tree with node-llama-cpp. It shares no tokens between sequences and
// keeps no logits, so the prompt's last token is evaluated again each time. A task is one
// controlledEvaluate: `sequence` is truncated to `keep` tokens after the prompt (−1: before its last
// token), then evaluates `nodes` (0: the prompt's last token); the first `known` of them need no
// logits. Tasks in `once` run before the measurement.

/** The root, then each choice's inner tokens: the straightforward way. */
function perChoice({ paths }) {
  const tasks = paths.map((path) => ({ sequence: 0, keep: 0, nodes: path.slice(0, -1), known: 0 }));
  return { sequences: 1, tasks: [root, ...tasks.filter(({ nodes }) => nodes.length > 0)] };
}

/** Each choice's inner tokens, for a sample of many choices with a common root. */
function sample(tree) {
  const { sequences, tasks } = perChoice(tree);
  const [first, ...others] = tasks;
  return { sequences, once: [first], tasks: others };
}

/** The root, then each inner node once, truncating no further than needed. */
function depthFirst(tree) {
  let previous = [];
  const tasks = innerPaths(tree).map((path) => {
    const keep = common(previous, path);
    previous = path;
    return { sequence: 0, keep, nodes: path.slice(keep), known: 0 };
  });
  return { sequences: 1, tasks: [root, ...tasks] };
}

/** Each path in its own sequence, which also has the prompt: one batch for all paths. */
function parallel(tree) {
  let previous = [];
  const tasks = innerPaths(tree).map((path, sequence) => {
    const known = common(previous, path);
    previous = path;
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
  const parentsOfInner = new Set([...inner].map((node) => parents[node]));
  const lastInner = [...inner]
    .filter((node) => node > 0 && !parentsOfInner.has(node))
    .sort((a, b) => a - b);
  return lastInner.map((end) => {
    const path = [];
    for (let node = end; node > 0; node = parents[node]) path.unshift(node);
    return path;
  });
}

export const strategies = { perChoice, sample, depthFirst, parallel };
