// When a binding checks, or prepares, what it needs.

import { wrongType } from '../common/arguments.js';

/** When `buildModel` calls `install`. */
export enum InstallOption {
  NEVER_INSTALL = 1,
  /** The first time, unless the binding's configuration file exists. */
  INSTALL_IF_NECESSARY = 2,
  /** The first time, in any case. */
  FORCE_INSTALL = 3,
}

/** Throws a TypeError unless the value is one of {@link InstallOption}. */
export function readInstallOption(value: unknown, name: string): InstallOption {
  if (typeof value === 'number' && value in InstallOption) return value;
  throw wrongType('one of InstallOption', name, value);
}
