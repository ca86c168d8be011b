import type { MemberRole } from '../../domain/instance/instance.js'
import {
  isConfirmed,
  type ProcessName,
  type Standing,
  type StandingEvent,
  standingAfter,
  UNKNOWN,
  type WriteVerdict,
  writeVerdict,
} from '../../domain/replication/may-take-writes.js'
import type { AcceptedState } from '../memory/accepted.js'
import type { ManagedServer } from '../server/server.js'

/** The standing of one agent's server, kept. */
export interface StandingBook {
  readonly now: () => Standing
  note(event: StandingEvent): void
  /** The process that runs; null when none does. */
  readonly process: () => ProcessName | null
  /** What the process that runs may do in the role that was given. */
  readonly verdict: () => WriteVerdict
  /** Whether it may lead, whatever its role is now. */
  readonly mayLead: () => boolean
}

/** Nothing is known yet. */
export function standingBook(
  server: Pick<ManagedServer, 'process'>,
  accepted: Pick<AcceptedState, 'current'>,
): StandingBook {
  let standing = UNKNOWN
  const process = () => {
    const found = server.process()
    return found ? `${found.pid} ${found.startTime}` : null
  }
  const verdictAs = (role: MemberRole) => {
    const { hadReplicas, newborn } = accepted.current()
    return writeVerdict({ role, confirmed: isConfirmed(standing, process()), hadReplicas, newborn })
  }
  return {
    now: () => standing,
    note: (event) => {
      standing = standingAfter(standing, event)
    },
    process,
    verdict: () => verdictAs(accepted.current().assignment.role),
    mayLead: () => verdictAs('source') === 'take writes',
  }
}
