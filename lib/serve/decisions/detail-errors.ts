// Errors of `/v1/systemone`: a list of invalid fields with status 422, or else an object with a type.

import type { HttpError } from '../http/http-error.js';

const validationCodes = [
  'invalid_value',
  'missing_required_parameter',
  'unknown_parameter',
  'invalid_json',
  'not_supported',
  'undecidable',
];

/** The status and body of an error. */
export function detailOf({ status, message, details }: HttpError): {
  status: number;
  body: object;
} {
  const { code = 'error', type, param } = details;
  if (code === 'context_length_exceeded') {
    return { status: 413, body: { detail: { error_type: code, message } } };
  }
  if (status === 422 || (status === 400 && validationCodes.includes(code))) {
    const loc = ['body', ...(param === undefined ? [] : pathOf(param))];
    return { status: 422, body: { detail: [{ loc, msg: message, type: code }] } };
  }
  const errorType = type === 'authentication_error' ? type : code;
  return { status, body: { detail: { error_type: errorType, message } } };
}

/** The keys and indices of a field such as `questions["tone"].criteria[1]`. */
function pathOf(param: string): (string | number)[] {
  const parts = param.matchAll(/\["(?:[^"\\]|\\.)*"\]|\[\d+\]|[^.[\]]+/g);
  return Array.from(parts, ([part]) => {
    return part.startsWith('[') ? (JSON.parse(part.slice(1, -1)) as string | number) : part;
  });
}
