// Tables in the terminal, by cli-table3: one with a frame, one without.

import Table from 'cli-table3';
import { paint } from '../output.js';
import { count } from './text.js';

/** Who wants more reads JSON. The layout of cli-table3 takes time by the square of the rows. */
const mostRows = 1000;

/** A column: its title and the side that its cells keep to. */
export type Column = readonly [title: string, align: 'left' | 'right'];

/** Rows under their titles, in a frame. */
export function table(columns: readonly Column[], rows: readonly string[][]): string {
  return render(columns, rows, {});
}

const edges = 'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right';
const noFrame = Object.fromEntries([
  ...`${edges} left left-mid mid mid-mid right right-mid`.split(' ').map((part) => [part, '']),
  ['middle', '  '],
]);

/** Rows under their titles, or without, in plain columns. */
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
    // Its own colours know nothing of NO_COLOR.
    style: { head: [], border: [], compact: true, ...style },
  });
  table.push(...rows.slice(0, mostRows).map((row) => [...row]));
  const more = rows.length - mostRows;
  return more > 0 ? `${table}\n… ${count(more)} more: --json has them all` : `${table}`;
}
