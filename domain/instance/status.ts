import type { OperationKind } from '../operation/operation.js'
import type { MemberRole } from './instance.js'
import type { ServiceState } from './observation.js'

/** Trove's words for `status`. */
export const INSTANCE_STATUSES = [
  'BUILD',
  'ACTIVE',
  'REBOOT',
  'PROMOTE',
  'EJECT',
  'DETACH',
  'SHUTDOWN',
  'ERROR',
] as const
export type InstanceStatus = (typeof INSTANCE_STATUSES)[number]

/** Trove's words for `operating_status`; empty while an operation holds the instance. */
export const OPERATING_STATUSES = ['', 'HEALTHY', 'BLOCKED', 'SHUTDOWN', 'ERROR'] as const
export type OperatingStatus = (typeof OPERATING_STATUSES)[number]

/** All that the two public words are derived from. */
export interface StatusFacts {
  readonly role: MemberRole
  /** Kind of the open operation that holds the instance, and whether this instance is the one it was opened for. */
  readonly operation: { readonly kind: OperationKind; readonly isSubject: boolean } | null
  readonly hasFault: boolean
  /** Milliseconds since the agent's last report was stored; null when it never reported. */
  readonly reportAgeMs: number | null
  readonly service: ServiceState | null
  /** The agent has something to complain of (its `fault`). */
  readonly agentFault: boolean
  /** Its server says that writes are out of reach. */
  readonly fenced: boolean
}

type WhileBusy = { readonly subject: InstanceStatus; readonly others: InstanceStatus }

/** create_replicas: the subject is the source, which goes on serving; the others are the new replicas. */
const WHILE_BUSY: Record<OperationKind, WhileBusy> = {
  create_instance: { subject: 'BUILD', others: 'BUILD' },
  create_replicas: { subject: 'ACTIVE', others: 'BUILD' },
  detach_replica: { subject: 'DETACH', others: 'ACTIVE' },
  promote_to_replica_source: { subject: 'PROMOTE', others: 'PROMOTE' },
  eject_replica_source: { subject: 'EJECT', others: 'EJECT' },
  restart_instance: { subject: 'REBOOT', others: 'ACTIVE' },
  delete_instance: { subject: 'SHUTDOWN', others: 'ACTIVE' },
  migrate_replica: { subject: 'BUILD', others: 'ACTIVE' },
  set_password: { subject: 'ACTIVE', others: 'ACTIVE' },
  repair_replication: { subject: 'ACTIVE', others: 'ACTIVE' },
}

const OPERATING: Record<ServiceState, OperatingStatus> = {
  running: 'HEALTHY',
  loading: 'BLOCKED',
  slow: 'BLOCKED',
  unresponsive: 'BLOCKED',
  starting: 'SHUTDOWN',
  stopped: 'SHUTDOWN',
  crashed: 'SHUTDOWN',
}

/** What we are doing wins; then what went wrong; else the instance exists and is ACTIVE (Trove's modern pair). */
export function deriveStatus(facts: StatusFacts): InstanceStatus {
  if (facts.operation) {
    const busy = WHILE_BUSY[facts.operation.kind]
    return facts.operation.isSubject ? busy.subject : busy.others
  }
  return facts.hasFault ? 'ERROR' : 'ACTIVE'
}

/**
 * Trove's second word: empty while something is being done to the instance, else what its agent says, else ERROR
 * when the agent is silent for longer than `reportAgeMsMax` or has a complaint. A source that refuses writes is not HEALTHY.
 */
export function deriveOperatingStatus(facts: StatusFacts, reportAgeMsMax: number): OperatingStatus {
  if (facts.operation && deriveStatus(facts) !== 'ACTIVE') return ''
  if (facts.hasFault) return 'ERROR'
  if (facts.reportAgeMs === null || facts.reportAgeMs > reportAgeMsMax) return 'ERROR'
  if (facts.role === 'ejected') return 'BLOCKED'
  if (facts.agentFault) return 'ERROR'
  // Started again, it waits for the word that it still leads; a replica takes no writes anyway.
  if (facts.role === 'source' && facts.fenced) return 'BLOCKED'
  return facts.service ? OPERATING[facts.service] : 'ERROR'
}
