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

/** The list of models: OpenAI's, and that of clients of `/v1/systemone`. */
export const models = (served: Served) => ({
  object: 'list',
  data: [model(served)],
  models: [
    {
      name: served.name,
      description: served.lm.model.info.description,
      release_date: new Date(1000 * served.created).toISOString().slice(0, 10),
    },
  ],
});
