// A request's prompt and prior with their choices, as tokens. `lib/choose/choose.ts` calls it.

import { wrongRange } from '../common/arguments.js';
import { concatenate } from '../common/token-arrays.js';
import {
  type ChoiceTokenizer,
  joint,
  separate,
  separateWithMerges,
  type TokenizedChoices,
} from './boundary.js';
import { type ChoiceInput, type ChooseRequest, emptyChoice } from './choose-options.js';
import { healed } from './healing.js';

/** The paths with a text terminator's tokens after each. */
async function terminated(
  tokenizer: ChoiceTokenizer,
  paths: readonly Int32Array[],
  { terminator }: Pick<ChooseRequest, 'terminator'>,
): Promise<readonly Int32Array[]> {
  if (terminator.kind !== 'text') return paths;
  const [suffix] = await tokenizer.texts([terminator.text]);
  if (!suffix?.length) throw wrongRange('at least one token', 'terminator', terminator.text);
  return paths.map((path) => concatenate(path, suffix));
}

/** The seam that a request asks for, the terminator's tokens in its paths. */
export async function tokenizeChoices(
  tokenizer: ChoiceTokenizer,
  prompt: ChoiceInput,
  choices: readonly ChoiceInput[],
  request: ChooseRequest,
): Promise<TokenizedChoices> {
  const { boundary, merges, terminator } = request;
  const apart = merges ? separateWithMerges : separate;
  const find = { separate: apart, joint, healed }[boundary];
  const seam = await find(tokenizer, prompt, choices);
  const paths = await terminated(tokenizer, seam.paths, request);
  const empty = paths.findIndex((path) => path.length === 0);
  if (empty >= 0 && terminator.kind === 'none') {
    throw emptyChoice(`choices[${empty}]`, choices[empty]);
  }
  return { ...seam, paths };
}

/**
 * The same choices after the prior, by the same boundary.
 *
 * @param seam the choices after the prompt
 * @param beginToken what stands before a prior that has no token of its own
 */
export async function tokenizePrior(
  tokenizer: ChoiceTokenizer,
  beginToken: number | undefined,
  prior: string,
  choices: readonly ChoiceInput[],
  request: ChooseRequest,
  seam: TokenizedChoices,
): Promise<Pick<TokenizedChoices, 'prompt' | 'paths'>> {
  const { boundary } = request;
  const begun = await begunTokenizer(tokenizer, beginToken, prior, boundary);
  if (boundary === 'separate') return { prompt: await begun.prompt(prior), paths: seam.paths };
  const find = boundary === 'joint' ? joint : healed;
  const { prompt, paths } = await find(begun, prior, choices, 'prior');
  return { prompt, paths: await terminated(tokenizer, paths, request) };
}

/** The tokenizer, such that every text begins with the beginning token where the prior is none. */
async function begunTokenizer(
  tokenizer: ChoiceTokenizer,
  beginToken: number | undefined,
  prior: string,
  boundary: ChooseRequest['boundary'],
): Promise<ChoiceTokenizer> {
  const [own] = await tokenizer.prompts([boundary === 'joint' ? prior.trimEnd() : prior]);
  if (own?.length) return tokenizer;
  if (beginToken === undefined) {
    throw wrongRange('at least one token, as the LM has no beginning token,', 'prior', prior);
  }
  const prompts = async (texts: readonly string[]): Promise<Int32Array[]> => {
    const lists = await tokenizer.prompts(texts);
    return lists.map((tokens) => concatenate(Int32Array.of(beginToken), tokens));
  };
  const prompt = async (text: ChoiceInput): Promise<Int32Array> => {
    const [tokens] = await prompts([text as string]);
    return tokens as Int32Array;
  };
  return { ...tokenizer, prompt, prompts };
}
