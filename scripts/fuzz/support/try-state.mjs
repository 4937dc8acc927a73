// Loads changed states: a child of the fuzzer of states. Each message is a seed and a number, which determine
// the change.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultModelPath, LLaMa } from 'autocog-lm';
import { isSame, outcomeOf } from './outcome.mjs';
import { Random } from './random.mjs';

const folder = mkdtempSync(join(tmpdir(), 'autocog-fuzz-states-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('disconnect', () => process.exit());
const [path, probe] = [join(folder, 'a.state'), 'Once upon a time'];
const lm = await LLaMa.load(defaultModelPath, { contextSize: 256, threads: 1, maxSequences: 8 });
await lm.saveState(path, 'The quick brown fox jumps over the lazy dog');
const [whole, sidecar] = [readFileSync(path), JSON.parse(readFileSync(`${path}.json`, 'utf8'))];

async function probed() {
  await lm.clear();
  return lm.greedy(probe);
}
const truth = await probed();

const words = [0, 1, 2, 0xff, 0x7fff_ffff, 0xffff_ffff, 0x7f80_0000, 0x7c00_7c00, 0x7e00_7e00];

/** Changes of the data, in place; a shorter buffer replaces it. */
const dataChanges = {
  bits: (random, bytes) => {
    const count = 1 + random.below(8);
    for (let i = 0; i < count; i++) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
    return `${count} bits`;
  },
  head: (random, bytes) => {
    const at = random.below(Math.min(400, bytes.length - 4));
    const word = random.pick(words);
    bytes.writeUInt32LE(word, at);
    return `${word} at ${at}`;
  },
  word: (random, bytes) => {
    const at = 4 * random.below(Math.floor(bytes.length / 4));
    const word = random.pick(words);
    bytes.writeUInt32LE(word, at);
    return `${word} at ${at}`;
  },
};

const sidecarChanges = {
  none: () => 'nothing else',
  fewer: (random, content) => {
    content.tokens.length = random.below(content.tokens.length);
    return `${content.tokens.length} tokens`;
  },
  more: (random, content) => {
    const count = 1 + random.below(300);
    for (let i = 0; i < count; i++) content.tokens.push(random.below(1000));
    return `${count} more tokens`;
  },
  other: (random, content) => {
    content.tokens[random.below(content.tokens.length)] = random.pick([0, 511, 2 ** 31, 2 ** 40]);
    return 'another token';
  },
  parts: (random, content) => {
    content.bytes = random.pick([
      [],
      [1, 2],
      [...content.bytes].reverse(),
      [content.bytes[0], 2 ** 40],
    ]);
    return `parts of ${content.bytes}`;
  },
  facts: (random, content) => {
    const name = random.pick(Object.keys(content.facts));
    content.facts[name] = random.pick([null, '', 0, 'another', undefined]);
    return `another ${name}`;
  },
};

const hash = (data) => createHash('sha256').update(data).digest('hex');

/** Writes a changed state; returns what was changed. */
function change(random) {
  let data = Buffer.from(whole);
  const { seal: _, ...content } = structuredClone(sidecar);
  const done = [];
  if (random.chance(0.9)) {
    done.push(dataChanges[random.pick(Object.keys(dataChanges))](random, data));
  }
  if (random.chance(0.1)) {
    data = data.subarray(0, random.below(data.length));
    if (random.chance(0.8)) content.bytes[0] = Math.max(0, data.length - content.bytes[1]);
    done.push(`the first ${data.length} bytes`);
  }
  if (random.chance(0.3)) {
    done.push(sidecarChanges[random.pick(Object.keys(sidecarChanges))](random, content));
  }
  if (random.chance(0.95)) content.sha256 = hash(data);
  else done.push('an old checksum');
  writeFileSync(path, data);
  const sealed = { ...content, seal: hash(JSON.stringify(content)) };
  writeFileSync(`${path}.json`, `${JSON.stringify(sealed)}\n`);
  return done.join(', ');
}

async function tryState(seed, number) {
  const label = change(new Random(seed, number));
  const results = [];
  const loaded = await outcomeOf(() => lm.loadState(path));
  results.push(loaded ?? 'loaded');
  if (loaded === undefined) {
    // Its numbers may be anything, but finite ones, and of this prompt only.
    const { tokens } = JSON.parse(readFileSync(`${path}.json`, 'utf8'));
    const prompt = Int32Array.from([...tokens, 5]);
    const used = await outcomeOf(async () => {
      await lm.greedy(Int32Array.from(tokens));
      await lm.greedy(prompt);
      await lm.complete(prompt, { maxTokens: 3 });
    });
    if (used !== undefined) results.push(used);
    if (!isSame(await lm.greedy(probe), await lm.greedy(probe))) results.push('FAILED: unsteady');
  }
  const after = await outcomeOf(async () => {
    if (!isSame(await probed(), truth)) results.push('FAILED: the LM has changed');
  });
  if (after !== undefined) results.push(`FAILED: afterwards ${after}`);
  return { results, label };
}

process.on('message', async ([seed, number]) => process.send(await tryState(seed, number)));
