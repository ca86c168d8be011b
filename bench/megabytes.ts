import { readFileSync } from 'node:fs'

/** Memory of a process in MB: `Rss`, `Pss` (its share of what processes have in common), `Private_Dirty`. */
export function megabytes(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) / 1024
}
