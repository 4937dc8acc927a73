// What a build from source with a GPU's backend asks for, with stand-ins for tools that are old or halves of a toolkit.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

// Not typed: a script.
const script: string = '../../scripts/requirements.mjs';
const { checkRequirements } = (await import(script)) as {
  checkRequirements(options: Readonly<Record<string, string>>): void;
};

const folder = mkdtempSync(join(tmpdir(), 'autocog-requirements-'));
t.teardown(() => rmSync(folder, { recursive: true }));

/** A folder with the programs, each a shell script, and with empty files. */
function place(name: string, programs: Record<string, string>, files: readonly string[] = []) {
  const home = join(folder, name);
  for (const [path, script] of Object.entries(programs)) {
    const file = join(home, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }
  for (const path of files) {
    mkdirSync(join(home, path, '..'), { recursive: true });
    writeFileSync(join(home, path), '');
  }
  return home;
}

/** The message for these options and environment variables, or undefined if nothing is missing. */
function missing(options: Record<string, string>, variables: Record<string, string>) {
  const old = { ...process.env };
  Object.assign(process.env, variables);
  try {
    checkRequirements(options);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, old);
  }
}

const headers = ['include/vulkan/vulkan.h', 'share/cmake/SPIRV-Headers/SPIRV-HeadersConfig.cmake'];
const version = (text: string) => `[ "$1" = --version ] && echo "${text}" && exit 0`;

t.test('a glslc that does not know what the shaders use is named with its release', (t) => {
  const refuses = `${version('shaderc 2023.2')}\necho 'extension not supported' >&2; exit 1`;
  const VULKAN_SDK = place('old-vulkan', { 'bin/glslc': refuses }, headers);
  const message = missing({ AUTOCOG_VULKAN: 'ON' }, { VULKAN_SDK });
  t.match(message, /a newer glslc: .*bin.glslc \(shaderc 2023\.2\)/);
  t.match(message, /npx autocog-lm build/);
  t.end();
});

t.test('a glslc that compiles the shader is enough', (t) => {
  const accepts = `${version('shaderc 2025.2')}\ngrep -q GL_KHR_cooperative_matrix`;
  const VULKAN_SDK = place('new-vulkan', { 'bin/glslc': accepts }, headers);
  t.equal(missing({ AUTOCOG_VULKAN: 'ON' }, { VULKAN_SDK }), undefined);
  t.end();
});

t.test('an nvcc without cuBLAS, and one that is too old, are named', (t) => {
  const nvcc = (release: string) => ({ 'bin/nvcc': version(`Cuda tools, release ${release}, V`) });
  const half = place('half-cuda', nvcc('98.7'));
  const whole = place('whole-cuda', nvcc('98.7'), ['include/cublas_v2.h']);
  const old = place('old-cuda', nvcc('11.2'), ['include/cublas_v2.h']);
  const cuda = { AUTOCOG_CUDA: 'ON' };
  // A system may have headers of its own.
  if (!existsSync('/usr/include/cublas_v2.h')) {
    t.match(missing(cuda, { CUDA_PATH: half }), /cuBLAS .*which nvcc 98\.7 lacks/);
  }
  t.equal(missing(cuda, { CUDA_PATH: whole }), undefined);
  t.match(missing(cuda, { CUDA_PATH: old }), /CUDA 11\.7 or later; .*is of 11\.2/);
  t.end();
});
