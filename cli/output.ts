import Table from 'cli-table3'
import { printable, printableJson } from '../common/printable.js'

/** Where a command writes, and how. */
export interface Output {
  readonly json: boolean
  /** Notes go to a terminal that can write over its last line. */
  readonly canRewrite: boolean
  /** Columns of that terminal. */
  readonly columns: number
  /** Standard output. */
  print(text: string): void
  /** Standard error: progress and failures. */
  note(text: string): void
}

/** Data as JSON when asked for, else as `human` shows it. */
export function show(output: Output, data: unknown, human: () => string): void {
  output.print(output.json ? printableJson(data) : human())
}

/** Rows under headings, without colour; a row is a line, so that a long list can be searched line by line. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | number | null | undefined)[])[],
): string {
  const made = new Table({ head: [...headings], style: { head: [], border: [], compact: true } })
  made.push(...rows.map((row) => row.map(cell)))
  return made.toString()
}

/** Names and values of one thing. */
export function card(fields: readonly (readonly [string, string | number | null | undefined])[]): string {
  const shown = fields.filter(([, value]) => value !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}`).join('\n')
}

/** Bytes for people. */
export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return '-'
  if (count < 1024) return `${count} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let value = count
  let unit = ''
  for (const next of units) {
    if (value < 1024) break
    value /= 1024
    unit = next
  }
  return `${value.toFixed(1)} ${unit}`
}

/** Goes one line up and clears it: the only thing that a note may tell a terminal. */
export const REWRITE = '\u001b[1A\u001b[2K'

/** Lines as a terminal may get them, whatever the service or a person has put into them. */
export function safeLines(text: string): string {
  const rewrite = text.startsWith(REWRITE) ? REWRITE : ''
  return rewrite + text.slice(rewrite.length).split('\n').map(printable).join('\n')
}

function cell(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === '' ? '-' : printable(String(value))
}
