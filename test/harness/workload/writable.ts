/* I2: at most one member takes writes at any time. */
import type { Deed } from './deed.js'

export interface Changeover {
  readonly from: string
  readonly to: string
  readonly atMs: number
}

/**
 * Times at which the writing went from one member to another, in real time: an acknowledgement counts as later than another only
 * when its call began after the other's answer. Two members that take writes side by side show as a change with every write; one
 * operation can cause one (an eject), or two (a promote that was led back).
 */
export function changeovers(deeds: readonly Deed[]): readonly Changeover[] {
  const acks = deeds.filter(({ outcome }) => outcome === 'ok').toSorted((a, b) => a.endMs - b.endMs)
  const changes: Changeover[] = []
  let writer: string | null = null
  let lastEndMs = Number.NEGATIVE_INFINITY
  for (const { member, startMs, endMs } of acks) {
    if (writer === null) writer = member
    if (member === writer) {
      lastEndMs = endMs
    } else if (startMs > lastEndMs) {
      changes.push({ from: writer, to: member, atMs: endMs })
      writer = member
      lastEndMs = endMs
    }
    // Begun before the last answer of the other: which came first nobody can tell.
  }
  return changes
}
