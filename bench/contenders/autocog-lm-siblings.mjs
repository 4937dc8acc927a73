// The other classes of this package. Argument: a JSON file with `prompt`, `choices`, `options`,
// `threads` and one of these:
//   `model`, `contextSize`: OpenAI over `serve`, which runs here, too; each run is a choose
//   `folder`: TfLM on an ONNX folder; likewise, the prompt being cached

import { readFileSync } from 'node:fs';
import { LLaMa, Model } from 'autocog-lm';
import { OpenAI } from 'autocog-lm/openai';
import { serve as listen } from 'autocog-lm/serve';
import { TfLM } from 'autocog-lm/transformers';
import { serve } from '../contender.mjs';

const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { prompt, choices, options, threads } = job;

const describe = ({ index, usage, choices }) => ({
  ...usage,
  index,
  choices: choices.map(({ logprobs }) => ({ logprobs: [...logprobs] })),
});

async function serveServed() {
  const { contextSize } = job;
  const model = await Model.load(job.model);
  const ropeFrequencyBase = model.info.ropeFrequencyBaseTrain;
  const context = { threads, contextSize, ropeFrequencyBase, flashAttention: false };
  const lm = new LLaMa(model, context);
  const server = await listen(lm, { port: 0 });
  const remote = new OpenAI({ model: 'any', baseURL: `${server.url}/v1`, tokenizer: 'server' });
  return {
    choose: () => remote.choose(prompt, choices, options),
    close: async () => {
      await remote.close();
      await server.close();
      await lm.close();
      await model.close();
    },
  };
}

async function serveFolder() {
  const lm = await TfLM.load(job.folder, { threads });
  return { choose: () => lm.choose(prompt, choices, options), close: () => lm.close() };
}

const { choose, close } = await (job.folder === undefined ? serveServed() : serveFolder());
// The prompt and the probe of the server are not in what is measured.
await choose();
await serve({}, choose, { describe, watch: 'never' });
await close();
