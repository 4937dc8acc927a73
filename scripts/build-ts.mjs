// Compiles lib/ twice, to dist/esm and dist/cjs. `npm run build:ts`; `npm pack` runs it through `prepare`.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import ts from 'typescript';
import { main, PlainError, root } from './run.mjs';

const dist = join(root, 'dist');
const packageFile = join(root, 'package.json');
const packageJson = JSON.parse(readFileSync(packageFile, 'utf8'));

/**
 * With module "nodenext", TypeScript takes a file's format from the nearest package.json, which has type "module" here.
 * For the CommonJS output it reads a modified one with type "commonjs": unlike module "commonjs", this keeps `import()`
 * and supports `exports`.
 */
function compile(format, type) {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.build.json'),
    { outDir: join(dist, format) },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => report([diagnostic]) },
  );
  report(config.errors);
  const host = ts.createCompilerHost(config.options);
  host.readFile = (file) =>
    file === packageFile ? JSON.stringify({ ...packageJson, type }) : ts.sys.readFile(file);
  const program = ts.createProgram(config.fileNames, config.options, host);
  report(ts.getPreEmitDiagnostics(program));
  const write = type === 'commonjs' ? writeCommonJs : writeModule;
  report(program.emit(undefined, write).diagnostics);
}

function report(diagnostics) {
  if (diagnostics.length === 0) return;
  const host = {
    getCurrentDirectory: () => root,
    getCanonicalFileName: (name) => name,
    getNewLine: () => '\n',
  };
  console.error(ts.formatDiagnosticsWithColorAndContext(diagnostics, host));
  throw new PlainError('lib/ does not compile');
}

// The declarations are those of dist/cjs alone: classes with private members that are declared twice are two types.
function writeModule(file, text) {
  if (!file.endsWith('.d.ts')) ts.sys.writeFile(file, text);
}

// dist/cjs has its own package.json, to be CommonJS. Subpath imports such as '#addon' would resolve against that one,
// whose imports must not point outside of its folder, so this output has relative paths instead.
function writeCommonJs(file, text) {
  // Jest does not run `import()` in CommonJS modules without a flag of Node.
  let output = file.endsWith('.js')
    ? text.replace(/\bimport\(('\.[^']+')\)/g, 'Promise.resolve().then(() => require($1))')
    : text;
  for (const [name, target] of Object.entries(packageJson.imports)) {
    const path = relative(dirname(file), join(root, target.default)).split(sep).join('/');
    output = output.replaceAll(`require("${name}")`, `require("${path}")`);
  }
  ts.sys.writeFile(file, output);
}

/**
 * Writes the entry for `import`, which re-exports the CommonJS output. Node loads that much faster than as many ES
 * modules, and a program that both imports and requires the package has one copy of its classes.
 */
function writeImports(entry) {
  const source = readFileSync(join(dist, 'esm', entry), 'utf8');
  const lists = [...source.matchAll(/^export \{([^}]*)\} from /gm)].map(([, list]) => list);
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim());
  const from = `${'../'.repeat(entry.split('/').length)}cjs/${entry}`;
  const lines = [
    `import cjs from '${from}';`,
    `export const { ${names.filter(Boolean).sort().join(', ')} } = cjs;`,
  ];
  writeFileSync(join(dist, 'esm', entry.replace(/\.js$/, '.mjs')), `${lines.join('\n')}\n`);
  writeFileSync(join(dist, 'esm', entry.replace(/\.js$/, '.d.mts')), `export * from '${from}';\n`);
}

export function buildTs() {
  rmSync(dist, { recursive: true, force: true });
  compile('esm', 'module');
  compile('cjs', 'commonjs');
  writeFileSync(join(dist, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
  for (const { import: entry } of Object.values(packageJson.exports)) {
    if (entry !== undefined)
      writeImports(relative('dist/esm', entry.default).replace(/\.mjs$/, '.js'));
  }
}

await main(import.meta.url, buildTs);
