import type { StoredObservation } from './observation.js'

/** A clock that is kept right is set back by less than this; more is a step. A report from further ahead is from before it. */
export const SET_BACK_MS_MAX = 1_000

type Stored = Pick<StoredObservation, 'ageMs'> | null

/**
 * Milliseconds since the agent's last report was taken in, as of when it was read. Null when there is none, and when it is from the
 * future: the database's clock was set back since, so that nothing says how old the report is. An agent that lives reports again at once.
 */
export function reportAgeMs(stored: Stored): number | null {
  if (stored === null || stored.ageMs < -SET_BACK_MS_MAX) return null
  return Math.max(0, stored.ageMs)
}

/** Reports of this age say nothing about now; null is none at all. */
export function isOverdue(ageMs: number | null, reportAgeMsMax: number): boolean {
  return ageMs === null || ageMs > reportAgeMsMax
}

/** The agent's reports have stopped, or never began; what it said last may be long past. */
export function isSilent(stored: Stored, reportAgeMsMax: number): boolean {
  return isOverdue(reportAgeMs(stored), reportAgeMsMax)
}
