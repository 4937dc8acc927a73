// The `autocog-lm serve` command, run as a child process: its URL output and its shutdown.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';

const main = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
const { NO_COLOR, FORCE_COLOR, DEBUG, NODE_OPTIONS, AUTOCOG_API_KEY, ...plainEnv } = process.env;
const headers = { 'content-type': 'application/json' };
const endless = {
  prompt: 'a',
  max_tokens: 500,
  temperature: 0,
  logit_bias: { 300: 100 },
  stream: true,
};

/** Starts the command; `url` resolves once the command prints it. */
function start(t: Test, args: readonly string[], env = {}) {
  const command = [main, 'serve', '--threads', '1', '--port', '0', ...args];
  const child = spawn(process.execPath, command, { env: { ...plainEnv, ...env } });
  t.teardown(() => child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  let listening = (_url: string): void => {};
  const url = new Promise<string>((resolve) => {
    listening = resolve;
  });
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      const found = /^listening on (http:\S+)\n$/.exec(output.stdout)?.[1];
      if (found !== undefined) listening(found);
    });
  }
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, ...output }));
  });
  return { child, url, ended };
}

const postCompletion = (url: string, body: object): Promise<Response> =>
  fetch(`${url}/v1/completions`, { method: 'POST', headers, body: JSON.stringify(body) });

const skip = process.platform === 'win32';

t.test('it prints its URL and nothing else', { skip }, async (t) => {
  const { child, url, ended } = start(t, ['--alias', 'mine']);
  const response = await fetch(`${await url}/v1/models`);
  t.match(await response.json(), { data: [{ id: 'mine' }] });
  child.kill('SIGTERM');
  t.same(await ended, { code: 0, stdout: `listening on ${await url}\n`, stderr: '' });
});

t.test('a first signal lets running requests finish', { skip }, async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const { child, url, ended } = start(t, []);
    const response = await postCompletion(await url, endless);
    child.kill(signal);
    t.match(await response.text(), /"finish_reason":"length".*\[DONE\]\n\n$/s);
    t.match(await ended, { code: 0, stderr: '' });
  }
});

t.test('a second signal aborts running requests', { skip }, async (t) => {
  const { child, url, ended } = start(t, ['--context-size', '30000']);
  const response = await postCompletion(await url, { ...endless, max_tokens: 29_000 });
  const reader = response.body?.getReader();
  await reader?.read();
  child.kill('SIGINT');
  // It stops listening once it has received the first signal.
  while (
    await fetch(`${await url}/health`).then(
      () => true,
      () => false,
    )
  );
  child.kill('SIGINT');
  const decoder = new TextDecoder();
  let text = '';
  for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
    text += decoder.decode(piece.value, { stream: true });
  }
  t.match(text, /"server_closing"/);
  t.notMatch(text, '[DONE]');
  t.match(await ended, { code: 0 });
});

t.test('the API key comes from the flag or the environment', { skip }, async (t) => {
  for (const [args, env] of [
    [['--api-key', 'k1'], { AUTOCOG_API_KEY: 'other' }],
    [[], { AUTOCOG_API_KEY: 'k1' }],
  ] as const) {
    const { child, url, ended } = start(t, args, env);
    const models = `${await url}/v1/models`;
    t.equal((await fetch(models)).status, 401);
    const authorization = 'Bearer k1';
    t.equal((await fetch(models, { headers: { authorization } })).status, 200);
    child.kill('SIGTERM');
    t.equal((await ended).code, 0);
  }
});

t.test('it warns about a public address without an API key', { skip }, async (t) => {
  const open = start(t, ['--host', '0.0.0.0']);
  await open.url;
  open.child.kill('SIGTERM');
  t.match((await open.ended).stderr, /^autocog-lm: anyone who can reach 0\.0\.0\.0 can use/);
  const locked = start(t, ['--host', '0.0.0.0', '--api-key', 'k']);
  await locked.url;
  locked.child.kill('SIGTERM');
  t.equal((await locked.ended).stderr, '');
});

t.test('it reports errors', { skip }, async (t) => {
  const { child, url, ended } = start(t, ['--body-limit', '100', '--implicit-bos']);
  t.equal((await postCompletion(await url, { prompt: 'a'.repeat(100) })).status, 413);
  const { port } = new URL(await url);
  const second = await start(t, ['--port', port]).ended;
  t.equal(second.code, 1);
  t.match(second.stderr, /^autocog-lm: .*EADDRINUSE.*\n$/);
  child.kill('SIGTERM');
  await ended;
  t.match(await start(t, ['--port', '99999']).ended, { code: 2, stderr: /65535/ });
  t.match(await start(t, ['--port', 'x']).ended, { code: 2, stderr: /integer/ });
  t.match(await start(t, ['--api-key', '']).ended, { code: 2, stderr: /apiKey/ });
  t.match(await start(t, ['--model', 'no.gguf']).ended, { code: 1, stderr: /no\.gguf/ });
});

t.test('a chat template comes from a file or from the command line', { skip }, async (t) => {
  const template = '{% for m in messages %}{{ m.content }}{% endfor %}';
  const folder = t.testdir({ 'chat.jinja': `${template}\n`, 'broken.jinja': '{% for %}' });
  const file = join(folder, 'chat.jinja');
  for (const option of [
    ['--chat-template-file', file],
    ['--chat-template', template],
  ]) {
    const { child, url, ended } = start(t, [...option, '--merge-system']);
    const info = await (await fetch(`${await url}/tokenizer_info`)).json();
    t.match(info, { chat_template: template });
    child.kill('SIGTERM');
    t.match(await ended, { code: 0, stderr: '' });
  }
  const both = await start(t, ['--chat-template-file', file, '--chat-template', template]).ended;
  t.match(both, { code: 2, stderr: /cannot be used with/ });
  const path = await start(t, ['--chat-template', file]).ended;
  t.match(path, { code: 2, stderr: /Expected a Jinja template, .* for chatTemplate/ });
  const broken = await start(t, ['--chat-template-file', join(folder, 'broken.jinja')]).ended;
  t.match(broken, { code: 1, stderr: /Cannot parse the chat template/ });
  const missing = await start(t, ['--chat-template-file', join(folder, 'none')]).ended;
  t.match(missing, { code: 1, stderr: /Cannot read .*none/ });
});

t.test('origins can be repeated, and pings disabled', { skip }, async (t) => {
  const origins = ['https://a.example', 'http://localhost:5173'];
  const flags = origins.flatMap((origin) => ['--cors', origin]);
  const { child, url, ended } = start(t, [...flags, '--ping-interval', '0']);
  for (const origin of [...origins, 'https://b.example']) {
    const response = await fetch(`${await url}/health`, { headers: { origin } });
    const expected = origins.includes(origin) ? origin : null;
    t.equal(response.headers.get('access-control-allow-origin'), expected);
  }
  child.kill('SIGTERM');
  t.match(await ended, { code: 0, stderr: '' });
  t.match(await start(t, ['--cors', 'a.example/']).ended, {
    code: 2,
    stderr: /for cors\[0\], got/,
  });
  t.match(await start(t, ['--ping-interval', 'x']).ended, { code: 2, stderr: /integer/ });
});
