import { GreedyLM } from 'autocog-lm';

export class ScriptedLM extends GreedyLM {
  constructor(
    answers: readonly (string | Error)[],
    options?: { contextSize?: number; delay?: number },
  );
  prompts: string[];
  tokenize(text: string): Promise<Int32Array>;
  detokenize(tokens: Int32Array): Promise<string>;
  choose(): Promise<never>;
  protected greedyImpl(tokens: Int32Array): Promise<Float32Array>;
}
