// Two bindings behind one interface, switched at run time: llama.cpp in this process, and a server
// with OpenAI's API (here one of this package, over the same model). Each streams its text with its
// progress, and a callback stops the third. Run it with `node examples/two-bindings.mjs`; it needs
// the package openai.

import { dirname } from 'node:path';
import { defaultModelPath } from 'autocog-lm';
import { BindingBuilder } from 'autocog-lm/binding';
import { serve } from 'autocog-lm/serve';

const builder = new BindingBuilder();
const local = await builder.build('llama', {
  modelsDir: dirname(defaultModelPath),
  bindingConfig: { temperature: 0, threads: 1 },
  communicator: { success: (message) => console.log(`llama: ${message}`) },
});
for (const { name, parameters, quantization } of await local.getAvailableModels()) {
  console.log(`${name}: ${parameters} parameters, ${quantization}`);
}
await local.buildModel('default');

const server = await serve(local.lm, { port: 0 });
const remote = await builder.build('openai', {
  bindingConfig: { baseURL: `${server.url}/v1`, temperature: 0 },
});
const [served] = await remote.listModels();
await remote.buildModel(served);

/** Streams a text; `limit` is the number of chunks after which the callback stops it. */
async function show(binding, prompt, limit = Infinity) {
  console.log(`${binding.name}: ${prompt}`);
  let chunks = 0;
  const text = await binding.generate(prompt, {
    nPredict: 4,
    callback(chunk, _type, { progress, finishReason }) {
      const percent = `${Math.round(progress * 100)}%`.padStart(5);
      if (finishReason === undefined) console.log(`${percent} ${JSON.stringify(chunk)}`);
      else console.log(`${percent} ended by ${finishReason}`);
      return ++chunks < limit;
    },
  });
  console.log(`  =${text}`);
}

for (const binding of [local, remote]) await show(binding, 'The capital of France is');
await server.close();
await remote.destroyModel();

local.bindingConfig.values.contextSize = 128;
console.log('settings changed:', (await local.settingsUpdated()).reloaded);
await show(local, 'The sky is', 1);
await local.destroyModel();
