// Validates a calibration that a caller passes, such as one read from a file.

import {
  checkBetween,
  checkNumber,
  checkOneOf,
  checkOptions,
  wrongRange,
  wrongType,
} from '../../common/arguments.js';
import { questionTypes } from '../question.js';
import type { Calibration, Scale } from './calibration.js';

function readRecord<T>(
  value: unknown,
  name: string,
  read: (value: unknown, name: string) => T,
): Record<string, T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType('an object', name, value);
  }
  const entries = Object.entries(value).map(
    ([key, each]) => [key, read(each, `${name}[${JSON.stringify(key)}]`)] as const,
  );
  return Object.fromEntries(entries);
}

/** Beyond them, scaled scores could be infinite; `calibrate` returns values from 1/64 to 64. */
const temperatures = [1e-6, 1e6] as const;

function readScale(value: unknown, name: string): Scale {
  if (value === undefined) throw wrongType('an object', name, value);
  const { temperature, bias } = checkOptions(value as Scale, name, ['temperature', 'bias']);
  const number = (each: unknown, its: string): number => checkNumber(each, its);
  const read = checkBetween(temperature, `${name}.temperature`, ...temperatures);
  if (bias === undefined) return { temperature: read };
  return { temperature: read, bias: readRecord(bias, `${name}.bias`, number) };
}

/** Validates a calibration; throws TypeError or RangeError. */
export function readCalibration(value: unknown): Calibration | undefined {
  if (value === undefined) return undefined;
  const fields = ['version', 'method', 'types', 'questions'] as const;
  const given = checkOptions(value as Calibration, 'calibration', fields);
  if (given.version !== 1) throw wrongRange('1', 'calibration.version', given.version);
  const types = readRecord(given.types ?? {}, 'calibration.types', readScale);
  for (const type of Object.keys(types))
    checkOneOf(type, 'a key of calibration.types', questionTypes);
  return {
    version: 1,
    method: checkOneOf(given.method, 'calibration.method', ['text', 'labels']),
    types,
    questions: readRecord(given.questions ?? {}, 'calibration.questions', readScale),
  };
}
