import type { Operation } from '../../domain/operation/operation.js'

type Beat = Pick<Operation, 'id' | 'state' | 'attempt' | 'leaseBeat' | 'leaseOwner'>

/**
 * Tells which open operations nobody carries out: those that are pending, and those whose (attempt, beat) this process has itself
 * seen stand still for a whole lease on its own monotonic clock, or whose owner `isGone` says is dead. No clock of anybody else
 * matters.
 */
export interface LeaseWatch {
  /** Takes in the open operations as they are now; answers with the runnable ones. Operations that are gone are forgotten. */
  runnable<T extends Beat>(open: readonly T[], nowMs: number): readonly T[]
}

/** A watch that has seen no beat yet; ages are measured on this process’s own clock. */
export function watchLeases(
  leaseMs: number,
  isGone: (owner: string | null) => boolean = () => false,
): LeaseWatch {
  let seen = new Map<string, { readonly beat: string; readonly sinceMs: number }>()
  return {
    runnable(open, nowMs) {
      const now = new Map<string, { readonly beat: string; readonly sinceMs: number }>()
      const runnable = open.filter((operation) => {
        const beat = `${operation.attempt}.${operation.leaseBeat}`
        const before = seen.get(operation.id)
        const sinceMs = before?.beat === beat ? before.sinceMs : nowMs
        now.set(operation.id, { beat, sinceMs })
        return operation.state === 'pending' || nowMs - sinceMs >= leaseMs || isGone(operation.leaseOwner)
      })
      seen = now
      return runnable
    },
  }
}
