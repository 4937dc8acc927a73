// The variables that a statement sees: its own scope's, then those of the scopes around it.

import { Undefined, type Value } from './values.js';

/** The variables of a template, macro, loop iteration or block. */
export class Scope {
  readonly #parent: Scope | undefined;
  readonly #variables: Map<string, Value>;

  constructor(parent?: Scope, variables: Iterable<readonly [string, Value]> = []) {
    this.#parent = parent;
    this.#variables = new Map(variables);
  }

  set(name: string, value: Value): void {
    this.#variables.set(name, value);
  }

  get(name: string): Value {
    const value = this.find(name);
    return value === undefined ? new Undefined(`'${name}' is undefined`) : value;
  }

  find(name: string): Value | undefined {
    const value = this.#variables.get(name);
    return value === undefined ? this.#parent?.find(name) : value;
  }
}
