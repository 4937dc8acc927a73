// What hostile inputs take of a process: the time until each ends, and the longest that it holds up the
// event loop. `npm run measure:limits`; docs/reliability.md has its figures.
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultModelPath, LLaMa } from 'autocog-lm';
import { serve } from 'autocog-lm/serve';
import { render } from '../../dist/esm/chat-template/jinja/execute.js';
import { limitsFor, Meter, metered } from '../../dist/esm/chat-template/jinja/meter.js';
import { parse } from '../../dist/esm/chat-template/jinja/parser.js';
import { finish } from '../../dist/esm/chat-template/jinja/rendering.js';
import { Callable, Dict } from '../../dist/esm/chat-template/jinja/values.js';
import { ChatTemplate, renderInSteps } from '../../dist/esm/chat-template/template.js';
import { jsonSchemaToGrammarInSteps } from '../../dist/esm/grammar/grammar.js';
import { main, root } from '../run.mjs';

/** Runs the work; prints how long it takes and the longest gap between two turns of the event loop. */
async function measure(name, work) {
  let last = performance.now();
  let longest = 0;
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(turn, 1);
  const start = performance.now();
  const outcome = await work().then(
    (result) => String(result),
    (error) => `${error.code}: ${error.message}`,
  );
  turn();
  clearInterval(timer);
  const took = performance.now() - start;
  console.log(
    `| ${name} | ${Math.round(took)} | ${Math.round(longest)} | ${outcome.slice(0, 110)} |`,
  );
}

/** The steps that a template takes for a conversation. */
function stepsOf(source, messages) {
  const meter = new Meter(
    { ...limitsFor(messages.length, 0), steps: Infinity, time: Infinity },
    false,
  );
  const variables = {
    messages: messages.map((message) => new Dict(Object.entries(message))),
    tools: null,
    documents: null,
    add_generation_prompt: true,
    bos_token: '<s>',
    eos_token: '</s>',
    raise_exception: new Callable('raise_exception', () => ''),
    strftime_now: new Callable('strftime_now', () => '1 Jan 2026'),
  };
  metered(meter, () => finish(render(parse(source), Object.entries(variables))));
  return meter.steps;
}

function knownTemplates(count) {
  const folder = join(root, 'llama.cpp', 'models', 'templates');
  const messages = Array.from({ length: count }, (_, index) => {
    return { role: index % 2 === 0 ? 'user' : 'assistant', content: `message ${index}` };
  });
  const { steps } = limitsFor(count, 0);
  const shares = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.jinja'))) {
    try {
      const share = stepsOf(readFileSync(join(folder, file), 'utf8'), messages) / steps;
      shares.push({ file, share });
    } catch {
      // Needs tools or another order of roles.
    }
  }
  shares.sort((a, b) => b.share - a.share);
  const [most] = shares;
  console.log(
    `${count} messages: the costliest of ${shares.length} templates, ${most.file}, takes ${(100 * most.share).toPrecision(2)} % of the steps`,
  );
}

const ladder = (length) => {
  const $defs = { [`n${length}`]: { type: 'string' } };
  for (let index = 0; index < length; index++) {
    const next = { $ref: `#/$defs/n${index + 1}` };
    $defs[`n${index}`] = { allOf: [next, next] };
  }
  return { $defs, $ref: '#/$defs/n0' };
};

/** Memory while streams are not read, and whether another request is served. */
async function unreadStreams(lm, count) {
  const server = await serve(lm, { port: 0, streamBuffer: 2 ** 20 });
  const body = JSON.stringify({
    ...{ prompt: 'a', max_tokens: 200, temperature: 0, logit_bias: { 300: 100 } },
    ...{ logprobs: 1000, stream: true },
  });
  const head = `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const before = process.memoryUsage().rss;
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(server.port, server.host);
    socket.on('error', () => {});
    socket.pause();
    socket.write(head + body);
    return socket;
  });
  await sleep(200);
  const response = await fetch(`${server.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'a', max_tokens: 1 }),
  });
  await sleep(2000);
  const grown = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
  for (const socket of sockets) socket.destroy();
  await server.close();
  return `another request: ${response.status}, ${grown} MB more`;
}
main(import.meta.url, async () => {
  console.log(`${cpus()[0].model}, Node.js ${process.version}`);
  for (const count of [1, 9, 101, 1001]) knownTemplates(count);
  const lm = await LLaMa.load(defaultModelPath, { threads: 1, contextSize: 512 });
  console.log('| input | ms | longest stall, ms | outcome |\n|---|---|---|---|');
  const template = (source) => () =>
    renderInSteps(new ChatTemplate(source), [], undefined, undefined);
  const million = '{% for i in range(1000000) %}';
  await measure(
    'template: two nested loops',
    template(`${million}${million}{% endfor %}{% endfor %}`),
  );
  const doubling = `{% set ns = namespace(s=[1]) %}${million}{% set ns.s = [ns.s, ns.s] %}{% if i == 99 %}{{ ns.s }}{% endif %}{% endfor %}`;
  await measure('template: a list in itself, printed', template(doubling));
  const schema = (value) => async () =>
    `${(await jsonSchemaToGrammarInSteps(value)).length} characters`;
  await measure('schema: `allOf` of references, 40 levels', schema(ladder(40)));
  const alternatives = Array.from({ length: 1000 }, (_, index) => ({
    type: 'object',
    properties: { kind: { const: `k${index}` }, value: { type: 'integer' } },
    required: ['kind'],
  }));
  await measure('schema: `oneOf` of 1,000', schema({ oneOf: alternatives }));
  await measure(
    'schema: a `pattern` of 1 MB',
    schema({ type: 'string', pattern: 'a'.repeat(1e6) }),
  );
  const words = { enum: Array.from({ length: 100_000 }, (_, index) => `value ${index}`) };
  await measure('schema: an `enum` of 100,000', schema(words));
  const ambiguous = 'root ::= x\nx ::= "a" x x | "a" x | "a"';
  await measure('`matchesGrammar`: 800 letters, ambiguous', () =>
    lm.model.matchesGrammar(ambiguous, 'a'.repeat(800)),
  );
  await measure('serve: 12 streams that nobody reads', () => unreadStreams(lm, 12));
  await lm.close();
});
