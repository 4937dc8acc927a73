// A JSON Schema validator, written from the specification and independent of the package. It covers
// the keywords that can be converted to grammars.

type Schema = Record<string, unknown> | boolean;

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

const isSame = (a: unknown, b: unknown): boolean => {
  if (typeOf(a) !== typeOf(b)) return false;
  if (typeof a !== 'object' || a === null) return a === b;
  const [first, second] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(first);
  return (
    keys.length === Object.keys(second).length &&
    keys.every((key) => isSame(first[key], second[key]))
  );
};

const formats: Record<string, (text: string) => boolean> = {
  date: (text) => {
    const day = new Date(`${text}T00:00:00Z`);
    return !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10) === text;
  },
  time: (text) =>
    !Number.isNaN(Date.parse(`2000-01-01T${text}`)) && /(?:Z|[+-]\d\d:\d\d)$/.test(text),
  'date-time': (text) => !Number.isNaN(Date.parse(text)) && /T.*(?:Z|[+-]\d\d:\d\d)$/.test(text),
  uuid: (text) => /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text),
  ipv4: (text) =>
    text.split('.').length === 4 &&
    text.split('.').every((n) => String(Number(n)) === n && Number(n) < 256),
  ipv6: (text) => URL.canParse(`http://[${text}]/`),
  hostname: (text) => URL.canParse(`http://${text}/`) || /^[\d.]+$/.test(text),
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  uri: (text) => /^[a-z]+:\/\/\S+$/.test(text),
};

export function fitsSchema(value: unknown, schema: Schema, root: Schema = schema): boolean {
  if (typeof schema === 'boolean') return schema;
  const { $ref, allOf, anyOf, oneOf, ...own } = schema as Record<string, never>;
  const fits = (each: Schema): boolean => fitsSchema(value, each, root);
  if ($ref !== undefined && !fits(resolve($ref as string, root))) return false;
  if (allOf !== undefined && !(allOf as Schema[]).every(fits)) return false;
  if (anyOf !== undefined && !(anyOf as Schema[]).some(fits)) return false;
  if (oneOf !== undefined && (oneOf as Schema[]).filter(fits).length !== 1) return false;
  return fitsOwn(value, own, root);
}

function resolve(reference: string, root: Schema): Schema {
  const [, ...keys] = decodeURIComponent(reference).split('/');
  const plain = keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (plain.length > 0 || reference === '#') {
    return plain.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], root) as Schema;
  }
  const { $defs } = root as { $defs: Record<string, { $anchor?: string }> };
  return Object.values($defs).find(({ $anchor }) => `#${$anchor}` === reference) as Schema;
}

function fitsOwn(value: unknown, schema: Record<string, never>, root: Schema): boolean {
  const { type, enum: list, const: one, nullable } = schema;
  if (nullable && value === null) return true;
  const types = type === undefined ? undefined : ([type].flat() as string[]);
  const isOfType = (name: string): boolean =>
    name === typeOf(value) || (name === 'integer' && Number.isInteger(value));
  if (types !== undefined && !types.some(isOfType)) return false;
  if (list !== undefined && !(list as unknown[]).some((each) => isSame(each, value))) return false;
  if ('const' in schema && !isSame(one, value)) return false;
  if (typeof value === 'number') return fitsNumber(value, schema);
  if (typeof value === 'string') return fitsString(value, schema);
  if (Array.isArray(value)) return fitsArray(value, schema, root);
  return typeof value !== 'object' || value === null || fitsObject(value as never, schema, root);
}

function fitsNumber(value: number, schema: Record<string, number>): boolean {
  const {
    minimum = -Infinity,
    maximum = Infinity,
    exclusiveMinimum,
    exclusiveMaximum,
    multipleOf,
  } = schema;
  return (
    value >= minimum &&
    value <= maximum &&
    (exclusiveMinimum === undefined || value > exclusiveMinimum) &&
    (exclusiveMaximum === undefined || value < exclusiveMaximum) &&
    (multipleOf === undefined || Number.isInteger(value / multipleOf))
  );
}

function fitsString(value: string, schema: Record<string, never>): boolean {
  const { minLength = 0, maxLength = Infinity, pattern, format } = schema;
  const { length } = Array.from(value);
  if (length < minLength || length > maxLength) return false;
  if (pattern !== undefined && !regularExpression(pattern).test(value)) return false;
  return format === undefined || (formats[format]?.(value) ?? true);
}

/** In Unicode mode, unless the pattern is valid only without it. */
function regularExpression(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return new RegExp(pattern);
  }
}

function fitsArray(value: unknown[], schema: Record<string, never>, root: Schema): boolean {
  const { prefixItems = [] as Schema[], items, minItems = 0, maxItems = Infinity } = schema;
  if (value.length < minItems || value.length > maxItems) return false;
  return value.every((each, index) => fitsSchema(each, prefixItems[index] ?? items ?? true, root));
}

function fitsObject(
  value: Record<string, unknown>,
  schema: Record<string, never>,
  root: Schema,
): boolean {
  const { properties = {} as Record<string, Schema>, required = [] as string[] } = schema;
  const { additionalProperties = true, minProperties = 0, maxProperties = Infinity } = schema;
  const keys = Object.keys(value);
  if (keys.length < minProperties || keys.length > maxProperties) return false;
  if (!(required as string[]).every((key) => Object.hasOwn(value, key))) return false;
  return keys.every((key) => {
    const own = Object.hasOwn(properties, key)
      ? (properties as Record<string, Schema>)[key]
      : undefined;
    return fitsSchema(value[key], own ?? additionalProperties, root);
  });
}
