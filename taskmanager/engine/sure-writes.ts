/*
 * Writes of a running operation that end only when their outcome is known: applied, or the lease lost. An error of the database may
 * come after the effect, and nothing can be decided on a guess.
 */
import type { Clock } from '../../common/clock.js'
import { isKind, messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { Lease, Store } from '../../store/store.js'
import type { KeptLease } from './lease.js'
import type { Outcome, Ready } from './workflow.js'

interface Writing {
  readonly store: Store
  readonly lease: Lease
  readonly kept: KeptLease
  readonly clock: Clock
  readonly log: Logger
}

const RETRY_MS = 100
/** A database that is there and refuses an operation's outcome this often will not take it. */
const REFUSALS_MAX = 5
const UNRECORDED =
  'Its outcome could not be recorded; compare the set with its desired topology and restart what differs.'

/** Whoever was frozen may have been overtaken without knowing it: nothing is taken back then, it is another's by now. */
export async function confirmLease({ store, lease, kept, clock }: Writing): Promise<void> {
  for (;;) {
    try {
      await store.operations.renew(lease)
      return
    } catch (error) {
      if (isKind(error, 'lease_lost')) throw error
    }
    await clock.sleep(RETRY_MS, kept.signal)
  }
}

/** Ends only when it is known whether the plan was saved: taking back after it was would tear the set. */
export async function savePlan({ store, lease, kept, clock }: Writing, ready: Ready<unknown>) {
  for (;;) {
    try {
      return await store.operations.savePlan(lease, ready.plan, ready.changes)
    } catch (error) {
      if (isKind(error, 'lease_lost')) throw error
      const found = await store.operations.find(null, lease.operationId).catch(() => null)
      if (found?.state === 'committing' && found.attempt === lease.attempt) return
      if (found && !isKind(error, 'unavailable')) throw error
    }
    await clock.sleep(RETRY_MS, kept.signal)
  }
}

/** Ends the operation. An outcome that the database will not take is recorded as a failure instead. */
export async function closeOperation(
  { store, lease, kept, clock, log }: Writing,
  outcome: Outcome,
): Promise<void> {
  const { state, ...rest } = outcome
  for (let refusals = 0; ; ) {
    try {
      if (refusals < REFUSALS_MAX) await store.operations.close(lease, state, rest)
      else await store.operations.close(lease, 'failed', { fault: UNRECORDED })
      log.info({ state, summary: outcome.result?.summary, fault: outcome.fault }, 'operation closed')
      return
    } catch (error) {
      if (isKind(error, 'lease_lost')) throw error
      if (!isAway(error)) refusals += 1
      log.warn({ reason: messageOf(error), refusals }, 'operation not closed, trying again')
    }
    await clock.sleep(RETRY_MS, kept.signal)
  }
}

/** A part of the control plane, not a guest: the same call may succeed as soon as it is back. */
export function isAway(error: unknown): boolean {
  return isKind(error, 'unavailable')
}
