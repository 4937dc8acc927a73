// The log-probabilities in a server's answer, whichever of the formats it has: the legacy lists
// (`tokens`, `token_logprobs`, `top_logprobs` as objects) of OpenAI's and vLLM's completions, or
// `content` as in chat, which llama.cpp's server gives for both, with token ids.

/** A token as a server names it. */
export interface RemoteToken {
  /** As the server wrote it: where a token is no whole character, not what `bytes` says. */
  text: string;
  bytes: Uint8Array | undefined;
  /** Where the server tells it. */
  id: number | undefined;
  /** Natural; −Infinity where the server has the lowest number it can write; NaN where it says nothing. */
  logprob: number;
}

/** A token in its place, and what else could stand there. */
export interface RemoteStep extends RemoteToken {
  /** The likeliest in its place, best first; empty where the server did not tell. */
  top: RemoteToken[];
}

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** Servers that cannot write −Infinity write the lowest float, or −9999. */
const lowest = -9998;

function readLogprob(value: unknown): number {
  if (typeof value !== 'number') return Number.NaN;
  return value <= lowest ? -Infinity : Math.min(0, value);
}

/** Ways of writing a token that is no text: `bytes:\xe2\x80` (OpenAI), `token_id:123` (vLLM). */
function readToken(text: string, logprob: number, fields: Fields = {}): RemoteToken {
  const id = /^token_id:(\d+)$/.exec(text)?.[1];
  const escaped = /^bytes:((?:\\x[0-9a-f]{2})+)$/i.exec(text)?.[1];
  const given = Array.isArray(fields.bytes) ? Uint8Array.from(fields.bytes as number[]) : undefined;
  const bytes = escaped === undefined ? given : Buffer.from(escaped.replaceAll('\\x', ''), 'hex');
  const known = typeof fields.id === 'number' ? fields.id : id === undefined ? undefined : +id;
  return { text, bytes, id: known, logprob };
}

const byLogprob = (a: RemoteToken, b: RemoteToken): number => b.logprob - a.logprob;

function readContent(entry: unknown): RemoteStep {
  const fields = isObject(entry) ? entry : {};
  const read = (value: unknown): RemoteToken => {
    const token = isObject(value) ? value : {};
    return readToken(String(token.token ?? ''), readLogprob(token.logprob), token);
  };
  const top = Array.isArray(fields.top_logprobs) ? fields.top_logprobs.map(read) : [];
  return { ...read(fields), top: top.sort(byLogprob) };
}

/**
 * One step per token that an answer has log-probabilities for, those of an echoed prompt first;
 * undefined where it has none, or none that can be read.
 */
export function readLogprobs(logprobs: unknown): RemoteStep[] | undefined {
  if (!isObject(logprobs)) return undefined;
  if (Array.isArray(logprobs.content)) return logprobs.content.map(readContent);
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
