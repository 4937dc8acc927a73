// The requirements of a source build, and the packages that provide them.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { capture, onPath, PlainError } from './run.mjs';

const systems = {
  linux: { 'Debian, Ubuntu': 'apt-get install', Fedora: 'dnf install' },
  darwin: { macOS: 'brew install' },
  win32: { Windows: 'winget install' },
};
// Per requirement: the package's name for each of the commands above.
const packages = {
  'a C++17 compiler': {
    'Debian, Ubuntu': 'g++',
    Fedora: 'gcc-c++',
    macOS: 'llvm',
    Windows: 'Microsoft.VisualStudio.2022.BuildTools',
  },
  'CMake 3.21 or later': {
    'Debian, Ubuntu': 'cmake',
    Fedora: 'cmake',
    macOS: 'cmake',
    Windows: 'Kitware.CMake',
  },
  'make or ninja': {
    'Debian, Ubuntu': 'ninja-build',
    Fedora: 'ninja-build',
    macOS: 'ninja',
    Windows: 'Ninja-build.Ninja',
  },
  git: { 'Debian, Ubuntu': 'git', Fedora: 'git', macOS: 'git', Windows: 'Git.Git' },
  "Vulkan's headers": {
    'Debian, Ubuntu': 'libvulkan-dev',
    Fedora: 'vulkan-loader-devel vulkan-headers',
    macOS: 'vulkan-loader vulkan-headers',
    Windows: 'KhronosGroup.VulkanSDK',
  },
  glslc: {
    'Debian, Ubuntu': 'glslc',
    Fedora: 'glslc',
    macOS: 'shaderc',
    Windows: 'KhronosGroup.VulkanSDK',
  },
  'SPIRV-Headers': {
    'Debian, Ubuntu': 'spirv-headers',
    Fedora: 'spirv-headers-devel',
    macOS: 'spirv-headers',
    Windows: 'KhronosGroup.VulkanSDK',
  },
};

/**
 * Throws an error that names everything missing and how to install it.
 *
 * @param options AUTOCOG_* options, 'ON' or 'OFF'
 */
export function checkRequirements(options = {}) {
  const missing = [];
  // On Windows, CMake finds Visual Studio even if it is not on the PATH.
  if (process.platform !== 'win32') {
    const compilers = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
    if (!compilers.some(hasCompiler)) missing.push('a C++17 compiler');
    if (!['make', 'ninja'].some(onPath)) missing.push('make or ninja');
  }
  if (!atLeast(capture('cmake', ['--version']), 3, 21)) missing.push('CMake 3.21 or later');
  if (!onPath('git')) missing.push('git');
  if (options.AUTOCOG_VULKAN === 'ON') missing.push(...missingForVulkan());
  const lines = [];
  if (missing.length > 0) {
    const commands = Object.entries(systems[process.platform] ?? systems.linux).map(
      ([system, install]) =>
        `  ${system}: ${install} ${missing.map((need) => packages[need][system]).join(' ')}`,
    );
    lines.push(`${missing.join(', ')}:\n${commands.join('\n')}`);
  }
  if (options.AUTOCOG_VULKAN === 'ON') lines.push(...oldForVulkan());
  if (options.AUTOCOG_CUDA === 'ON') lines.push(...missingForCuda());
  if (lines.length === 0) return;
  throw new PlainError(
    `building the native addon for ${process.platform}-${process.arch} needs ${lines.join('\nand ')}\n` +
      'Then retry: npx autocog-lm build (in a clone: npm run build:native)',
  );
}

/**
 * Throws an error of one line that names the missing programs and Debian's packages with them.
 *
 * @param purpose 'building for linux-arm64'
 * @param programs a program's name or path, and its package
 */
export function requirePrograms(purpose, programs) {
  const missing = Object.keys(programs).filter(
    (program) => !onPath(program) && !existsSync(program),
  );
  if (missing.length === 0) return;
  const names = [...new Set(missing.map((program) => programs[program]))];
  throw new PlainError(
    `${purpose} needs ${missing.join(', ')} (Debian: apt-get install ${names.join(' ')})`,
  );
}

