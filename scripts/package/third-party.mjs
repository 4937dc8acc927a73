// The licenses of everything that is linked into the addon, from the vendored tree and the packages that its build uses:
// THIRD-PARTY-LICENSES, which is part of the npm package. `npm run check:licenses` compares; with `-- --write` it writes.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { main, PlainError, root } from '../run.mjs';

const target = join(root, 'THIRD-PARTY-LICENSES');
const vendored = join(root, 'llama.cpp');

/** Where the sources of the addon are. Backends that no build of ours contains are not among them. */
const folders = ['include', 'src', 'ggml/include', 'ggml/src'];
const backends =
  /^ggml-(blas|cann|et|hexagon|hip|musa|opencl|openvino|sycl|virtgpu|webgpu|zdnn|zendnn)\b|^kleidiai$|^spacemit$/;

function* sourcesIn(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (backends.test(entry.name.replace(/\.\w+$/, ''))) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourcesIn(path);
    else if (/\.(c|cc|cpp|cu|cuh|h|hpp|m|metal|comp)$/.test(entry.name)) yield path;
  }
}

/** Comments that name a copyright: runs of `//` lines and block comments. */
export function notices(text) {
  const comments = text.match(/(?:^[ \t]*\/\/.*\n)+|\/\*[\s\S]*?\*\//gm) ?? [];
  return comments
    .filter((comment) => /copyright/i.test(comment))
    .map((comment) => comment.replace(/^[ \t]*(\/\/|\/\*+|\*+\/|\*) ?|\*+\/$/gm, '').trim());
}

const licenseOf = (name, file) => {
  const folder = dirname(createRequire(join(root, 'package.json')).resolve(`${name}/package.json`));
  return readFileSync(join(folder, file), 'utf8').trim();
};

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** Libraries that only the compilers of `npm run prebuild -- NAME` link in (package/targets.mjs). */
const ofCompilers = {
  'the libraries of MinGW-w64 and winpthreads, in addons for Windows that are built with MinGW': `Copyright (c) 2009-2016 mingw-w64 project\n\n${mit}`,
  'libc++, libc++abi, libunwind and compiler-rt of LLVM, in prebuilt addons for Linux with musl':
    'Apache License, version 2.0, with LLVM Exceptions, which permit to distribute compiled programs that contain\n' +
    'portions of these libraries under any terms: https://llvm.org/LICENSE.txt',
};

/** The text of the file. */
export function thirdPartyLicenses() {
  const sections = [
    ['llama.cpp and ggml', readFileSync(join(vendored, 'LICENSE'), 'utf8').trim()],
    ...folders
      .flatMap((folder) => [...sourcesIn(join(vendored, folder))])
      .sort()
      .map((path) => [
        relative(root, path).replaceAll('\\', '/'),
        notices(readFileSync(path, 'utf8')).join('\n\n'),
      ])
      .filter(([, text]) => text !== ''),
    ['node-addon-api', licenseOf('node-addon-api', 'LICENSE.md')],
    ['node-api-headers', licenseOf('node-api-headers', 'LICENSE')],
    [
      'libstdc++ and libgcc, in prebuilt addons for Linux and Windows',
      'GNU General Public License, version 3, with the GCC Runtime Library Exception, version 3.1,\n' +
        'which permits to distribute programs that contain these libraries under any terms:\n' +
        'https://www.gnu.org/licenses/gcc-exception-3.1.html',
    ],
    ...Object.entries(ofCompilers),
  ];
  const head =
    'The native addon of autocog-lm contains software of others, under these licenses.\n';
  return `${head}\n${sections.map(([name, text]) => `${'='.repeat(78)}\n${name}\n${'='.repeat(78)}\n\n${text}\n`).join('\n')}`;
}

export function checkLicenses({ write = false } = {}) {
  const text = thirdPartyLicenses();
  if (write) return writeFileSync(target, text);
  let stored = '';
  try {
    stored = readFileSync(target, 'utf8');
  } catch {}
  if (stored !== text) {
    throw new PlainError(
      'THIRD-PARTY-LICENSES is not what the sources say: npm run check:licenses -- --write',
    );
  }
}

await main(import.meta.url, () => checkLicenses({ write: process.argv.includes('--write') }));
