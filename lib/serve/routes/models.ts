// `GET /v1/models`: the one model that is served.

import type { Served } from '../served.js';

/** The model, as an OpenAI model object. */
export function model({ name, created, lm }: Served) {
  return {
    id: name,
    object: 'model',
    created,
    owned_by: 'autocog-lm',
    max_model_len: lm.contextSize,
  };
}

/** The list of models. */
export const models = (served: Served) => ({ object: 'list', data: [model(served)] });
