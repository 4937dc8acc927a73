// The checks of check-rpc.mjs, each run in a process of its own: `node checks.mjs <name>` prints a line of JSON per result.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cutEverywhere } from './cut-everywhere.mjs';
import {
  choices,
  compare,
  describe,
  folder,
  isLost,
  load,
  loadLocal,
  long,
  prompt,
  rejects,
  report,
  settles,
  soon,
  start,
  usable,
  withServers,
} from './harness.mjs';
import { freePort, RpcServer } from './servers.mjs';

const checks = {
  async 'same answers'() {
    await withServers(2, async (...servers) => {
      const start = performance.now();
      const lm = await load(servers, { tensorSplit: [1, 1] });
      await lm.ready;
      const { layers, gpuLayers } = lm.model.info;
      report('the servers have all layers', gpuLayers === layers + 1, `${gpuLayers}`);
      report('loads', true, `${(performance.now() - start).toFixed(0)} ms`);
      const local = await loadLocal();
      await compare(lm, local);
      const file = join(folder, 'state');
      const before = await lm.choose(prompt, choices);
      await lm.saveState(file, prompt);
      await lm.clear();
      await lm.loadState(file);
      const after = await lm.choose(prompt, choices);
      report(
        'saveState, loadState',
        after.logprob === before.logprob && after.usage.cachedTokens > 0,
      );
      const rates = new Map([lm, local].map((some) => [some, 0]));
      // By turns, and the best: other programs take part of the machine.
      for (let turn = 0; turn < 10; turn++) {
        for (const some of rates.keys()) {
          const start = performance.now();
          const { usage } = await some.complete('Once', { maxTokens: 100 });
          const rate = (1000 * usage.decodedTokens) / (performance.now() - start);
          rates.set(some, Math.max(rate, rates.get(some)));
        }
      }
      const [over, here] = [...rates.values()].map((rate) => rate.toFixed(0));
      report('tokens per second', true, `${over}, on this CPU ${here}`);
      // The server would serve no other client while that one lives.
      const sleeper = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
      process.on('exit', () => sleeper.kill());
      const second = await load(servers.slice(0, 1));
      await usable('a second model shares a server', second);
      await second.close();
      await usable('the first one works on', lm);
      await lm.close();
      await local.close();
      const again = await load(servers);
      report('a child does not keep the connections', sleeper.exitCode === null);
      await usable('a model that is loaded after both', again);
      await again.close();
    });
  },

  async 'between decodes'() {
    await withServers(2, async (a, b) => {
      const local = await loadLocal();
      const lm = await load([a, b]);
      const other = await load([a]);
      await lm.choose(prompt, choices);
      await other.choose(prompt, choices);
      await b.kill();
      await rejects('the next call rejects', lm.choose(long, choices), 'DECODE_FAILED', b.address);
      await isLost(lm, b.address);
      await usable('a model on the other server works', other);
      await usable('a local model works', local);
      await rejects('loading without it rejects', load([a, b]), 'MODEL_LOAD', b.address);
      const restarted = await RpcServer.start(b.port);
      const again = await load([a, restarted]);
      await compare(again, local);
      for (const each of [again, other, local]) await each.close();
      await restarted.kill();
    });
  },

  async 'started again unnoticed'() {
    await withServers(1, async (server) => {
      const lm = await load([server]);
      await lm.choose(prompt, choices);
      await server.kill();
      const restarted = await RpcServer.start(server.port);
      const again = await load([restarted]);
      await usable('a new model works', again);
      await isLost(lm, server.address);
      await usable('the new model works on', again);
      await again.close();
      await restarted.kill();
    });
  },

  async 'during a decode'() {
    await withServers(2, async (a, b) => {
      const local = await loadLocal();
      const lm = await load([a, b]);
      await lm.ready;
      await lm.choose(prompt, choices);
      // It receives the decode, and does not get to it.
      a.pause();
      const calls = [
        lm.choose(long, choices),
        lm.complete(prompt, { maxTokens: 9 }),
        lm.embed(prompt),
      ];
      for (const call of calls) call.catch(() => {});
      await sleep(100);
      await a.kill();
      await rejects('the running call rejects', calls[0], 'DECODE_FAILED', a.address);
      await rejects('the queued call rejects', calls[1], 'DECODE_FAILED', a.address);
      await rejects('the Embedder rejects', calls[2], 'DECODE_FAILED', a.address);
      await isLost(lm, a.address);
      await usable('a local model works', local);
      await local.close();
    });
  },

  async 'during a completion'() {
    await withServers(1, async (server) => {
      const lm = await load([server]);
      let tokens = 0;
      const onToken = () => {
        if (++tokens === 3) server.kill();
      };
      const completing = lm.complete(prompt, { maxTokens: 2000, onToken });
      await rejects('complete rejects', completing, 'DECODE_FAILED', server.address);
      const read = async () => {
        for await (const _ of lm.stream(prompt, { maxTokens: 9 })) tokens++;
      };
      await rejects('stream rejects', read(), 'DECODE_FAILED', server.address, soon);
      await isLost(lm, server.address);
    });
  },

  'at every part of the connection': cutEverywhere,

  async 'while loading'() {
    await withServers(1, async (server) => {
      for (const fraction of [0, 0.5, 1]) {
        const each = await RpcServer.start();
        const onProgress = (done) => {
          if (done >= fraction) each.kill();
        };
        const loading = load([server, each], { onProgress }).then(async (lm) => {
          // The callback can come after the last byte was sent.
          await lm.ready.then(() => lm.choose(prompt, choices)).finally(() => lm.close());
        });
        const outcome = await loading.then(
          () => 'no error',
          (error) => error,
        );
        const ok = ['MODEL_LOAD', 'DECODE_FAILED'].includes(outcome.code);
        report(
          `at ${fraction}: rejects`,
          ok && outcome.message.includes(each.address),
          describe(outcome),
        );
        await each.kill();
      }
      const lm = await load([server]);
      await usable('the other server works', lm);
      await lm.close();
    });
  },

  async 'while closing'() {
    for (const order of ['kill, close', 'close, kill', 'kill, decode, close']) {
      const server = await RpcServer.start();
      const lm = await load([server]);
      await lm.choose(prompt, choices);
      const actions = {
        kill: () => server.kill(),
        close: () => lm.close(),
        decode: () => lm.choose(long, choices).catch(() => {}),
      };
      const doing = order.split(', ').map((action) => actions[action]());
      await settles(order, Promise.all(doing));
    }
  },

  async 'ends without closing'() {
    const server = await RpcServer.start();
    const lm = await load([server]);
    await lm.choose(prompt, choices);
    server.pause();
    lm.choose(long, choices).catch(() => {});
    await sleep(100);
    await server.kill();
    report('lost in the middle of a call', true);
    process.exit(0);
  },

  async 'ends while a server hangs'() {
    const server = await RpcServer.start();
    const lm = await load([server]);
    await lm.choose(prompt, choices);
    server.pause();
    lm.choose(long, choices).catch(() => {});
    await sleep(100);
    const start = performance.now();
    process.on('exit', () => {
      const seconds = (performance.now() - start) / 1000;
      report('process.exit() ends the process', seconds < 10, `${seconds.toFixed(1)} s`);
    });
    process.exit(0);
  },

  async 'a server that hangs'() {
    await withServers(1, async (server) => {
      const local = await loadLocal();
      const lm = await load([server]);
      await lm.choose(prompt, choices);
      server.pause();
      const controller = new AbortController();
      const hanging = lm.choose(long, choices, { signal: controller.signal });
      await sleep(200);
      controller.abort(Object.assign(new Error('enough'), { code: 'MINE' }));
      await rejects('an abort rejects at once', hanging, 'MINE', 'enough', 500);
      await usable('a local model works', local);
      server.resume();
      await usable('works on when it does', lm);
      server.pause();
      const lost = lm.choose(`${long}.`, choices);
      lost.catch(() => {});
      await sleep(100);
      await server.kill();
      await rejects('rejects when it ends', lost, 'DECODE_FAILED', server.address);
      await isLost(lm, server.address);
      await local.close();
    });
  },

  async 'addresses and strangers'() {
    const http = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const refused = {
      'a dead port': [`127.0.0.1:${await freePort()}`, 'MODEL_LOAD'],
      'an unknown host': ['no-such-host.invalid:50052', 'MODEL_LOAD'],
      'an HTTP server': [`127.0.0.1:${http.address().port}`, 'MODEL_LOAD'],
      'no port': ['127.0.0.1', 'INVALID_ARGUMENT'],
      'an empty text': ['', 'INVALID_ARGUMENT'],
    };
    const live = await RpcServer.start();
    const names = [live.address, `localhost:${live.port}`].map((address) => ({ address }));
    await rejects('two names of a server', load(names), 'MODEL_LOAD', 'are the same');
    await live.kill();
    for (const [what, [address, code]] of Object.entries(refused)) {
      await rejects(what, load([{ address }]), code, address);
    }
    http.close();
  },
};

export const names = Object.keys(checks);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await start();
  await checks[process.argv[2]]();
}
