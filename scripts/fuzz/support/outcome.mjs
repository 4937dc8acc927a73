// How a call of the package ended, for the programs that the fuzzers run.
import { errorCodes } from 'autocog-lm';

/** Undefined if it succeeded, the code of its error, or `FAILED: …` for an error that nobody should see. */
export async function outcomeOf(work) {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (errorCodes.includes(error?.code) && error.code !== 'INTERNAL') return error.code;
    return `FAILED: ${error?.code ?? 'no code'}: ${error?.stack ?? error} ${error?.cause ?? ''}`;
  }
}

/** Whether two rows are equal, bit for bit. */
export const isSame = (a, b) =>
  a.length === b.length && a.every((value, index) => value === b[index]);
