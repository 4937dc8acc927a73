// The options of `serve`, and their validation.

import { isIP } from 'node:net';
import { ChatTemplate } from '../chat-template/template.js';
import {
  checkBoolean,
  checkInteger,
  checkOptions,
  checkString,
  wrongRange,
  wrongType,
} from '../common/arguments.js';
import { guarded } from '../common/callback-calls.js';

/** Options of `serve`. */
export interface ServeOptions {
  /** The address to listen on. Default `'127.0.0.1'`, which only this machine can reach. */
  host?: string | undefined;
  /** The port; 0 for any free port. Default 8080. */
  port?: number | undefined;
  /** The key that requests must send as `Authorization: Bearer …`. Default: no authentication. */
  apiKey?: string | undefined;
  /** Maximum size of a request body, in bytes. Default 10 MiB. */
  bodyLimit?: number | undefined;
  /** The model's name in the API. Default: its file's name without `.gguf`. */
  alias?: string | undefined;
  /**
   * Prepend the model's BOS token to prompts of `/v1/completions`, token ids included, and omit it
   * from responses. Default false: text prompts get a BOS token, which responses report, and token
   * ids are used as given.
   */
  implicitBos?: boolean | undefined;
  /** A chat template in Jinja, instead of the model's. Default: the model's own. */
  chatTemplate?: string | undefined;
  /**
   * For templates without system messages: merge each one into the next user message, as its first
   * line. Default false: such a template rejects them.
   */
  mergeSystem?: boolean | undefined;
  /**
   * The origins whose web pages may call the server, such as `'https://example.com'`, or `'*'` for
   * any. Default none.
   */
  cors?: string | readonly string[] | undefined;
  /**
   * Streams send a comment after this many milliseconds without an event, so that nobody on the
   * way gives up on the connection; 0 for never. Default 15,000.
   */
  pingInterval?: number | undefined;
  /**
   * How many requests may wait while another one is computed. Further ones are answered with 503
   * and `Retry-After`. Default 100.
   */
  maxWaiting?: number | undefined;
  /**
   * Maximum time for a request, from its arrival to the end of its response, in milliseconds; 0 for
   * none. Default 0.
   */
  requestTimeout?: number | undefined;
  /**
   * How many bytes of a stream may wait for a client that does not read them. Beyond that, its work
   * is canceled. Default 4 MiB.
   */
  streamBuffer?: number | undefined;
  /**
   * Host names under which the server may be called, besides addresses, `localhost` and `host`, or
   * `'*'` for any. Checked only without an `apiKey`: see docs/serve.md. Default none.
   */
  allowedHosts?: string | readonly string[] | undefined;
  /** Called with the error of a request that failed through no fault of the client. */
  onError?: ((error: unknown, requestId: string) => unknown) | undefined;
}

/** Validated options, with defaults applied. */
export interface ServeSettings {
  host: string;
  port: number;
  apiKey: string | undefined;
  bodyLimit: number;
  alias: string | undefined;
  implicitBos: boolean;
  chatTemplate: string | undefined;
  mergeSystem: boolean;
  cors: readonly string[];
  pingInterval: number;
  maxWaiting: number;
  requestTimeout: number;
  streamBuffer: number;
  allowedHosts: readonly string[];
  onError: (error: unknown, requestId: string) => void;
}

function nonEmpty(value: unknown, name: string): string {
  const text = checkString(value, name);
  if (text === '') throw wrongRange('a non-empty string', name, text);
  return text;
}

/** A key that an HTTP header can carry. */
function readKey(value: unknown): string {
  const key = nonEmpty(value, 'apiKey');
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw wrongRange('printable ASCII without spaces', 'apiKey', `${key.length} characters`);
  }
  return key;
}

/** Origins as browsers send them. */
function readOrigins(value: unknown): string[] {
  const isList = Array.isArray(value);
  return (isList ? value : [value]).map((item: unknown, index) => {
    const name = isList ? `cors[${index}]` : 'cors';
    const origin = checkString(item, name);
    // `null`, the origin of files and of sandboxed pages, would allow any page.
    if (origin !== '*' && !/^[a-z][a-z\d+.-]*:\/\/[^\s/?#*A-Z]+$/.test(origin)) {
      throw wrongRange("'*' or an origin such as 'https://example.com'", name, origin);
    }
    return origin;
  });
}

/** Host names as the header `Host` has them, without a port. */
function readHosts(value: unknown): string[] {
  const isList = Array.isArray(value);
  return (isList ? value : [value]).map((item: unknown, index) => {
    const name = isList ? `allowedHosts[${index}]` : 'allowedHosts';
    const host = checkString(item, name);
    if (host !== '*' && !/^[^\s/?#@:*[\]]+$/.test(host)) {
      throw wrongRange(
        "'*' or a host name such as 'models.example.com', without a port",
        name,
        host,
      );
    }
    return host;
  });
}

/** A template that can be parsed. */
function readTemplate(value: unknown): string {
  const template = checkString(value, 'chatTemplate');
  // A path or the name of a template would render as itself, and drop every message.
  if (!/\{[{%]/.test(template)) {
    throw wrongRange('a Jinja template, with {{ … }} or {% … %},', 'chatTemplate', template);
  }
  return new ChatTemplate(template).source;
}

/**
 * Validates the options; throws TypeError or RangeError, and NotSupportedError for a chat template
 * that cannot be parsed.
 */
export function readServeOptions(value: ServeOptions | undefined): ServeSettings {
  const options = checkOptions(value, 'options', [
    'host',
    'port',
    'apiKey',
    'bodyLimit',
    'alias',
    'implicitBos',
    'chatTemplate',
    'mergeSystem',
    'cors',
    'pingInterval',
    'maxWaiting',
    'requestTimeout',
    'streamBuffer',
    'allowedHosts',
    'onError',
  ]);
  const { host, port, apiKey, bodyLimit, alias, implicitBos, onError = () => {} } = options;
  const { chatTemplate, mergeSystem, cors, pingInterval } = options;
  const { maxWaiting, requestTimeout, streamBuffer, allowedHosts } = options;
  if (typeof onError !== 'function') throw wrongType('a function', 'onError', onError);
  return {
    host: nonEmpty(host ?? '127.0.0.1', 'host'),
    port: checkInteger(port ?? 8080, 'port', 0, 65_535),
    apiKey: apiKey === undefined ? undefined : readKey(apiKey),
    bodyLimit: checkInteger(bodyLimit ?? 10 * 2 ** 20, 'bodyLimit', 1, Number.MAX_SAFE_INTEGER),
    alias: alias === undefined ? undefined : nonEmpty(alias, 'alias'),
    implicitBos: checkBoolean(implicitBos ?? false, 'implicitBos'),
    chatTemplate: chatTemplate === undefined ? undefined : readTemplate(chatTemplate),
    mergeSystem: checkBoolean(mergeSystem ?? false, 'mergeSystem'),
    cors: cors === undefined ? [] : readOrigins(cors),
    pingInterval: checkInteger(pingInterval ?? 15_000, 'pingInterval', 0),
    maxWaiting: checkInteger(maxWaiting ?? 100, 'maxWaiting', 0),
    requestTimeout: checkInteger(requestTimeout ?? 0, 'requestTimeout', 0),
    streamBuffer: checkInteger(streamBuffer ?? 4 * 2 ** 20, 'streamBuffer', 1),
    allowedHosts: allowedHosts === undefined ? [] : readHosts(allowedHosts),
    onError: guarded('onError', onError),
  };
}

/** Whether an address is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === 'localhost' || host === '::1';
}
