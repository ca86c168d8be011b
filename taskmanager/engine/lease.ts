import type { Clock } from '../../common/clock.js'
import { isKind, messageOf, RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { Lease, OperationStore } from '../../store/store.js'

/** A lease that is kept alive until `stop`. */
export interface KeptLease {
  /** Aborted with `lease_lost` when another may have taken the operation. */
  readonly signal: AbortSignal
  /** Aborted when somebody asked for a take-back. */
  readonly cancelled: AbortSignal
  stop(): void
}

/**
 * Renews a lease each third of its length. It counts as lost when the store says so, and also when no renewal went through for
 * a whole length: from then on another taskmanager may have it.
 */
export function keepLease(
  operations: Pick<OperationStore, 'renew'>,
  lease: Lease,
  leaseMs: number,
  clock: Clock,
  log: Logger,
): KeptLease {
  const lost = new AbortController()
  const cancelled = new AbortController()
  const stopped = new AbortController()
  const lose = (why: string) => {
    lost.abort(new RedtroveError('lease_lost', `Operation ${lease.operationId}: ${why}.`))
    stopped.abort()
  }
  const beat = async () => {
    let renewedAtMs = clock.monotonicMs()
    while (!stopped.signal.aborted) {
      await clock.sleep(leaseMs / 3, stopped.signal)
      const triedAtMs = clock.monotonicMs()
      try {
        const { cancelRequested } = await operations.renew(lease)
        renewedAtMs = triedAtMs
        if (cancelRequested) cancelled.abort(new RedtroveError('conflict', 'Cancelled on request.'))
      } catch (error) {
        if (isKind(error, 'lease_lost')) return lose('another taskmanager holds it')
        log.warn({ operationId: lease.operationId, reason: messageOf(error) }, 'lease not renewed')
        if (clock.monotonicMs() - renewedAtMs >= leaseMs)
          return lose('its lease could not be renewed in time')
      }
    }
  }
  beat().catch(() => {}) // the sleep ends with stop
  return { signal: lost.signal, cancelled: cancelled.signal, stop: () => stopped.abort() }
}
