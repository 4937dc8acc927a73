// Parses the log-probabilities of a response, in either format: the legacy lists (`tokens`,
// `token_logprobs`, `top_logprobs` as objects) of OpenAI's and vLLM's completions, or `content` as
// in chats, which llama.cpp's server uses for both endpoints, with token ids.

/** A token as a server reports it. */
export interface RemoteToken {
  /** As sent by the server: for a token that ends in mid-character it may differ from `bytes`. */
  text: string;
  bytes: Uint8Array | undefined;
  /** Undefined if the server does not report it. */
  id: number | undefined;
  /** Natural logarithm; −Infinity if the server sent its lowest value; NaN if it sent none. */
  logprob: number;
}

/** A token and the alternatives at its position. */
export interface RemoteStep extends RemoteToken {
  /**
   * The top tokens at this position, in descending order; empty if the server did not report them.
   */
  top: RemoteToken[];
}

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** Servers whose JSON cannot represent −Infinity send the lowest float, or −9999. */
const minLogprob = -9998;

function readLogprob(value: unknown): number {
  if (typeof value !== 'number') return Number.NaN;
  return value <= minLogprob ? -Infinity : Math.min(0, value);
}

/**
 * Parses the notations for tokens that are not text: `bytes:\xe2\x80` (OpenAI), `token_id:123`
 * (vLLM).
 */
function readToken(text: string, logprob: number, fields: Fields = {}): RemoteToken {
  const id = /^token_id:(\d+)$/.exec(text)?.[1];
  const escaped = /^bytes:((?:\\x[0-9a-f]{2})+)$/i.exec(text)?.[1];
  const given = Array.isArray(fields.bytes) ? Uint8Array.from(fields.bytes as number[]) : undefined;
  const bytes = escaped === undefined ? given : Buffer.from(escaped.replaceAll('\\x', ''), 'hex');
  const tokenId = typeof fields.id === 'number' ? fields.id : id === undefined ? undefined : +id;
  return { text, bytes, id: tokenId, logprob };
}

const byLogprob = (a: RemoteToken, b: RemoteToken): number => b.logprob - a.logprob;

function readContentEntry(entry: unknown): RemoteStep {
  const fields = isObject(entry) ? entry : {};
  const read = (value: unknown): RemoteToken => {
    const token = isObject(value) ? value : {};
    return readToken(String(token.token ?? ''), readLogprob(token.logprob), token);
  };
  const top = Array.isArray(fields.top_logprobs) ? fields.top_logprobs.map(read) : [];
  return { ...read(fields), top: top.sort(byLogprob) };
}

/**
 * One step per token for which the response has log-probabilities, those of an echoed prompt first;
 * undefined if it has none or they cannot be parsed.
 */
export function readLogprobs(logprobs: unknown): RemoteStep[] | undefined {
  if (!isObject(logprobs)) return undefined;
  if (Array.isArray(logprobs.content)) return logprobs.content.map(readContentEntry);
  const { tokens, token_logprobs: values, top_logprobs: tops } = logprobs;
  if (!Array.isArray(tokens) || !Array.isArray(values)) return undefined;
  if (tokens.length !== values.length) return undefined;
  return tokens.map((text, index): RemoteStep => {
    const top = Array.isArray(tops) && isObject(tops[index]) ? (tops[index] as Fields) : {};
    return {
      ...readToken(String(text), readLogprob(values[index])),
      top: Object.entries(top)
        .map(([token, logprob]) => readToken(token, readLogprob(logprob)))
        .sort(byLogprob),
    };
  });
}
