// The scripts that build and check prebuilt addons: what they refuse, and what they find in libraries. That they build for
// other platforms is not tested here, since it takes minutes: npm run prebuild -- NAME, npm run check:cross -- NAME.

import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const script = (name: string, args: string[], path = process.env.PATH) => {
  const env = { ...process.env, PATH: path, NODE_OPTIONS: '' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [`scripts/${name}.mjs`, ...args], {
    encoding: 'utf8',
    env,
  });
  return { status, text: (stdout + stderr).trim() };
};

t.test('a platform that is not in the table is refused', async (t) => {
  const known = 'linux-arm64 or linux-x64-musl or win32-x64';
  for (const name of ['plan9-mips', 'toString', '']) {
    for (const file of ['prebuild', 'package/check-cross']) {
      t.same(script(file, [name]), {
        status: 1,
        text: `autocog-lm: Expected ${known}, got ${name}`.trim(),
      });
    }
  }
  t.match(script('prebuild', ['win32-x64', 'linux-arm64']).text, /Expected one platform/);
  t.match(script('package/check-cross', []).text, /Expected linux-arm64 or .*, got none/);
});

t.test('a missing program is named in one line, with its package', async (t) => {
  for (const [name, line] of [
    [
      'linux-arm64',
      /^autocog-lm: building for linux-arm64 needs aarch64-linux-gnu-g\+\+, .*apt-get install g\+\+-aarch64-linux-gnu .*\)$/,
    ],
    ['win32-x64', /^autocog-lm: .*x86_64-w64-mingw32-g\+\+-posix.*g\+\+-mingw-w64-x86-64-posix.*$/],
  ] as const) {
    const { status, text } = script('prebuild', [name], t.testdir());
    t.equal(status, 1);
    t.match(text, line);
  }
  t.match(
    script('package/check-cross', ['linux-arm64'], t.testdir()).text,
    /^autocog-lm: running addons for linux-arm64 needs qemu-aarch64 \(Debian: apt-get install qemu-user\)$/,
  );
});

const skip = process.platform !== 'linux' && 'libraries of Linux';
t.test('a symbol must be defined by what a library is linked with', { skip }, async (t) => {
  const folder = t.testdir();
  const compile = (source: string, name: string, ...args: string[]) => {
    writeFileSync(join(folder, 'source.c'), source);
    const options = [
      '-shared',
      '-fPIC',
      '-nostdlib',
      join(folder, 'source.c'),
      '-o',
      join(folder, name),
    ];
    return spawnSync('cc', [...options, ...args]).status === 0;
  };
  t.ok(compile('int answer(void) { return 42; }', 'libother.so'));
  const addon = 'int answer(void); int napi_register_module_v1(void) { return answer(); }';
  t.ok(compile(addon, 'addon.node'));
  t.ok(existsSync(join(folder, 'addon.node')));
  // It is beside the addon, but only loaded later, if at all.
  t.match(script('package/check-symbols', [folder]), {
    status: 1,
    text: /^autocog-lm: addon\.node: nobody defines answer$/,
  });
  t.ok(compile(addon, 'addon.node', `-L${folder}`, '-lother'));
  t.match(script('package/check-symbols', [folder]), {
    status: 0,
    text: /addon\.node with 1 libraries: 0\.0 MB, needs nothing$/,
  });
});
