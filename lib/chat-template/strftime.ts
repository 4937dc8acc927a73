// The `strftime` of chat templates, which is in English whatever the machine's locale.
// `template.ts` passes it to templates as `strftime_now`.

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const pad = (value: number, width = 2, fill = '0'): string => String(value).padStart(width, fill);

/** The day of the year, from 1. */
const dayOfYear = (date: Date): number => {
  const midnight = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (midnight - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000;
};

const fields: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => (days[date.getDay()] as string).slice(0, 3),
  A: (date) => days[date.getDay()] as string,
  b: (date) => (months[date.getMonth()] as string).slice(0, 3),
  B: (date) => months[date.getMonth()] as string,
  d: (date) => pad(date.getDate()),
  e: (date) => pad(date.getDate(), 2, ' '),
  F: (date) => format(date, '%Y-%m-%d'),
  H: (date) => pad(date.getHours()),
  I: (date) => pad(date.getHours() % 12 || 12),
  j: (date) => pad(dayOfYear(date), 3),
  m: (date) => pad(date.getMonth() + 1),
  M: (date) => pad(date.getMinutes()),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  S: (date) => pad(date.getSeconds()),
  T: (date) => format(date, '%H:%M:%S'),
  y: (date) => pad(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  '%': () => '%',
};

/**
 * Formats a date by a pattern, in local time and in English; `%-d` and its like omit
 * leading zeros. An unknown directive is left as is.
 */
export function format(date: Date, pattern: string): string {
  return pattern.replace(/%(-?)([A-Za-z%])/g, (whole, bare: string, letter: string) => {
    if (!Object.hasOwn(fields, letter)) return whole;
    const text = fields[letter]?.(date) as string;
    return bare === '' ? text : text.replace(/^[0 ]+(?=\d)/, '');
  });
}
