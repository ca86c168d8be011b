import type { InstanceId } from '../../../../domain/instance/instance.js'
import type { Observation } from '../../../../domain/instance/observation.js'

/** A PING that a source sends to its replicas, as bytes of the replication stream; no write command is as short. */
export const PING_BYTES = 14

/**
 * True when `candidate` misses nothing but, at most, one ping of what `source` holds. False for another history: its offset says
 * nothing then.
 */
export function hasAllOf(candidate: Observation, source: Observation): boolean {
  if (candidate.offset === null || source.offset === null) return false
  if (!sharesHistory(candidate, source.replicationId)) return false
  const behind = source.offset - candidate.offset
  return behind <= 0 || behind === PING_BYTES
}

/** Its data is of the history `replicationId`, which it follows or followed until it led. */
export function sharesHistory(one: Observation, replicationId: string | null): boolean {
  if (replicationId === null) return true
  return one.replicationId === replicationId || one.replicationId2 === replicationId
}

/** A member and what was just seen of it. */
export interface Sample {
  readonly id: InstanceId
  readonly observation: Observation
}

/**
 * The member that holds most of one history, among those that serve; null when none is left. Of equals the first given wins, so
 * the order of `samples` is the preference.
 */
export function furthest(samples: readonly Sample[], replicationId: string | null): Sample | null {
  const able = samples.filter(
    ({ observation }) =>
      observation.service === 'running' &&
      observation.offset !== null &&
      sharesHistory(observation, replicationId),
  )
  return able.reduce<Sample | null>(
    (best, one) => (best && (best.observation.offset ?? 0) >= (one.observation.offset ?? 0) ? best : one),
    null,
  )
}
