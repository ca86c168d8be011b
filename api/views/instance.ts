import { reportAgeMs } from '../../domain/instance/silence.js'
import { deriveOperatingStatus, deriveStatus, type StatusFacts } from '../../domain/instance/status.js'
import type { DatastoreVersion, InstanceFacts } from '../../store/store.js'
import type { components } from '../../wire/http/openapi.js'
import type { Caller } from '../context.js'
import { REGION } from '../routes/instances/refuse-unenforced.js'
import { dateOf } from './date.js'
import { linksOf, referenceTo } from './links.js'
import { replicationState } from './replication-health.js'

type InstanceView = components['schemas']['Instance']

const GB = 1024 ** 3

/** What every instance of one answer is shown with. */
export interface Viewing {
  readonly caller: Caller
  readonly versions: readonly DatastoreVersion[]
  readonly reportAgeMsMax: number
}

/** Summary of an instance, as lists show it. `replica_of` and `replicas` are absent, never null, when there is none. */
export function instanceSummary(facts: InstanceFacts, viewing: Viewing): InstanceView {
  const { instance } = facts
  const { caller } = viewing
  const version = viewing.versions.find(({ id }) => id === instance.datastoreVersionId)
  return {
    id: instance.id,
    name: instance.name,
    ...statusWords(facts, viewing),
    links: linksOf(caller, 'instances', instance.id),
    flavor: referenceTo(caller, 'flavors', instance.flavorId),
    volume: { size: instance.volumeGb },
    datastore: { type: version?.datastore ?? 'redis', version: version?.name ?? 'unknown' },
    region: REGION,
    access: { is_public: false },
    ...(caller.isAdmin ? { tenant_id: instance.projectId } : {}),
    ...address(facts),
    ...relations(facts, caller),
    replication: replicationState(facts),
    ...(facts.operation ? { operation: { id: facts.operation.id, kind: facts.operation.kind } } : {}),
  }
}

/** Everything that may be known of an instance. */
export function instanceDetail(facts: InstanceFacts, viewing: Viewing): InstanceView {
  const { instance, stored } = facts
  const summary = instanceSummary(facts, viewing)
  const version = viewing.versions.find(({ id }) => id === instance.datastoreVersionId)
  return {
    ...summary,
    created: dateOf(instance.createdAtMs),
    updated: dateOf(instance.updatedAtMs),
    ...(stored ? { service_status_updated: dateOf(stored.receivedAtMs) } : {}),
    datastore: { ...summary.datastore, ...(version ? { version_number: version.version } : {}) },
    volume: { ...summary.volume, ...volumeUse(facts) },
    ...(instance.locality ? { locality: instance.locality } : {}),
    ...faultOf(facts, viewing),
  }
}

/** The two public words of an instance. */
export function statusWords(facts: InstanceFacts, viewing: Pick<Viewing, 'reportAgeMsMax'>) {
  const known: StatusFacts = {
    role: facts.instance.role,
    operation: facts.operation,
    hasFault: facts.instance.fault !== null,
    reportAgeMs: reportAgeMs(facts.stored),
    service: facts.stored?.observation.service ?? null,
    agentFault: (facts.stored?.observation.fault ?? null) !== null,
    fenced: facts.stored?.observation.fenced === true,
  }
  return {
    status: deriveStatus(known),
    operating_status: deriveOperatingStatus(known, viewing.reportAgeMsMax),
  }
}

/** No addresses while it is being built: clients take their presence for readiness. */
function address(facts: InstanceFacts) {
  const { endpoint } = facts.instance
  if (!endpoint || facts.operation?.kind === 'create_instance') return {}
  return {
    ip: [endpoint.host],
    addresses: [{ address: endpoint.host, type: 'private' as const }],
    port: endpoint.port,
  }
}

function relations(facts: InstanceFacts, caller: Caller) {
  if (facts.instance.role === 'replica' && facts.sourceId !== null) {
    return { replica_of: referenceTo(caller, 'instances', facts.sourceId) }
  }
  if (facts.replicaIds.length === 0) return {}
  return { replicas: facts.replicaIds.map((id) => referenceTo(caller, 'instances', id)) }
}

function volumeUse(facts: InstanceFacts) {
  const used = facts.stored?.observation.diskUsedBytes
  if (used === undefined || used === null) return {}
  const gb = used / GB
  const percent = (100 * gb) / facts.instance.volumeGb
  return { used: Math.round(gb * 100) / 100, used_percent: Math.round(percent * 100) / 100 }
}

/** What went wrong at rest: the operation's fault, else the agent's own complaint. */
function faultOf(facts: InstanceFacts, { caller }: Viewing) {
  const { fault } = facts.instance
  if (fault) {
    return {
      fault: {
        message: fault.message,
        created: dateOf(fault.createdAtMs),
        details: caller.isAdmin ? fault.details : null,
      },
    }
  }
  const complaint = facts.stored?.observation.fault
  if (!complaint || !facts.stored) return {}
  return { fault: { message: complaint, created: dateOf(facts.stored.receivedAtMs), details: null } }
}
