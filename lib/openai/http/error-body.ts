// Error responses in other formats than OpenAI's, such as FastAPI's, which the client of the package
// `openai` would discard. `connection.ts` uses it.

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One entry of a list of invalid fields. */
function lineOf(entry: unknown): string {
  if (!isObject(entry)) return JSON.stringify(entry) ?? '';
  const { loc, msg } = entry;
  const field = Array.isArray(loc) ? loc.filter((part) => part !== 'body').join('.') : '';
  return [field, String(msg ?? JSON.stringify(entry))].filter((part) => part !== '').join(': ');
}

/** The error object of a response whose body has a `detail` or a `message` instead. */
export function withErrorObject(body: unknown): unknown {
  if (!isObject(body) || (body.error !== undefined && body.error !== null)) return body;
  const { detail, message } = body;
  if (Array.isArray(detail)) return { error: { message: detail.map(lineOf).join('; ') } };
  if (isObject(detail)) {
    const { error_type: code, message: text = JSON.stringify(detail) } = detail;
    return { error: { message: text, code, type: code } };
  }
  const text = typeof detail === 'string' ? detail : message;
  return typeof text === 'string' ? { error: { message: text } } : body;
}
