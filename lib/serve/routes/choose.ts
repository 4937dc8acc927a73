// `POST /v1/choose`: what `LLaMa.choose` takes and gives, as JSON.

import { type ChooseOptions, choiceOptionNames } from '../../choose/choose-options.js';
import { type Fields, flag, list, type Reader, text } from '../http/fields.js';
import { badField } from '../http/http-error.js';
import type { Call, Served } from '../served.js';
import { type PromptField, tokenIds } from './prompts.js';

/** Answers a request. Numbers that are not finite are null, as in all JSON. */
export async function choose(served: Served, fields: Fields, call: Call) {
  const { lm } = served;
  served.checkModel(fields.get('model', text));
  const ids = tokenIds(lm.vocabularySize);
  const one: Reader<PromptField> = (value, name) =>
    typeof value === 'string' ? value : ids(value, name);
  const prompt = fields.need('prompt', one);
  const choices = fields.need('choices', list(one));
  const wantsTree = fields.get('tree', flag) ?? false;
  const options: Record<string, unknown> = {};
  // The LM checks them itself.
  for (const name of choiceOptionNames) {
    const value = fields.get(name, (given) => given);
    if (value !== undefined) options[name] = value;
  }
  fields.finish();
  const odd = choices.findIndex((choice) => typeof choice !== typeof choices[0]);
  if (odd >= 0) throw badField('texts alone, or token ids alone,', 'choices', choices[odd]);
  const given = { ...(options as ChooseOptions), signal: call.signal };
  const { tree, ...choice } = await lm.choose(prompt, choices as string[], given);
  return wantsTree ? { ...choice, tree } : choice;
}
