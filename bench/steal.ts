import { readFileSync } from 'node:fs'

const STEAL = 7
/** The fields after it are time of guests, which is counted as user time already. */
const COUNTED = 8

/**
 * Share of the processors' time, 0 to 1, that a virtual machine's host gave to others while it was wanted here (Linux, `steal`). The
 * returned function answers with that since the watch began; 0 on real machines.
 */
export function watchSteal(): () => number {
  const before = times()
  return () => {
    const now = times().map((value, index) => value - (before[index] ?? 0))
    const total = now.slice(0, COUNTED).reduce((sum, one) => sum + one, 0)
    return total > 0 ? (now[STEAL] ?? 0) / total : 0
  }
}

function times(): readonly number[] {
  const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/)
  return fields.map(Number)
}
