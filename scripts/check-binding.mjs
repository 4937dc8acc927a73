// Checks lib/native/binding.ts against the export tables in native/addon: same method names, and above each native method
// a comment with the same parameters in the same order and the engine calls that it makes. `npm run check:binding`; CI
// runs it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { main, PlainError, root } from './run.mjs';

/** Per interface of lib/native/binding.ts: the C++ file with its export table, and a pattern for the table's entries. */
const tables = {
  NativeAddon: { file: 'exports.cc', entry: /Export<[\w:]+>\(exports, "(\w+)"\)/g },
  NativeModel: { file: 'classes/model_wrap.cc', entry: /InstanceMethod<&\w+::\w+>\("(\w+)"\)/g },
  NativeAdapter: {
    file: 'classes/adapter_wrap.cc',
    entry: /InstanceMethod<&\w+::\w+>\("(\w+)"\)/g,
  },
  NativeEmbedder: {
    file: 'classes/embedder_wrap.cc',
    entry: /InstanceMethod<&\w+::\w+>\("(\w+)"\)/g,
  },
  NativeSession: {
    file: 'classes/session_wrap.cc',
    entry: /InstanceMethod<&\w+::\w+>\("(\w+)"\)/g,
  },
};

const addon = join(root, 'native', 'addon');

/** Methods with their parameters' names, per interface of lib/native/binding.ts. */
function declaredMethods() {
  const path = join(root, 'lib', 'native', 'binding.ts');
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  const interfaces = source.statements.filter(ts.isInterfaceDeclaration);
  return Object.fromEntries(
    interfaces.map((each) => [
      each.name.text,
      new Map(
        each.members
          .filter(ts.isMethodSignature)
          .map(({ name, parameters }) => [name.text, parameters.map((one) => one.name.text)]),
      ),
    ]),
  );
}

/** The signature comments of a C++ source: a signature, then one or more lines of engine calls. */
function commentSignatures(source) {
  const found = new Map();
  for (const [block] of source.matchAll(/(?:^\/\/ .*\n)+(?=Napi::Value )/gm)) {
    const text = block.replaceAll(/^\/\/ */gm, '').replaceAll('\n', ' ');
    const match = /^(\w+)\((.*?)\): (?:Promise<.*?>|\w+(?:\[\])?) *(.*)$/.exec(text);
    if (match === null) continue;
    const [, name, parameters, calls] = match;
    const names = parameters.split(',').map((one) => one.split(':')[0].trim());
    found.set(name, { names: names.filter(Boolean), calls });
  }
  return found;
}

export function checkBinding() {
  const interfaces = declaredMethods();
  const comments = new Map(
    readdirSync(addon, { recursive: true })
      .filter((file) => file.endsWith('.cc'))
      .flatMap((file) => [...commentSignatures(readFileSync(join(addon, file), 'utf8'))]),
  );
  const mismatches = [];
  for (const [name, { file, entry }] of Object.entries(tables)) {
    const exported = new Set(
      [...readFileSync(join(addon, file), 'utf8').matchAll(entry)].map(([, method]) => method),
    );
    const methods = interfaces[name] ?? new Map();
    for (const method of exported) {
      if (!methods.has(method)) mismatches.push(`${file} exports ${method}, ${name} lacks it`);
    }
    for (const [method, parameters] of methods) {
      const comment = comments.get(method);
      if (!exported.has(method))
        mismatches.push(`${name} has ${method}, ${file} does not export it`);
      else if (comment === undefined) mismatches.push(`${method} has no signature comment in C++`);
      else if (comment.names.join() !== parameters.join()) {
        mismatches.push(
          `${method}(${comment.names}) in C++ is ${method}(${parameters}) in ${name}`,
        );
      } else if (comment.calls === '')
        mismatches.push(`${method}: the comment names no engine call`);
    }
  }
  if (mismatches.length > 0) {
    throw new PlainError(
      `lib/native/binding.ts and native/addon disagree:\n  ${mismatches.join('\n  ')}`,
    );
  }
}

await main(import.meta.url, checkBinding);
