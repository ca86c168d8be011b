import type { Observation } from '../../domain/instance/observation.js'
import { reportAgeMs } from '../../domain/instance/silence.js'
import type { InstanceFacts } from '../../store/store.js'
import type { components } from '../../wire/http/openapi.js'

type ReplicationState = components['schemas']['ReplicationState']
type ReplicationHealth = components['schemas']['ReplicationHealth']

/** The place of an instance in its set: no more than a cell of the table that the OpenStack client prints can hold. */
export function replicationState(facts: InstanceFacts): ReplicationState {
  const seen = facts.stored?.observation
  return {
    role: facts.instance.role,
    link: seen?.role === 'replica' ? seen.link : null,
    lag_bytes: facts.instance.role === 'replica' ? lagBytes(seen, facts.sourceStored?.observation) : null,
    offset: seen?.offset ?? null,
  }
}

/** All else that the agent last saw, in the API's words. */
export function replicationHealth(facts: InstanceFacts): ReplicationHealth {
  const seen = facts.stored?.observation
  const ageMs = reportAgeMs(facts.stored)
  return {
    observed_role: seen?.role ?? null,
    replication_id: seen?.replicationId ?? null,
    last_io_seconds_ago: seen?.lastIoSecondsAgo ?? null,
    connected_replicas: seen?.connectedReplicas.length ?? 0,
    fenced: seen?.fenced ?? null,
    service: seen?.service ?? null,
    server_version: seen?.serverVersion ?? null,
    epoch: seen?.accepted?.epoch ?? null,
    ...usage(seen),
    complaint: seen?.fault ?? null,
    report_age_seconds: ageMs === null ? null : Math.round(ageMs / 100) / 10,
  }
}

function usage(seen: Observation | undefined) {
  return {
    memory_used_bytes: seen?.memoryUsedBytes ?? null,
    disk_used_bytes: seen?.diskUsedBytes ?? null,
    disk_free_bytes: seen?.diskFreeBytes ?? null,
    keys: seen?.keys ?? null,
    persistence_ok: seen?.persistenceOk ?? null,
    sync_full: seen?.syncFull ?? null,
    sync_partial_ok: seen?.syncPartialOk ?? null,
  }
}

/** Offsets can be compared only within one history; both are as old as their reports, so a negative difference is zero. */
function lagBytes(replica: Observation | undefined, source: Observation | undefined): number | null {
  if (!replica || !source || replica.offset === null || source.offset === null) return null
  if (replica.replicationId === null || replica.replicationId !== source.replicationId) return null
  return Math.max(0, source.offset - replica.offset)
}
