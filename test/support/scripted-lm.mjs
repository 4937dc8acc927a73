// An LM that generates scripted answers byte by byte, for deterministic conversations. Plain
// JavaScript, since child processes run it, too.

import { setTimeout as sleep } from 'node:timers/promises';
import { GreedyLM, NotSupportedError } from 'autocog-lm';

const end = 256;
const bytesOf = (text) => Int32Array.from(Buffer.from(text));

export class ScriptedLM extends GreedyLM {
  /** The texts of the prompts that it received. */
  prompts = [];
  #answers;
  #size;
  #delay;
  #answer = { start: 0, bytes: bytesOf('') };

  /** `answers`: one per prompt, the last also for all later ones; an Error fails the call. */
  constructor(answers, { contextSize, delay = 0 } = {}) {
    super({ retries: 1 });
    this.#answers = [...answers];
    this.#size = contextSize;
    this.#delay = delay;
  }

  get vocabularySize() {
    return end + 1;
  }

  get contextSize() {
    return this.#size;
  }

  get endOfGeneration() {
    return Int32Array.of(end);
  }

  async tokenize(text) {
    return bytesOf(text);
  }

  async detokenize(tokens) {
    return Buffer.from(tokens.filter((token) => token < end)).toString();
  }

  async choose() {
    throw new NotSupportedError('It only generates scripted answers');
  }

  async greedyImpl(tokens) {
    const text = Buffer.from(tokens).toString();
    const { start, bytes } = this.#answer;
    const generated = tokens.slice(start);
    const continues =
      tokens.length > start &&
      this.prompts.at(-1) === Buffer.from(tokens.slice(0, start)).toString() &&
      generated.every((token, index) => token === bytes[index]);
    if (!continues) this.#begin(text, tokens.length);
    if (this.#delay > 0) await sleep(this.#delay);
    const next = this.#answer.bytes[tokens.length - this.#answer.start] ?? end;
    return Float32Array.from({ length: end + 1 }, (_, token) => (token === next ? 0 : -Infinity));
  }

  #begin(text, start) {
    this.prompts.push(text);
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    if (answer instanceof Error) throw answer;
    this.#answer = { start, bytes: bytesOf(answer) };
  }
}