/** CXX may be a launcher with the compiler as its argument. */
function hasCompiler(command) {
  const [program, ...args] = command.split(/\s+/);
  return capture(program, [...args, '--version']) !== null;
}

/** What llama.cpp's Vulkan backend needs: headers, the shader compiler and the headers of SPIR-V. */
function missingForVulkan() {
  const sdk = process.env.VULKAN_SDK;
  const prefixes = [...(sdk ? [sdk] : []), '/usr', '/usr/local', '/opt/homebrew'];
  const has = (...paths) =>
    prefixes.some((prefix) => paths.some((path) => existsSync(join(prefix, path))));
  const missing = [];
  if (!has('include/vulkan/vulkan.h', 'Include/vulkan/vulkan.h')) missing.push("Vulkan's headers");
  if (!onPath('glslc') && !has('bin/glslc', 'Bin/glslc.exe')) missing.push('glslc');
  const config = 'cmake/SPIRV-Headers/SPIRV-HeadersConfig.cmake';
  if (!has(`share/${config}`, `lib/${config}`, `Lib/${config}`)) missing.push('SPIRV-Headers');
  return missing;
}

/** A compute shader with what ggml's need and what glslc knows since 2023. */
const shader = `#version 450
#extension GL_KHR_cooperative_matrix : require
void main() {}
`;

/** The shader compiler, if it is found and too old. */
function oldForVulkan() {
  const sdk = process.env.VULKAN_SDK;
  const own = ['bin/glslc', 'Bin/glslc.exe'].map((path) => join(sdk ?? '', path));
  const glslc = (sdk && own.find((path) => existsSync(path))) || (onPath('glslc') && 'glslc');
  if (!glslc) return [];
  const args = ['-fshader-stage=compute', '--target-env=vulkan1.3', '-o', '-', '-'];
  if (capture(glslc, args, { input: shader, stdio: ['pipe', 'pipe', 'pipe'] }) !== null) return [];
  const release = capture(glslc, ['--version'])?.split('\n')[0] ?? 'an unknown release';
  return [
    `a newer glslc: ${glslc} (${release}) does not know GL_KHR_cooperative_matrix, which llama.cpp's shaders use: ` +
      'https://vulkan.lunarg.com/sdk (Debian 13 has a newer one, Debian 12 has not)',
  ];
}

/** nvcc and cuBLAS of one CUDA toolkit; they have no package of the same name everywhere. */
function missingForCuda() {
  const home = process.env.CUDA_PATH ?? process.env.CUDAToolkit_ROOT ?? '/usr/local/cuda';
  const nvcc = [process.env.CUDACXX, join(home, 'bin', 'nvcc'), 'nvcc'].find(
    (name) => name && capture(name, ['--version']) !== null,
  );
  const install =
    'https://developer.nvidia.com/cuda-downloads (Debian: apt-get install nvidia-cuda-toolkit)';
  if (nvcc === undefined) return [`nvcc, the compiler of the CUDA toolkit: ${install}`];
  const [, release] = /release (\d+\.\d+)/.exec(capture(nvcc, ['--version'])) ?? [];
  if (!atLeast(release, 11, 7)) {
    return [`CUDA 11.7 or later; ${nvcc} is of ${release ?? 'an unknown release'}: ${install}`];
  }
  const headers = [join(home, 'include'), join(dirname(dirname(nvcc)), 'include'), '/usr/include'];
  if (headers.some((folder) => existsSync(join(folder, 'cublas_v2.h')))) return [];
  return [`cuBLAS of the CUDA toolkit (cublas_v2.h), which nvcc ${release} lacks: ${install}`];
}

function atLeast(versionText, major, minor) {
  const [, foundMajor, foundMinor] = versionText?.match(/(\d+)\.(\d+)/) ?? [null, 0, 0];
  return (
    Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor)
  );
}
