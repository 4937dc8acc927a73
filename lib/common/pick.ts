// A part of an option bag. `LLaMa.load` splits its own between model and context with it.

/** The entries of these names, those that are there. */
export function pick<T extends object, K extends keyof T>(
  source: T,
  names: readonly K[],
): Pick<T, K> {
  const entries = names.filter((name) => name in source).map((name) => [name, source[name]]);
  return Object.fromEntries(entries) as Pick<T, K>;
}
