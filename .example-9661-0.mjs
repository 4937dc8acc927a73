import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LLaMa, Model, defaultModelPath } from 'autocog-lm';

const folder = mkdtempSync(join(tmpdir(), 'state-'));
const path = join(folder, 'prompt.state');
const prompt = 'Question: what colour is the sky on a clear day?\nAnswer:';

const model = await Model.load(defaultModelPath);
const first = new LLaMa(model, { threads: 1 });
await first.saveState(path, prompt);
const before = await first.greedy(prompt);
await first.close();

const second = new LLaMa(model, { threads: 1 });
const { tokens } = await second.loadState(path);
const { usage } = await second.eval(tokens);
console.log(usage.cachedTokens === tokens.length, usage.decodedTokens);
// → true 0
const after = await second.greedy(prompt);
console.log(before.every((value, token) => value === after[token]));
// → true

const other = new LLaMa(model, { threads: 1, kvCacheTypeK: 'f32' });
await other.loadState(path).catch(({ code, message }) => console.log(code, message));
// → STATE_MISMATCH The state differs in context.kvCacheTypeK (f16, not f32)

await Promise.all([second.close(), other.close(), model.close()]);
rmSync(folder, { recursive: true });
