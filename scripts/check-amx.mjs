// Checks, on any x86-64 machine, that the compiler does not eliminate the stores that fill the AMX tile configuration:
// compiles amx/mmq.cpp for an AMX CPU with the build's own command, and without our flags for comparison, and inspects
// the assembly.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main, PlainError, root, run } from './run.mjs';

const fixFlags = ['-fno-tree-dse', '-fno-dse'];

/** The build's compile command of amx/mmq.cpp, retargeted to a CPU with AMX. */
function commandForAmx() {
  const commands = join(root, 'build-cmake', 'compile_commands.json');
  if (!existsSync(commands)) throw new PlainError('no build to check. Run: npm run build:native');
  const { command, directory } = JSON.parse(readFileSync(commands, 'utf8')).find(({ file }) =>
    file.endsWith('amx/mmq.cpp'),
  );
  const words = command.split(' ');
  const compile = words.slice(0, words.indexOf('-o')).filter((word) => !word.startsWith('-m'));
  return { directory, compile: [...compile, '-march=sapphirerapids'], source: words.at(-1) };
}

/** Whether the stores to the tiles' rows and bytes per row precede ldtilecfg, which loads the configuration. */
function keepsStores(assembly) {
  const lines = assembly.split('\n');
  const loads = lines.flatMap((line, index) => {
    const load = line.match(/^\s*ldtilecfg\s+(-?\d*)(\(%\w+\))/);
    return load ? [{ index, offset: Number(load[1]), base: load[2] }] : [];
  });
  if (loads.length === 0)
    throw new PlainError('no ldtilecfg in the assembly: this check no longer fits the source');
  return loads.every(({ index, offset, base }) => {
    const preceding = lines.slice(Math.max(0, index - 40), index);
    // Offsets in tile_config_t: 16 is colsb, 48 is rows.
    return [16, 48].every((field) =>
      preceding.some((line) => line.endsWith(`, ${offset + field}${base}`)),
    );
  });
}

await main(import.meta.url, () => {
  if (process.arch !== 'x64') return console.log('AMX: nothing to check on this architecture');
  const { directory, compile, source } = commandForAmx();
  const folder = mkdtempSync(join(tmpdir(), 'autocog-amx-'));
  const compileAndCheck = (words) => {
    const output = join(folder, 'mmq.s');
    run(words[0], [...words.slice(1), '-S', '-o', output, source], { cwd: directory });
    return keepsStores(readFileSync(output, 'utf8'));
  };
  try {
    const without = compileAndCheck(compile.filter((word) => !fixFlags.includes(word)));
    const built = compileAndCheck(compile);
    console.log(
      `AMX tile configuration: as built ${built ? 'kept' : 'LOST'}, without ${fixFlags.join(' ')} ${without ? 'kept' : 'lost'}`,
    );
    if (!built)
      throw new PlainError('quantized models would crash on a CPU with AMX: see cmake/llama.cmake');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
