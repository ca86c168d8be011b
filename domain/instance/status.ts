import { kindOf, type OperationKind } from '../operation/kinds/index.js'
import type { MemberRole } from './instance.js'
import type { ServiceState } from './observation.js'
import { isOverdue } from './silence.js'
import type { InstanceStatus, OperatingStatus } from './status-words.js'

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
    const busy = kindOf(facts.operation.kind).status
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
  if (isOverdue(facts.reportAgeMs, reportAgeMsMax)) return 'ERROR'
  if (facts.role === 'ejected') return 'BLOCKED'
  if (facts.agentFault) return 'ERROR'
  // Started again, it waits for the word that it still leads; a replica takes no writes anyway.
  if (facts.role === 'source' && facts.fenced) return 'BLOCKED'
  return facts.service ? OPERATING[facts.service] : 'ERROR'
}
