// `POST /v1/embeddings`: embedding vectors of texts.

import { checkOneOf } from '../../common/arguments.js';
import { type Fields, text } from '../http/fields.js';
import { blaming } from '../http/http-error.js';
import type { Call, Served } from '../served.js';
import { costOf } from '../turns.js';
import { promptFields } from './prompts.js';

const encodings = ['float', 'base64'] as const;

/** Handles a request. */
export async function embeddings(served: Served, fields: Fields, call: Call) {
  const { lm } = served;
  served.checkModel(fields.get('model', text));
  const input = fields.require('input', promptFields(lm.vocabularySize));
  const isList = fields.get(
    'input',
    (value) => Array.isArray(value) && typeof value[0] !== 'number',
  );
  const encoding =
    fields.get('encoding_format', (value, name) => checkOneOf(value, name, encodings)) ?? 'float';
  fields.get('user', text);
  fields.finish();
  const { signal } = call;
  const lengths = input.reduce((sum, { length }) => sum + length, 0);
  const embedding = served.embeddingTurns.take(costOf(lengths / 4, 0), signal, () =>
    lm.embed(input, { signal }),
  );
  const fieldOf = (argument?: string) =>
    argument?.replace(/^texts(\[\d+\])$/, isList ? 'input$1' : 'input');
  const { embeddings: vectors, usage } = await blaming(embedding, fieldOf);
  const { promptTokens } = usage;
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: encoding === 'base64' ? base64(vector) : Array.from(vector),
    })),
    model: served.name,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}

/** Encodes a vector as little-endian single-precision floats. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
