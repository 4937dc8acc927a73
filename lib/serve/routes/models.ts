// `GET /v1/models`: the one model that there is.

import type { Served } from '../served.js';

/** The model, as OpenAI describes one. */
export function model({ name, created, lm }: Served) {
  return {
    id: name,
    object: 'model',
    created,
    owned_by: 'autocog-lm',
    max_model_len: lm.contextSize,
  };
}

/** All models. */
export const models = (served: Served) => ({ object: 'list', data: [model(served)] });
