// The options of `serve`, and their reading.

import { isIP } from 'node:net';
import {
  checkBoolean,
  checkInteger,
  checkOptions,
  checkString,
  wrongRange,
  wrongType,
} from '../common/arguments.js';

/** Options of `serve`. */
export interface ServeOptions {
  /** The address to listen on. Default `'127.0.0.1'`: nobody from elsewhere gets in. */
  host?: string | undefined;
  /** The port; 0 for any that is free. Default 8080. */
  port?: number | undefined;
  /** What requests have to show as `Authorization: Bearer …`. Default: nothing. */
  apiKey?: string | undefined;
  /** Most bytes of a request's body. Default 10 MiB. */
  bodyLimit?: number | undefined;
  /** What the model is called. Default: its file's name without `.gguf`. */
  alias?: string | undefined;
  /**
   * Put the beginning token that the model wants in front of prompts of `/v1/completions`, token
   * ids included, and do not tell it in answers. Default false: texts get one, which is told, and
   * token ids are taken as they are.
   */
  implicitBos?: boolean | undefined;
  /** Gets what a request failed of, where that is no mistake of the client's. */
  onError?: ((error: unknown, requestId: string) => void) | undefined;
}

/** What {@link readServeOptions} makes of the options. */
export interface ServeSettings {
  host: string;
  port: number;
  apiKey: string | undefined;
  bodyLimit: number;
  alias: string | undefined;
  implicitBos: boolean;
  onError: (error: unknown, requestId: string) => void;
}

function nonEmpty(value: unknown, name: string): string {
  const text = checkString(value, name);
  if (text === '') throw wrongRange('a string of at least one character', name, text);
  return text;
}

/** A key as a header can carry it. */
function readKey(value: unknown): string {
  const key = nonEmpty(value, 'apiKey');
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw wrongRange('printable ASCII without spaces', 'apiKey', `${key.length} characters`);
  }
  return key;
}

/** Checks the options; throws TypeError or RangeError. */
export function readServeOptions(value: ServeOptions | undefined): ServeSettings {
  const options = checkOptions(value, 'options', [
    'host',
    'port',
    'apiKey',
    'bodyLimit',
    'alias',
    'implicitBos',
    'onError',
  ]);
  const { host, port, apiKey, bodyLimit, alias, implicitBos, onError = () => {} } = options;
  if (typeof onError !== 'function') throw wrongType('a function', 'onError', onError);
  return {
    host: nonEmpty(host ?? '127.0.0.1', 'host'),
    port: checkInteger(port ?? 8080, 'port', 0, 65_535),
    apiKey: apiKey === undefined ? undefined : readKey(apiKey),
    bodyLimit: checkInteger(bodyLimit ?? 10 * 2 ** 20, 'bodyLimit', 1, Number.MAX_SAFE_INTEGER),
    alias: alias === undefined ? undefined : nonEmpty(alias, 'alias'),
    implicitBos: checkBoolean(implicitBos ?? false, 'implicitBos'),
    onError,
  };
}

/** Whether nobody but this machine reaches an address. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === 'localhost' || host === '::1';
}
