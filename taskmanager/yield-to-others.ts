import type { Clock } from '../common/clock.js'
import { messageOf } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import type { Compute } from './compute/compute.js'

const ANSWER_MS_MAX = 2_000
/** Several sweeps of the others. */
const YIELD_MS = 3_000

/**
 * Waits before an operation is taken while the engine beside this taskmanager does not answer: where each has a host part of its own, another
 * can carry out what this one cannot. Only for some seconds, since there may be no other.
 */
export function yieldToOthers(compute: Pick<Compute, 'offers'>, clock: Clock, log: Logger) {
  const answers = () => {
    const late = clock.sleep(ANSWER_MS_MAX).then(() => {
      throw new Error(`no answer within ${ANSWER_MS_MAX} ms`)
    })
    // What can be run here is the engine's own knowledge: it needs no other manager.
    return Promise.race([compute.offers(), late])
  }
  return async (signal: AbortSignal): Promise<void> => {
    try {
      await answers()
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'others may take an operation first')
      await clock.sleep(YIELD_MS, signal).catch(() => {})
    }
  }
}
