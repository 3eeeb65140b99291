import Table from 'cli-table3'
import type { Io } from './io.js'

export type OutputForm = 'table' | 'json'

/** A column: its head, and what stands in it. Numbers go to the right. */
export type Columns<T> = Record<string, (row: T) => string | number | null>

/** Rows as aligned text without lines; `none` where there are none. */
export function tableText<T>(rows: readonly T[], columns: Columns<T>, paint: Io['paint']): string {
  if (rows.length === 0) return paint.dim('none')
  const cells = rows.map(row => Object.values(columns).map(cell => cell(row)))
  const isNumber = (_: unknown, i: number): boolean =>
    cells.every(line => line[i] === null || typeof line[i] === 'number') &&
    cells.some(line => line[i] !== null)
  const table = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    head: Object.keys(columns).map(head => paint.dim(head.toUpperCase())),
    colAligns: Object.keys(columns).map((head, i) => (isNumber(head, i) ? 'right' : 'left')),
  })
  for (const line of cells) table.push(line.map(cell => (cell === null ? '-' : String(cell))))
  return table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
}

/** JSON as people read it. */
export const jsonText = (value: unknown): string => JSON.stringify(value, null, 2)

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
}
