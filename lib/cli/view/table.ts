// Tables in the terminal, with cli-table3: with a frame, or without.

import Table from 'cli-table3';
import { paint } from '../output.js';
import { count } from './text.js';

/** More rows are available as JSON. cli-table3's layout takes quadratic time in the rows. */
const maxRows = 1000;

/** A column: its title and its cells' alignment. */
export type Column = readonly [title: string, align: 'left' | 'right'];

/** A table with a frame. */
export function table(columns: readonly Column[], rows: readonly string[][]): string {
  return render(columns, rows, {});
}

const edges = 'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right';
const noFrame = Object.fromEntries([
  ...`${edges} left left-mid mid mid-mid right right-mid`.split(' ').map((part) => [part, '']),
  ['middle', '  '],
]);

/** Plain columns without a frame; without titles if all of them are empty. */
export function columns(columns: readonly Column[], rows: readonly string[][]): string {
  const lines = render(
    columns,
    rows,
    { chars: noFrame },
    { 'padding-left': 0, 'padding-right': 0 },
  );
  return lines.replace(/ +$/gm, '');
}

function render(
  columns: readonly Column[],
  rows: readonly string[][],
  options: Table.TableConstructorOptions,
  style: Table.TableConstructorOptions['style'] = {},
): string {
  const titled = columns.some(([title]) => title !== '');
  const table = new Table({
    ...options,
    head: titled ? columns.map(([title]) => paint('bold', title)) : [],
    colAligns: columns.map(([, align]) => align),
    // cli-table3's own colors ignore NO_COLOR.
    style: { head: [], border: [], compact: true, ...style },
  });
  table.push(...rows.slice(0, maxRows).map((row) => [...row]));
  const more = rows.length - maxRows;
  return more > 0 ? `${table}\n… ${count(more)} more; use --json to see all` : `${table}`;
}
