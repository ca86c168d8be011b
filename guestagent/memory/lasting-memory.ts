import type { Clock } from '../../common/clock.js'
import type { Observation } from '../../domain/instance/observation.js'
import { hadData, noteHadData } from '../server/startable.js'
import type { AcceptedState } from './accepted.js'

/** How often the number of keys that a later start may miss is noted anew. */
const NOTE_KEYS_MS = 60_000

/**
 * Keeps on disk what a later start must know of what was seen: that there was data, and that there were replicas. The returned
 * function resolves once it is kept, so nobody is told of a replica that a restart would not remember.
 */
export function lastingMemory(
  accepted: AcceptedState,
  hadDataMarker: string,
  clock: Clock,
): (seen: Observation) => Promise<void> {
  let notedKeys = hadData(hadDataMarker)
  let notedAtMs = clock.monotonicMs()
  return async ({ keys, connectedReplicas }) => {
    const waitMs = notedKeys === null ? 0 : NOTE_KEYS_MS
    if (keys !== null && keys > 0 && keys !== notedKeys && clock.monotonicMs() - notedAtMs >= waitMs) {
      notedKeys = keys
      notedAtMs = clock.monotonicMs()
      await noteHadData(hadDataMarker, keys)
    }
    if (connectedReplicas.length > 0 && !accepted.current().hadReplicas)
      await accepted.update({ hadReplicas: true })
  }
}
