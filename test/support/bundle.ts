// A bundler in miniature, for tests without one: it joins a program and the modules of the package
// that it imports into one file, as esbuild, webpack and Rollup do. `test/package` runs its output.
//
// Like theirs, its output has no files of the package around it; as an ES module it has no
// `__dirname`, and a CommonJS module in it cannot `require` what is not in the bundle.

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(import.meta.dirname ?? '.', '..', '..');
const { name, exports, imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The format of a bundle. */
export type BundleFormat = 'esm' | 'cjs';

/** The file that a specifier names; undefined if it is not of the package. */
function resolveModule(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('.')) return resolve(dirname(from), specifier);
  if (specifier.startsWith('#')) return join(root, imports[specifier].default);
  if (specifier !== name && !specifier.startsWith(`${name}/`)) return undefined;
  // The condition that all three bundlers prefer.
  return join(root, exports[specifier.replace(name, '.')].module);
}

const compilerOptions: ts.CompilerOptions = {
  module: ts.ModuleKind.CommonJS,
  target: ts.ScriptTarget.ES2022,
  esModuleInterop: true,
};

/** The modules of a bundle as CommonJS functions, and what they import from elsewhere. */
class Modules {
  readonly wrappers = new Map<string, string>();
  readonly externals = new Set<string>();

  add(file: string, source: string): void {
    if (this.wrappers.has(file)) return;
    const isCommonJs = file.endsWith('.cjs');
    const code = isCommonJs ? source : ts.transpileModule(source, { compilerOptions }).outputText;
    const targets: [string, string][] = [];
    this.wrappers.set(file, '');
    for (const [, specifier = ''] of code.matchAll(/\brequire\(['"]([^'"]+)['"]\)/g)) {
      const target = resolveModule(specifier, file);
      if (target !== undefined) {
        targets.push([specifier, target]);
        this.add(target, readFileSync(target, 'utf8'));
      } else if (!isCommonJs) {
        this.externals.add(specifier);
      }
    }
    const table = JSON.stringify(Object.fromEntries(targets));
    const kind = isCommonJs ? 'requireFromCommonJs' : 'requireFromModule';
    const body = `(module, exports, require) => {\n${code}\n}`;
    this.wrappers.set(file, `${JSON.stringify(file)}: [${body}, ${table}, ${kind}]`);
  }
}

/** Imports made available to the modules: Node's own, and packages. */
function prologue(externals: readonly string[], format: BundleFormat): string {
  if (format === 'cjs') {
    return 'const requireFromModule = require;\nconst requireFromCommonJs = require;';
  }
  const lines = externals.map((item, index) => `import * as external${index} from '${item}';`);
  const entries = externals.map((item, index) => `'${item}': external${index}`);
  return `${lines.join('\n')}
const externals = { ${entries.join(', ')} };
const requireFromModule = (specifier) => ({ __esModule: true, ...externals[specifier] });
const requireFromCommonJs = (specifier) => {
  throw Error(\`Dynamic require of "\${specifier}" is not supported\`);
};`;
}

/** Bundles a program, which is an ES module without top-level `await`. */
export function bundle(program: string, format: BundleFormat): string {
  const modules = new Modules();
  const entry = join(root, 'program.js');
  modules.add(entry, program);
  return `${prologue([...modules.externals], format)}
const modules = {
${[...modules.wrappers.values()].join(',\n')}
};
const loaded = {};
const load = (id) => {
  if (loaded[id] !== undefined) return loaded[id].exports;
  const [body, table, requireElse] = modules[id];
  const module = (loaded[id] = { exports: {} });
  const requireOwn = (name) => (table[name] === undefined ? requireElse(name) : load(table[name]));
  body(module, module.exports, requireOwn);
  return module.exports;
};
load(${JSON.stringify(entry)});
`;
}
