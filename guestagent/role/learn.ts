import { isKind } from '../../common/errors.js'
import type { Assignment } from '../../domain/replication/assignment.js'
import { refusalToLead, withAssignment } from '../memory/accepted.js'
import { ROLE_MS_MAX, type RoleKeeperParts } from './keeper-parts.js'

/**
 * Asks the control plane what was missed while this agent, its server or the broker was away, and does it. Fails as the question and the acts
 * do, and may be repeated; resolves to nothing done while an operation holds the instance.
 */
export async function learn(parts: RoleKeeperParts, signal: AbortSignal): Promise<void> {
  const { accepted, control, ask, book, log } = parts
  const { assignment } = await ask.assignmentOf({}, { signal })
  if (!assignment) return
  const refusal = refusalToLead(accepted.current(), assignment)
  book.note({ type: 'heard', refusal })
  if (refusal !== null) return
  await control(async () => {
    if (!(await take(assignment, parts))) return
    book.note({ type: 'answered' })
    log.info({ epoch: assignment.epoch, role: assignment.role }, 'role confirmed by the control plane')
  })
}

/** False when the answer was overtaken by a command of a higher epoch. */
async function take(assignment: Assignment, parts: RoleKeeperParts): Promise<boolean> {
  const { server, accepted, acts, clock, log } = parts
  const { epoch, attempt, newborn } = accepted.current()
  try {
    // A word of the present epoch must not pass for a later attempt of its operation.
    await accepted.accept(
      { epoch: assignment.epoch, attempt: assignment.epoch === epoch ? attempt : 0 },
      withAssignment(assignment),
    )
  } catch (error) {
    if (!isKind(error, 'stale_epoch')) throw error
    log.warn({ answered: assignment.epoch, accepted: epoch }, 'answer of an older epoch is left aside')
    return false
  }
  if (newborn) await server.start()
  else if (server.state() === 'up') {
    await server.writeConf()
    const deadlineMs = clock.monotonicMs() + ROLE_MS_MAX
    await acts.take(await acts.untilServing(deadlineMs), deadlineMs)
    confirm(parts)
  }
  return true
}

/** The control plane itself has just given this server process its role. */
export function confirm({ book, accepted }: Pick<RoleKeeperParts, 'book' | 'accepted'>): void {
  // A start out of dump.rdb is settled only when the append-only file is on again, which no word of the control plane does.
  book.note({ type: 'confirmed', who: book.process(), whole: !accepted.current().startFromRdb })
}
