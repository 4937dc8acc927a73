// The requirements of a source build, and the packages that provide them.
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
};

/** Throws an error that names everything missing and how to install it. */
export function checkRequirements() {
  const missing = [];
  // On Windows, CMake finds Visual Studio even if it is not on the PATH.
  if (process.platform !== 'win32') {
    const compilers = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
    if (!compilers.some((name) => capture(name, ['--version']) !== null)) {
      missing.push('a C++17 compiler');
    }
    if (!['make', 'ninja'].some(onPath)) missing.push('make or ninja');
  }
  if (!atLeast(capture('cmake', ['--version']), 3, 21)) missing.push('CMake 3.21 or later');
  if (!onPath('git')) missing.push('git');
  if (missing.length === 0) return;
  const commands = Object.entries(systems[process.platform] ?? systems.linux).map(
    ([system, install]) =>
      `  ${system}: ${install} ${missing.map((need) => packages[need][system]).join(' ')}`,
  );
  throw new PlainError(
    `building the native addon for ${process.platform}-${process.arch} needs ${missing.join(', ')}:\n` +
      `${commands.join('\n')}\n` +
      'Then retry: npm rebuild autocog-lm --foreground-scripts (in a clone: npm run build:native)',
  );
}

function atLeast(versionText, major, minor) {
  const [, foundMajor, foundMinor] = versionText?.match(/(\d+)\.(\d+)/) ?? [null, 0, 0];
  return (
    Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor)
  );
}
