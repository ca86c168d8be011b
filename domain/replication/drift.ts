/* Desired against observed, as sentences for people and as the reason of a repair. Pure. */

import { called } from '../instance/called.js'
import { type Endpoint, isSameEndpoint } from '../instance/endpoint.js'
import type { InstanceId, MemberRole, ReplicationSetId } from '../instance/instance.js'
import type { Observation } from '../instance/observation.js'

/** What the rows want of one instance. */
export interface Desired {
  readonly id: InstanceId
  readonly name: string
  readonly setId: ReplicationSetId
  readonly role: MemberRole
  /** The set's source; a replica follows it. Null when there is none or it has no address. */
  readonly source: Endpoint | null
}

/**
 * How an instance differs from its row; empty when it does not. Only what a command can mend: a server that is not running or does not say
 * what it is, and a link that is down, are its agent's business.
 */
export function driftOf(desired: Desired, seen: Observation): readonly string[] {
  if (seen.service !== 'running' || seen.role === null) return []
  const drift = [wrongSet(desired, seen), ...byRole(desired, seen)]
  return drift
    .filter((sentence) => sentence !== null)
    .map((sentence) => `instance ${called(desired)} ${sentence}`)
}

function wrongSet({ setId }: Desired, { accepted }: Observation): string | null {
  return accepted && accepted.setId !== setId ? `takes itself for a member of set ${accepted.setId}` : null
}

function byRole({ role, source }: Desired, seen: Observation): readonly (string | null)[] {
  switch (role) {
    case 'source':
      return [
        seen.role === 'source' ? null : `follows ${nameOf(seen.following)} but should be the source`,
        seen.role === 'source' && seen.fenced === true ? 'is the source but refuses writes' : null,
      ]
    case 'replica':
      if (source === null) return []
      if (seen.role === 'source') return [`takes no source's data but should follow ${nameOf(source)}`]
      return [
        isSameEndpoint(seen.following, source)
          ? null
          : `follows ${nameOf(seen.following)} instead of ${nameOf(source)}`,
      ]
    case 'ejected':
      return [
        seen.fenced === false ? 'was ejected but takes writes' : null,
        seen.role === 'replica' ? `was ejected but follows ${nameOf(seen.following)}` : null,
      ]
  }
}

function nameOf(endpoint: Endpoint | null): string {
  return endpoint ? `${endpoint.host}:${endpoint.port}` : 'nobody'
}
