import type { Endpoint, Instance } from './instance.js'
import type { Observation, StoredObservation } from './observation.js'

/** A member with its newest report; the store's row fits. */
export interface Member {
  readonly instance: Instance
  readonly stored: StoredObservation | null
}

export interface DriftOptions {
  readonly nowMs: number
  readonly reportAgeMsMax: number
}

/**
 * Where what the agents see differs from what the set should be, one sentence each. A silent agent or a server that does not
 * run is not drift: nothing is known of it, or its agent is at work on it.
 */
export function driftOf(
  members: readonly Member[],
  { nowMs, reportAgeMsMax }: DriftOptions,
): readonly string[] {
  const source = members.find(({ instance }) => instance.role === 'source')?.instance.endpoint ?? null
  return members.flatMap((member) => {
    const { stored } = member
    if (!stored || nowMs - stored.receivedAtMs > reportAgeMsMax || stored.observation.service !== 'running')
      return []
    return driftOfMember(member, stored.observation, source)
  })
}

function driftOfMember({ instance }: Member, seen: Observation, source: Endpoint | null): readonly string[] {
  const drift: string[] = []
  if (instance.role === 'replica') {
    if (seen.role !== 'replica')
      drift.push(`${instance.id} should be a replica and is a ${seen.role ?? 'server without a role'}`)
    else if (source && !sameEndpoint(seen.following, source)) {
      drift.push(`${instance.id} should follow ${show(source)} and follows ${show(seen.following)}`)
    }
    return drift
  }
  if (seen.role === 'replica')
    drift.push(`${instance.id} should be the source and follows ${show(seen.following)}`)
  if (instance.role === 'source' && seen.role === 'source' && seen.fenced)
    drift.push(`${instance.id} is the source and its writes are fenced`)
  if (instance.role === 'ejected' && seen.fenced === false)
    drift.push(`${instance.id} was ejected and its writes are not fenced`)
  return drift
}

function sameEndpoint(a: Endpoint | null, b: Endpoint): boolean {
  return a !== null && a.host === b.host && a.port === b.port
}

function show(endpoint: Endpoint | null): string {
  return endpoint ? `${endpoint.host}:${endpoint.port}` : 'nobody'
}
