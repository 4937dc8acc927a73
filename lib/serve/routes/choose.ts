// `POST /v1/choose`: `LLaMa.choose` with JSON input and output.

import { type ChooseOptions, choiceOptionNames } from '../../choose/choose-options.js';
import { type Fields, flag, list, type Reader, text } from '../http/fields.js';
import { blaming, invalidField } from '../http/http-error.js';
import type { Call, Served } from '../served.js';
import { costOf } from '../turns.js';
import { type PromptField, tokenIds } from './prompts.js';

/** Handles a request. Non-finite numbers become null in the JSON response. */
export async function choose(served: Served, fields: Fields, call: Call) {
  const { lm } = served;
  served.checkModel(fields.get('model', text));
  const ids = tokenIds(lm.vocabularySize);
  const readOne: Reader<PromptField> = (value, name) =>
    typeof value === 'string' ? value : ids(value, name);
  const prompt = fields.require('prompt', readOne);
  const choices = fields.require('choices', list(readOne));
  const wantsTree = fields.get('tree', flag) ?? false;
  const options: Record<string, unknown> = {};
  // The LM validates these options itself.
  for (const name of choiceOptionNames) {
    const value = fields.get(name, (raw) => raw);
    if (value !== undefined) options[name] = value;
  }
  fields.finish();
  const mixed = choices.findIndex((choice) => typeof choice !== typeof choices[0]);
  if (mixed >= 0) {
    throw invalidField('only strings or only token ids', `choices[${mixed}]`, choices[mixed]);
  }
  const chooseOptions = { ...(options as ChooseOptions), signal: call.signal };
  // The fields have the names of the LM's arguments.
  const lengths = [prompt, ...choices].reduce((sum, { length }) => sum + length, 0);
  const choosing = served.turns.take(costOf(lengths / 4, 0), call.signal, () =>
    lm.choose(prompt, choices as string[], chooseOptions),
  );
  const { tree, ...choice } = await blaming(choosing, (argument) => argument);
  return wantsTree ? { ...choice, tree } : choice;
}
