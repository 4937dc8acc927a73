// A subset of an options object. `LLaMa.load` splits its options into model and context with it.

/** The entries with these names, as far as present. */
export function pick<T extends object, K extends keyof T>(
  source: T,
  names: readonly K[],
): Pick<T, K> {
  const entries = names.filter((name) => name in source).map((name) => [name, source[name]]);
  return Object.fromEntries(entries) as Pick<T, K>;
}
