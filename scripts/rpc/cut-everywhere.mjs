// Cuts the connection to a server, or spoils one byte of its answers, at every part of what a program does with a model.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  choices,
  folder,
  load,
  loadLocal,
  prompt,
  report,
  usable,
  withServers,
} from './harness.mjs';
import { CuttingProxy, RpcServer } from './servers.mjs';

/** Where: at so many equal parts of all that is sent. */
const parts = 24;

export async function cutEverywhere() {
  await withServers(1, async (server) => {
    const local = await loadLocal();
    const use = async (proxy) => {
      const lm = await load([proxy], { contextSize: 256 });
      try {
        await lm.choose(prompt, choices);
        await lm.complete(prompt, { maxTokens: 4 });
        await lm.embed(prompt);
        const file = join(folder, 'cut');
        await lm.saveState(file, prompt);
        await lm.loadState(file);
        await lm.choose(prompt, choices);
      } finally {
        await lm.close();
      }
    };
    const whole = await CuttingProxy.start(server);
    await use(whole);
    await sleep(100);
    whole.close();
    const outcomes = { cut: {}, spoilt: {} };
    let victim;
    const visit = async (kind, limits) => {
      const spoil = kind === 'spoilt';
      // The program ends if a client, misled by a wrong byte, sends nonsense.
      if (spoil && !victim?.runs) victim = await RpcServer.start();
      const proxy = await CuttingProxy.start(spoil ? victim : server, { ...limits, spoil });
      const outcome = await use(proxy).then(
        () => 'no error',
        ({ code, message }) =>
          `${code}${message.includes(proxy.address) ? ' with the address' : ''}`,
      );
      outcomes[kind][outcome] = (outcomes[kind][outcome] ?? 0) + 1;
      proxy.close();
      await sleep(5);
    };
    for (let part = 0; part <= parts; part++) {
      // The first connection is that of the probe; the sizes of buffers are among the first answers.
      const early = 36 * part;
      const late = (direction) => Math.floor((whole[direction] * part) / parts);
      for (const limit of [early, late('answers')]) {
        await visit('cut', { answers: limit });
        await visit('spoilt', { answers: limit });
      }
      // The server trusts requests, so that none is spoilt.
      await visit('cut', { requests: late('requests') });
    }
    await victim.kill();
    const summary = (kind) => Object.entries(outcomes[kind]).map(([name, n]) => `${n} × ${name}`);
    const lost = ['MODEL_LOAD with the address', 'DECODE_FAILED with the address', 'no error'];
    const isTyped = (name) => name === 'no error' || /^[A-Z_]+( with the address)?$/.test(name);
    report(
      'cut: the error names the server',
      Object.keys(outcomes.cut).every((name) => lost.includes(name)),
      summary('cut').join(', '),
    );
    report(
      'one wrong byte: typed errors',
      Object.keys(outcomes.spoilt).every(isTyped),
      summary('spoilt').join(', '),
    );
    await usable('a local model works', local);
    await local.close();
    const lm = await load([server]);
    await usable('the server works', lm);
    await lm.close();
  });
}
