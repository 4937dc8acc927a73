// Twenty questions of four options about a state of a thousand tokens: this package by both methods,
// node-llama-cpp's `decide`, and the bare engine's decode of the same tokens.

import { atLeast, atMost, exactly, reportGoals } from '../goals.mjs';
import { autocogLm, bare, nodeLlamaCppDecide } from '../jobs.mjs';
import { decisions } from '../material.mjs';
import { measure, ratio } from '../measure.mjs';
import { milliseconds, printTable, times } from '../report.mjs';

/** The forest below the state by method `'text'`, and whether a node's logits are needed. */
function forestOf({ TokenChoiceTree, vocabulary }, questions) {
  const tokenize = (text) => vocabulary.tokenizeSync(text, { addSpecial: false });
  const tasks = Object.values(questions).flatMap(({ instructions, criteria }) => {
    const tail = tokenize(`Q: ${instructions}\nA:`);
    return criteria.map((option) => ({ tail, path: [...tail, ...tokenize(` ${option}`)] }));
  });
  const tree = new TokenChoiceTree(tasks.map(({ path }) => Int32Array.from(path)));
  const rows = new Set();
  for (const [index, { tail }] of tasks.entries()) {
    for (const node of tree.nodesOf(index).slice(tail.length - 1)) rows.add(node);
  }
  return { tree, needsRow: (node) => rows.has(node) };
}

export async function decide(setup) {
  const { states, questions } = decisions;
  const state = setup.vocabulary.tokenizeSync(`${states[0]}\n\n`);
  const { tree, needsRow } = forestOf(setup, questions);
  const ours = (key, name, cached, options, served = false) =>
    autocogLm(setup, key, `autocog-lm, ${name}`, { states, questions, cached, options, served });
  const peer = (key, name, cached) =>
    nodeLlamaCppDecide(setup, key, `node-llama-cpp, ${name}`, {
      ...{ states, questions, cached },
      parallel: 4,
    });
  const plain = { template: false };
  const labels = { method: 'labels', orders: 1, ...plain };
  const results = await measure(
    setup,
    [
      bare(setup, 'bare', 'bare llama_decode of the text forest', state, tree, needsRow),
      ours('text', 'text, state cached', true, plain),
      ours('chat', 'the same by the chat template', true, {}),
      ours('served', 'the same by /v1/systemone', true, {}, true),
      ours('labels', 'labels, state cached', true, labels),
      peer('peer', 'state cached', true),
      ours('textCold', 'text, nothing cached', false, plain),
      ours('labelsCold', 'labels, nothing cached', false, labels),
      peer('peerCold', 'nothing cached', false),
    ],
    { rounds: setup.rounds ?? 3, warmups: 0, repetitions: 1 },
  );
  const rows = Object.values(results).map((result) => {
    const { name, facts, ms, cpuMs } = result;
    const other = name.endsWith('nothing cached') ? results.peerCold : results.peer;
    return [
      name,
      facts.decodedTokens,
      milliseconds(ms),
      milliseconds(cpuMs),
      times(ratio(other, result)),
    ];
  });
  printTable(
    `decide: 20 questions of 4 options about ${state.length} tokens`,
    ['', 'tokens', 'median ms', 'CPU ms', 'node-llama-cpp / this'],
    rows,
  );
  const { text, textCold, labels: listed, labelsCold, peer: warm, peerCold } = results;
  return reportGoals(
    atLeast('labels, nothing cached', ratio(peerCold, labelsCold), 1.7, times),
    atLeast('labels, state cached', ratio(warm, listed), 2, times),
    atLeast('text, nothing cached', ratio(peerCold, textCold), 2, times),
    atLeast('text, state cached', ratio(warm, text), 4, times),
    atMost('text, state cached, vs bare', ratio(text, results.bare), 1.05, times),
    atMost('/v1/systemone, vs in process', ratio(results.served, results.chat), 1.2, times),
    exactly(
      ...['decoded tokens, text, nothing cached', textCold.facts.decodedTokens],
      state.length + results.bare.facts.decodedTokens,
    ),
  );
}
