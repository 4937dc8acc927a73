// Tokenizes the choices of a request after its prompt and its prior, by the requested boundary.
// `lib/choose/choose.ts` calls it.

import { about, wrongRange } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
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

/** The paths, each followed by the tokens of a text terminator. */
export async function withTerminator(
  tokenizer: ChoiceTokenizer,
  paths: readonly Int32Array[],
  { terminator }: Pick<ChooseRequest, 'terminator'>,
): Promise<readonly Int32Array[]> {
  if (terminator.kind !== 'text') return paths;
  const [suffix] = await tokenizer.texts([terminator.text]);
  if (!suffix?.length) throw wrongRange('at least one token', 'terminator', terminator.text);
  return paths.map((path) => concatenate(path, suffix));
}

/** Tokenizes prompt and choices by the request's boundary; paths include the terminator. */
export async function tokenizeChoices(
  tokenizer: ChoiceTokenizer,
  prompt: ChoiceInput,
  choices: readonly ChoiceInput[],
  request: ChooseRequest,
): Promise<TokenizedChoices> {
  const { boundary, merges, terminator } = request;
  if (boundary !== 'separate' && tokenizer.decoderTexts !== undefined) {
    const message = `Boundary '${boundary}' is not supported by an encoder-decoder: its decoder begins a text of its own, which has no boundary with the prompt`;
    throw about('boundary', new NotSupportedError(message));
  }
  const separately = merges ? separateWithMerges : separate;
  const tokenize = { separate: separately, joint, healed }[boundary];
  const tokenized = await tokenize(tokenizer, prompt, choices);
  const paths = await withTerminator(tokenizer, tokenized.paths, request);
  const empty = paths.findIndex((path) => path.length === 0);
  if (empty >= 0 && terminator.kind === 'none') {
    throw emptyChoice(`choices[${empty}]`, choices[empty]);
  }
  return { ...tokenized, paths };
}

/**
 * Tokenizes the same choices after the prior, by the same boundary.
 *
 * @param tokenized the choices after the prompt
 * @param beginToken the token that precedes the choices if the prior has no tokens
 */
export async function tokenizePrior(
  tokenizer: ChoiceTokenizer,
  beginToken: number | undefined,
  prior: string,
  choices: readonly ChoiceInput[],
  request: ChooseRequest,
  tokenized: TokenizedChoices,
): Promise<Pick<TokenizedChoices, 'prompt' | 'paths'>> {
  const { boundary } = request;
  const prefixed = await withBeginToken(tokenizer, beginToken, prior, boundary);
  if (boundary === 'separate') {
    return { prompt: await prefixed.prompt(prior), paths: tokenized.paths };
  }
  const tokenize = boundary === 'joint' ? joint : healed;
  const { prompt, paths } = await tokenize(prefixed, prior, choices, 'prior');
  return { prompt, paths: await withTerminator(tokenizer, paths, request) };
}

/** A tokenizer that prepends the beginning token to prompts if the prior has no tokens. */
async function withBeginToken(
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
