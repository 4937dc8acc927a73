// Holds native/engine to its rooms: which room may include which, and no circle of headers. `npm run check:includes`; CI
// runs it. docs/architecture.md says what each room is for.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { main, PlainError, root } from './run.mjs';

/** Room -> the rooms below it that it may include. */
const mayInclude = {
  common: [],
  rpc: ['common'],
  model: ['rpc', 'common'],
  grammar: ['model', 'common'],
  context: ['model', 'common'],
  embedding: ['context', 'model', 'common'],
  scoring: ['context', 'model', 'common'],
  generation: ['scoring', 'grammar', 'context', 'model', 'common'],
  automaton: ['generation', 'scoring', 'context', 'model', 'common'],
  session: [
    'automaton',
    'embedding',
    'generation',
    'scoring',
    'grammar',
    'context',
    'model',
    'common',
  ],
};

/** Most files of one room. */
const roomSize = 25;

const native = join(root, 'native');
const engine = join(native, 'engine');

/** Every file of native/engine as `engine/room/file`, with the files of ours that it includes. */
function readIncludes() {
  const files = readdirSync(engine, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const name = (file) => relative(native, file).split(sep).join('/');
  return new Map(
    files.map((file) => {
      const source = readFileSync(file, 'utf8');
      return [name(file), [...source.matchAll(/^#include "([^"]+)"/gm)].map(([, path]) => path)];
    }),
  );
}

/** A circle of includes as a path that ends where it begins, or undefined. */
function findCircle(includes) {
  const done = new Set();
  const path = [];
  const visit = (file) => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const next of includes.get(file) ?? []) {
      const circle = visit(next);
      if (circle !== undefined) return circle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of includes.keys()) {
    const circle = visit(file);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

export function checkIncludes() {
  const includes = readIncludes();
  const complaints = [];
  const sizes = new Map();
  for (const [file, paths] of includes) {
    const room = dirname(file).replace('engine/', '');
    sizes.set(room, (sizes.get(room) ?? 0) + 1);
    if (mayInclude[room] === undefined) {
      complaints.push(`${file}: no room of native/engine is called ${room}`);
      continue;
    }
    for (const path of paths) {
      if (/^(addon|test)\//.test(path) || path === 'napi.h') {
        complaints.push(`${file} includes ${path}: the engine does not know its callers`);
      }
      const [, other] = /^engine\/(.+)\/[^/]+$/.exec(path) ?? [];
      if (other === undefined || other === room) continue;
      if (!mayInclude[room].includes(other)) {
        complaints.push(`${file} includes ${path}: ${room} may not use ${other}`);
      }
    }
  }
  for (const [room, size] of sizes) {
    if (size > roomSize) complaints.push(`${room} has ${size} files, ${roomSize} at most`);
  }
  const circle = findCircle(includes);
  if (circle !== undefined) complaints.push(`a circle of includes: ${circle.join(' → ')}`);
  if (complaints.length > 0) {
    throw new PlainError(`native/engine breaks its own rules:\n  ${complaints.join('\n  ')}`);
  }
}

await main(import.meta.url, checkIncludes);
