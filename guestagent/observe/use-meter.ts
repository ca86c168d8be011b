import type { Clock } from '../../common/clock.js'
import type { InfoFacts } from '../redis/info.js'

/** Commands a second of this agent, of a monitor's ping now and then, and of replicas that acknowledge once a second each. */
const OWN_PER_SECOND = 30
const REPLICA_PER_SECOND = 2

/** Whether anybody uses a server, by what its looks count. */
export interface UseMeter {
  note(seen: Pick<InfoFacts, 'serverPid' | 'commandsProcessed' | 'connectedReplicas'>): void
  /** False until two looks at one process were compared. */
  readonly isUnused: () => boolean
}

/** A meter that has seen nothing yet. */
export function useMeter(clock: Clock): UseMeter {
  let last: { readonly pid: number | null; readonly count: number; readonly atMs: number } | null = null
  let unused = false
  return {
    isUnused: () => unused,
    note: ({ serverPid: pid, commandsProcessed: count, connectedReplicas }) => {
      const atMs = clock.monotonicMs()
      const before = last
      last = count === null ? null : { pid, count, atMs }
      if (count === null || before?.pid !== pid) {
        unused = false
        return
      }
      const perSecond = OWN_PER_SECOND + REPLICA_PER_SECOND * connectedReplicas.length
      unused = count - before.count <= 5 + (perSecond * (atMs - before.atMs)) / 1000
    },
  }
}
