// JSON values as the text that a model reads. `lib/decide/read-questions.ts` and
// `lib/decide/state.ts` use it.

import { types } from 'node:util';
import { wrongRange, wrongType } from '../common/arguments.js';

/** Objects whose content is not in properties, so that JSON.stringify would write `{}`, or indices. */
const isLost = (value: unknown): value is object =>
  types.isMap(value) ||
  types.isSet(value) ||
  types.isWeakMap(value) ||
  types.isWeakSet(value) ||
  types.isPromise(value) ||
  types.isRegExp(value) ||
  types.isNativeError(value) ||
  types.isAnyArrayBuffer(value) ||
  ArrayBuffer.isView(value);

/**
 * The JSON text of a value, without line breaks. JSON.stringify would write numbers that
 * are not finite as null and Maps as `{}`, and fail on cycles with a message of its own.
 *
 * @throws TypeError for a value that JSON cannot represent; RangeError for a number that is not finite
 */
export function jsonText(value: unknown, name: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (_, part: unknown) => {
      if (typeof part === 'number' && !Number.isFinite(part)) {
        throw wrongRange('finite numbers', name, part);
      }
      if (typeof part === 'bigint' || typeof part === 'function' || typeof part === 'symbol') {
        throw wrongType('a JSON value', name, part);
      }
      if (isLost(part)) throw wrongType('plain objects and arrays', name, part);
      return part;
    });
  } catch (error) {
    // A cycle, a nesting beyond the stack, or a `toJSON` that throws.
    if (error instanceof Error && 'code' in error) throw error;
    throw wrongType('a JSON value', name, value);
  }
  if (text === undefined) throw wrongType('a JSON value', name, value);
  return text;
}
