import type { Clock } from '../../common/clock.js'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { Compute } from '../compute/compute.js'
import { within } from '../guests/guests.js'

const ANSWER_MS_MAX = 2_000
/** Several sweeps of the others. */
const YIELD_MS = 3_000

/**
 * Waits before an operation is taken while the engine beside this taskmanager does not answer: where each has a host part of its own, another
 * can carry out what this one cannot. Only for some seconds, since there may be no other.
 */
export function yieldToOthers(compute: Pick<Compute, 'offers'>, clock: Clock, log: Logger) {
  return async (signal: AbortSignal): Promise<void> => {
    try {
      // What can be run here is the engine's own knowledge: it needs no other manager.
      await within('The engine', ANSWER_MS_MAX, { clock, signal }, () => compute.offers())
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'others may take an operation first')
      await clock.sleep(YIELD_MS, signal).catch(() => {})
    }
  }
}
