// An LM that says what it is told to, byte by byte: conversations with it are known in advance.
// Plain JavaScript, since child processes run it, too.

import { setTimeout as sleep } from 'node:timers/promises';
import { GreedyLM, NotSupportedError } from 'autocog-lm';

const end = 256;
const bytesOf = (text) => Int32Array.from(Buffer.from(text));

export class ScriptedLM extends GreedyLM {
  /** What it was asked, prompt by prompt, as text. */
  prompts = [];
  #answers;
  #size;
  #delay;
  #answer = { start: 0, bytes: bytesOf('') };

  /** `answers`: one for each prompt, the last for all after it; an Error fails the call. */
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
    throw new NotSupportedError('It only says what it is told to');
  }

  async greedyImpl(tokens) {
    const text = Buffer.from(tokens).toString();
    const { start, bytes } = this.#answer;
    const written = tokens.slice(start);
    const goesOn =
      tokens.length > start &&
      this.prompts.at(-1) === Buffer.from(tokens.slice(0, start)).toString() &&
      written.every((token, index) => token === bytes[index]);
    if (!goesOn) this.#begin(text, tokens.length);
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
