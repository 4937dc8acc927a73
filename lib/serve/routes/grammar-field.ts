// The grammar of a request, from whichever of its three fields is set. It is converted and checked
// after the fields are read, with pauses and in a job, as grammars and schemas of megabytes take long.

import { jsonSchemaToGrammarInSteps } from '../../grammar/grammar.js';
import type { Model } from '../../model/model.js';
import { checkGrammarInJob } from '../../model/text-jobs.js';
import { Fields, flag, object, type Reader, text } from '../http/fields.js';
import { blame, HttpError, invalidField } from '../http/http-error.js';

/** A grammar or schema as the request has it, and the field that is at fault if it is invalid. */
export interface GrammarField {
  param: string;
  source: { gbnf: string } | { schema: unknown };
}

/** Reads the grammar from whichever field is set. */
export function readGrammar(fields: Fields): GrammarField | undefined {
  const grammars = {
    grammar: fields.get('grammar', readGbnf),
    json_schema: fields.get('json_schema', readSchema),
    response_format: fields.get('response_format', readFormat),
  };
  const [given, other] = Object.entries(grammars).filter(([, grammar]) => grammar !== undefined);
  if (other !== undefined) {
    const message = 'Expected one of grammar, json_schema and response_format, got several';
    throw new HttpError(400, message, { param: given?.[0], code: 'invalid_value' });
  }
  return given?.[1];
}

/** The request's grammar as GBNF, checked against the vocabulary; undefined for none. */
export async function toGbnf(
  field: GrammarField | undefined,
  model: Model,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (field === undefined) return undefined;
  const { param, source } = field;
  try {
    if ('schema' in source) {
      return await jsonSchemaToGrammarInSteps(source.schema as object | boolean, signal);
    }
    await checkGrammarInJob(model, source.gbnf, signal);
    return source.gbnf;
  } catch (error) {
    throw blame(error, param);
  }
}

const readGbnf: Reader<GrammarField> = (value, name) => {
  const gbnf = text(value, name);
  if (gbnf.trim() === '') throw invalidField('a GBNF grammar with at least one rule', name, gbnf);
  return { param: name, source: { gbnf } };
};

const readSchema: Reader<GrammarField> = (schema, name) => ({ param: name, source: { schema } });

const readFormat: Reader<GrammarField | undefined> = (value, name) => {
  const format = new Fields(value, name, `${name}.`);
  const type = format.require('type', text);
  if (type === 'json_schema') {
    const jsonSchema = new Fields(
      format.require('json_schema', object),
      name,
      `${name}.json_schema.`,
    );
    // Accepted but unused: name and description are informative, and output is always strict.
    jsonSchema.get('name', text);
    jsonSchema.get('description', text);
    jsonSchema.get('strict', flag);
    const schema = jsonSchema.require('schema', readSchema);
    jsonSchema.finish();
    format.finish();
    return schema;
  }
  format.finish();
  if (type === 'json_object') return { param: name, source: { schema: { type: 'object' } } };
  if (type === 'text') return undefined;
  throw invalidField("'text', 'json_object' or 'json_schema'", `${name}.type`, type);
};
