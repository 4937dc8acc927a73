// Configuration files in YAML: a map of names to values at the top. Written with the comments that
// were there. The package yaml, an optional peer, reads and writes the language.

import { resolve } from 'node:path';
import type * as Yaml from 'yaml';
import { wrongType } from '../../common/arguments.js';
import { LMError } from '../../common/errors.js';
import { requirePeer } from '../../common/peers.js';
import { checkPath } from '../../model/model-options.js';
import { type ConfigValue, copyValue, isEqual, isRecord } from './config-value.js';
import { exclusively, readWhole, replaceWhole } from './whole-file.js';

type Values = Record<string, ConfigValue>;

/** What to write. */
export interface ConfigEdit {
  /** The values to set. */
  changes: Readonly<Values>;
  /** Comments by name, for entries that the file does not have yet. */
  help: ReadonlyMap<string, string>;
}

/** The package must not print warnings. */
const quiet = { logLevel: 'error' } as const;

const peer = (): typeof Yaml => requirePeer<typeof Yaml>('yaml', 'A configuration file');

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/**
 * The values of a file.
 *
 * @throws LMError `CONFIG_INVALID`, with `cause.code` `'ENOENT'` if there is no such file
 */
export async function readConfigFile(path: string): Promise<Values> {
  checkPath(path, 'path');
  const yaml = peer();
  try {
    return valuesOf(parse(yaml, await readText(yaml, path)));
  } catch (cause) {
    const what = isMissing(cause) ? 'no such file' : (cause as Error).message;
    throw new LMError(`Cannot read the configuration ${path}: ${what}`, {
      code: 'CONFIG_INVALID',
      cause,
    });
  }
}

/**
 * Edits a file, or creates it.
 *
 * @param edit what to write, given the values in the file; undefined if there is none
 * @throws LMError `CONFIG_NOT_SAVED`; then the file stays as it is
 */
export async function writeConfigFile(
  path: string,
  edit: (found: Readonly<Values> | undefined) => ConfigEdit,
): Promise<void> {
  checkPath(path, 'path');
  const yaml = peer();
  await exclusively(resolve(path), async () => {
    try {
      const text = await readText(yaml, path).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      const found = text === undefined ? undefined : valuesOf(parse(yaml, text));
      const edited = editText(yaml, text ?? '', found ?? {}, edit(found));
      if (edited !== text) await replaceWhole(path, edited);
    } catch (cause) {
      const { message } = cause as Error;
      throw new LMError(`Cannot save the configuration ${path}: ${message}`, {
        code: 'CONFIG_NOT_SAVED',
        cause,
      });
    }
  });
}

const readText = (yaml: typeof Yaml, path: string): Promise<string> =>
  readWhole(path, (text) => {
    const document = yaml.parseDocument(text, quiet);
    return document.errors.length === 0 && document.contents !== null;
  });

function parse(yaml: typeof Yaml, text: string): Yaml.Document.Parsed {
  const document = yaml.parseDocument(text, quiet);
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return document;
}

function valuesOf(document: Yaml.Document): Values {
  // A bomb of aliases is an error of the package.
  const value: unknown = document.toJS() ?? {};
  if (!isRecord(value)) throw wrongType('a map from names to values', 'the document', value);
  return { ...(copyValue(value, 'the document') as Values) };
}

function editText(
  yaml: typeof Yaml,
  text: string,
  found: Readonly<Values>,
  { changes, help }: ConfigEdit,
): string {
  const changed = Object.entries(changes).filter(
    ([name, value]) => !Object.hasOwn(found, name) || !isEqual(found[name], value),
  );
  if (changed.length === 0 && text !== '') return text;
  const expected: Values = { ...found, ...Object.fromEntries(changed) };
  const style = { lineWidth: 0, flowCollectionPadding: text === '' || /[[{] \S/.test(text) };
  const edited = setAll(yaml, parse(yaml, text), changed, help, style);
  if (isText(yaml, edited, expected)) return edited as string;
  // A changed value may have had an anchor, by which other entries are the same value.
  const expanded = setAll(yaml, withoutAliases(yaml, parse(yaml, text)), changed, help, style);
  if (isText(yaml, expanded, expected)) return expanded as string;
  throw new Error('A value cannot be written as YAML');
}

/** Sets values in a document, whose comments stay. Undefined if the result has no text. */
function setAll(
  yaml: typeof Yaml,
  document: Yaml.Document,
  changed: readonly (readonly [string, ConfigValue])[],
  help: ReadonlyMap<string, string>,
  style: Yaml.ToStringOptions,
): string | undefined {
  try {
    if (!yaml.isMap(document.contents)) document.contents = document.createNode({}) as never;
    for (const [name, value] of changed) {
      const node = document.get(name, true);
      if (yaml.isScalar(node) && typeof value !== 'object') {
        // In place: the comments are the node's.
        node.value = value;
        node.source = undefined as never;
      } else if (document.has(name)) document.set(name, document.createNode(value));
      else document.add(commented(yaml, document, name, value, help.get(name)));
    }
    return document.toString(style);
  } catch {
    return undefined;
  }
}

/** The document with what its aliases stand for, which `valuesOf` has found to be of a sane size. */
function withoutAliases(yaml: typeof Yaml, document: Yaml.Document): Yaml.Document {
  yaml.visit(document, {
    Alias: (_, alias) => alias.resolve(document)?.clone() as Yaml.Node | undefined,
  });
  yaml.visit(document, {
    Node: (_, node) => {
      if (!yaml.isAlias(node)) delete (node as { anchor?: string }).anchor;
    },
  });
  return document;
}

function commented(
  yaml: typeof Yaml,
  document: Yaml.Document,
  name: string,
  value: ConfigValue,
  help: string | undefined,
): Yaml.Pair {
  const key = new yaml.Scalar(name);
  if (help !== undefined && help !== '') key.commentBefore = help.replace(/^/gm, ' ');
  return new yaml.Pair(key, document.createNode(value));
}

/** Whether a text is read back as these values. */
function isText(yaml: typeof Yaml, text: string | undefined, values: Readonly<Values>): boolean {
  if (text === undefined) return false;
  try {
    return isEqual(valuesOf(parse(yaml, text)), values);
  } catch {
    return false;
  }
}
