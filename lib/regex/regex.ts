// Regular expressions that take linear time, whatever the pattern and the text: for patterns that
// come with a request. Vocabularies use them.

import { wrongType } from '../common/arguments.js';
import { NotSupportedError } from '../common/errors.js';
import { Matcher } from './matcher.js';
import { compile } from './program.js';
import { parse, Unsupported } from './syntax.js';

/**
 * A matcher for a pattern of ECMA-262 with flag u, without look-around and back references.
 *
 * @param name what messages call the pattern
 * @throws TypeError for a pattern that is not valid; NotSupportedError, which names the construct and
 * its position, for one that this engine does not support or that is too large
 */
export function compileRegex(pattern: string, name: string): Matcher {
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    // V8 repeats the pattern, between the first and the last colon.
    const reason = error instanceof Error ? error.message.replace(/^.*: /s, '') : String(error);
    throw wrongType(`a regular expression (${reason.toLowerCase()})`, name, pattern);
  }
  try {
    return new Matcher(compile(parse(pattern)));
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    throw new NotSupportedError(`Regular expressions have no ${error.message}, in ${name}`);
  }
}
